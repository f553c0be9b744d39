"""One process at a time writes a run directory."""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

from spindle.errors import RunError
from spindle.training.checkpoint import check_writable, remove_parts, writing


class Lock:
    """The right to write a directory, from `take` until the `with` block ends or the process dies, however it dies.

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

    def take(self) -> None:
        """Take it, if it is not held already, and make the directory; raises RunError where another process has it."""
        if self._handle is not None:
            return
        with writing(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            check_writable(self._directory / ".lock")
            self._handle = open(self._directory / ".lock", "a+b", buffering=0)  # noqa: SIM115
        try:
            if fcntl is not None:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._handle.seek(0)
            number = self._handle.read(20).decode(errors="replace").strip()
            self._release()
            raise RunError(
                f"The directory {self._directory} is being written by another process"
                f"{f' (number {number})' if number else ''}, and two would spoil each other's files; wait until it "
                f"has ended, end it, or choose another directory."
            ) from error
        except OSError:  # a file system without locks
            pass
        with suppress(OSError):  # the number is a courtesy: on a full disk the lock is as good without
            self._handle.truncate(0)
            self._handle.write(str(os.getpid()).encode())
        remove_parts(self._directory)
