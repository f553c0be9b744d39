"""One process at a time writes a run directory."""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from spindle.errors import RunError
from spindle.storage.arrays import check_writable, remove_parts, writing


class Lock:
    """The right to write a directory, from `acquire` until the `with` block ends or the process dies, however it dies.

    Reading needs none. Where the file system has no locks, nothing is refused.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._handle: IO[bytes] | None = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *reason) -> None:
        self._release()

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def acquire(self) -> None:
        """Take it, if it is not held already, and make the directory; raises RunError where another process has it."""
        if self._handle is not None:
            return
        with writing(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            check_writable(self._directory / ".lock")
            self._handle = open(self._directory / ".lock", "r+b", buffering=0, opener=_opened)  # noqa: SIM115
        try:
            free = lock_descriptor(self._handle.fileno(), blocking=False)
        except OSError:  # a system or a file system without locks
            free = True
        if not free:
            number = _number(self._handle)
            self._release()
            raise RunError(
                f"The directory {self._directory} is being written by another process"
                f"{f' (number {number})' if number else ''}, and two would spoil each other's files; wait until it "
                f"has ended, end it, or choose another directory."
            )
        with suppress(OSError):  # the number is a courtesy: on a full disk the lock is as good without
            self._handle.seek(1)
            self._handle.write(f"{os.getpid():<19}".encode())
        remove_parts(self._directory)


def _opened(path, flags: int) -> int:
    """The file of the lock, made where there is none and never shortened: it may be another process's."""
    return os.open(path, flags | os.O_CREAT, 0o666)


def _number(handle: IO[bytes]) -> str:
    """The number of the process that holds the lock, from the second byte on: Windows lets nobody read the first."""
    try:
        handle.seek(1)
        number = handle.read(19).decode(errors="replace").strip()
    except OSError:
        return ""
    return number if number.isdigit() else ""
