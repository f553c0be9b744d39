"""Files of others: opened only where they are regular and small enough, their arrays counted before one is loaded.

Whoever reads a problem or a run does not know who wrote it. A pipe would be waited for for ever, a device never ends,
a few bytes unpack to many, and a link leads where nobody meant to write.
"""

import errno
import os
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

LARGEST_DATA = 1_000_000_000  # bytes of a file with numbers
LARGEST_TEXT = 20_000_000  # bytes of a description in JSON
MOST_NUMBERS = 20_000_000  # of all arrays that are read of a file; each takes eight bytes
_MOST_ARRAYS = 100_000
_LARGEST_INDEX = 10_000_000  # bytes that list the members of an archive
_END_OF_INDEX = b"PK\x05\x06"


class Unreadable(ValueError):
    """Why a file is not read, as part of a sentence: "it is no regular file"."""


def open_regular(path: str | Path, most: int = LARGEST_DATA) -> IO[bytes]:
    """A regular file, opened for reading.

    most   bytes that it may have
    Raises Unreadable where it is a pipe, a device or a folder, or larger; OSError where the system refuses it.
    """
    # A pipe that nobody writes to would block here, before it can be known to be one.
    handle = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    status = os.fstat(handle.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= most:
        return handle
    handle.close()
    kind = f"it has more than {most:,} bytes" if stat.S_ISREG(status.st_mode) else "it is no regular file"
    raise Unreadable(kind)


def read_regular(path: str | Path, most: int = LARGEST_TEXT) -> bytes:
    """All bytes of a regular file; raises like `open_regular`."""
    with open_regular(path, most) as handle:
        return handle.read(most)


def refuse_links(path: str | Path) -> None:
    """Raise OSError where a file that is to be written leads to another one, or is no regular file.

    A second name of the same file counts as a link: what is written into one changes the other.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink > 1):
        raise OSError(errno.ELOOP, "it is a link to another file, which is not followed", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))


def create(path: str | Path) -> IO[bytes]:
    """A new file, opened for writing; whatever has its name already is removed first, and never followed."""
    Path(path).unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


# ------------------------------------------------------------------------------------------------ arrays in an archive


@dataclass(frozen=True)
class Header:
    """What an array is, as its file says: its member of the archive, shape and type.

    sound   whether the member is as long as such an array
    """

    member: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype
    sound: bool

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod([float(n) for n in self.shape]))


class Arrays:
    """The arrays of an `.npz` file, whose headers alone are read at first; raises Unreadable where it is none.

    headers   by name
    """

    def __init__(self, handle: IO[bytes]):
        _check_index(handle)
        try:
            self._archive = zipfile.ZipFile(handle)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise Unreadable(f"it is no archive of arrays: {error}") from error
        members = self._archive.infolist()
        if len(members) > _MOST_ARRAYS:
            raise Unreadable(f"it has {len(members):,} arrays, of which {_MOST_ARRAYS:,} are the most")
        self.headers: Mapping[str, Header] = {m.filename.removesuffix(".npy"): self._header(m) for m in members}

    @property
    def unpacked(self) -> int:
        """Bytes of all arrays."""
        return sum(header.member.file_size for header in self.headers.values())

    def load(self, names: Iterable[str], most: int = MOST_NUMBERS) -> dict[str, np.ndarray]:
        """Some of the arrays; raises Unreadable where they have more numbers together than `most`, or hold objects."""
        headers = {name: self.headers[name] for name in names}
        for name, header in headers.items():
            if not header.sound or header.dtype.kind not in "biuf":
                raise Unreadable(f"`{name}` is no array of numbers: {header.dtype} {header.shape}")
        total = sum(header.size for header in headers.values())
        if total > most:
            raise Unreadable(f"its arrays have {total:,} numbers, of which {most:,} are the most; thin them out")
        return {name: self._array(header) for name, header in headers.items()}

    def _header(self, member: zipfile.ZipInfo) -> Header:
        with self._archive.open(member) as file:
            try:
                version = np.lib.format.read_magic(file)
                first = version == (1, 0)
                read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(file)
            except Exception:  # what is no array is none that can be wanted
                return Header(member, (), np.dtype(object), sound=False)
            header = Header(member, shape, dtype, sound=True)
            whole = min(shape, default=0) >= 0 and file.tell() + header.size * dtype.itemsize == member.file_size
            return header if whole else replace(header, sound=False)

    def _array(self, header: Header) -> np.ndarray:
        with self._archive.open(header.member) as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _check_index(handle: IO[bytes]) -> None:
    """Raise Unreadable where the list of members is too long to be read, which would take long and much memory."""
    size = handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - 65_557))
    ending = handle.read()
    at = ending.rfind(_END_OF_INDEX)
    if at < 0 or len(ending) < at + 16:
        raise Unreadable("it is no archive of arrays")
    # What is too large for four bytes is written as their largest value, and is too large here.
    if int.from_bytes(ending[at + 12 : at + 16], "little") > _LARGEST_INDEX:
        raise Unreadable("it has too many arrays")
    handle.seek(0)
