"""Arrays and plain data in one file, written atomically and read without executing anything."""

import errno
import io
import json
import os
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import RunError, SpindleError
from spindle.storage.bounded import LARGEST_TEXT, Arrays, create, open_regular, refuse_links

FORMAT = 1  # of checkpoints
_META = "meta"
_PAUSES = (0.01, 0.03, 0.1, 0.3)  # in seconds, before a file in use is tried again
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError)
_FULL = dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room and go on, what was saved before is whole")
_MENDED = _FULL | {errno.ELOOP: "remove the link", errno.EINVAL: "remove what has its name"}
_AGAIN = (
    "remove it and resume the run: this training begins again at its first step, and all else in the directory stays "
    "readable meanwhile"
)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence where the system refuses to write."""
    try:
        yield
    except OSError as error:
        fix = _MENDED.get(error.errno or 0, "choose a directory that can")
        raise RunError(f"{path} cannot be written ({error.strerror or error}); {fix}.") from error


def check_writable(path: Path) -> None:
    """Raise RunError where a file that is about to be written is a link, which would lead the writing elsewhere."""
    with writing(path):
        refuse_links(path)


@contextmanager
def reading(path: Path, advice: str = _AGAIN) -> Iterator[None]:
    """Say in a sentence where a file is damaged, or holds something else than expected, and what to do then."""
    try:
        yield
    except SpindleError:
        raise
    except _DAMAGE as error:
        _damaged(path, error, advice)


def _damaged(path: Path, error: Exception, advice: str) -> NoReturn:
    reason = textwrap.shorten(str(error), 120, placeholder=" ...") or type(error).__name__
    raise RunError(f"The file {path} is damaged or foreign ({reason}); {advice}.") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the new one, whole, whatever happens meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with create(temporary) as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            _replace(temporary, path)
        finally:
            with suppress(OSError):  # where nothing can be written there is nothing to remove
                temporary.unlink()


def _replace(temporary: Path, path: Path) -> None:
    """Put a file in the place of another; Windows refuses while anybody, a virus scanner too, has that one open."""
    for pause in _PAUSES:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            time.sleep(pause)
    os.replace(temporary, path)


def remove_parts(directory: Path) -> None:
    """Remove what killed processes left of the arrays and descriptions that they were writing."""
    for folder in (directory, *(part for part in directory.glob("window*") if not part.is_symlink())):
        for left in (*folder.glob(".*.npz.*.part"), *folder.glob(".*.json.*.part")):
            with suppress(OSError):
                left.unlink()


def save_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict) -> None:
    """Named arrays and JSON-ready data into one `.npz` file."""
    buffer = io.BytesIO()
    stored: dict[str, Any] = {_META: np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays}
    np.savez(buffer, **stored)
    write_atomically(Path(path), buffer.getvalue())


def load_arrays(path: Path, advice: str = _AGAIN) -> tuple[dict[str, np.ndarray], dict]:
    """What `save_arrays` wrote; `advice` is what to do where it cannot be read.

    Raises RunError where there is no such file, or it is damaged.
    """
    if not path.exists():
        raise RunError(f"There is no file {path}; a run directory holds one once training has begun.")
    try:
        with open_regular(path) as handle:
            return _unpacked(Arrays(handle), path.stat().st_size)
    except Exception as error:  # archives, arrays and JSON refuse nonsense in many ways
        _damaged(path, error, advice)


def _unpacked(stored: Arrays, size: int) -> tuple[dict[str, np.ndarray], dict]:
    if stored.unpacked > size:  # spindle packs nothing
        raise ValueError(f"it has {size:,} bytes and unpacks to {stored.unpacked:,}")
    described = stored.headers[_META]
    if described.dtype != np.uint8 or described.size > LARGEST_TEXT:
        raise ValueError("its description is none")
    meta = json.loads(stored.load([_META])[_META].tobytes())
    if not isinstance(meta, dict):
        raise ValueError("its description is none")
    return stored.load((name for name in stored.headers if name != _META), most=size), meta


def save_tree(path: Path, tree, meta: dict) -> None:
    """The leaves of a tree of arrays, in order, with JSON-ready data."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    save_arrays(path, {f"leaf{k}": leaf for k, leaf in enumerate(leaves)}, meta | {"format": FORMAT})


def load_meta(path: Path, fingerprint: str) -> dict:
    """The data of `save_tree`; raises RunError where another version, or the run of another mark, wrote it."""
    _, meta = load_arrays(path)
    if meta.get("format") != FORMAT:
        raise RunError(
            f"The checkpoint {path} was written by another version of spindle (this one reads format {FORMAT}), so "
            f"training cannot go on from it; finish the run by that version, or {_AGAIN}."
        )
    check_fingerprint(path, meta, fingerprint, _AGAIN)
    return meta


def check_fingerprint(path: Path, meta: dict, fingerprint: str, advice: str) -> None:
    """Raise RunError where a file bears the mark of another run."""
    if meta.get("mark", fingerprint) != fingerprint:
        raise RunError(
            f"The file {path} belongs to another run than run.json, so its numbers would mean something else here; "
            f"put the right one back, or {advice}."
        )


def load_tree(path: Path, like) -> tuple[object, dict]:
    """The tree that `save_tree` wrote, in the structure of `like`; raises RunError where shapes or types differ."""
    arrays, meta = load_arrays(path)
    leaves, structure = jax.tree.flatten(like)
    expected = [(np.shape(leaf), str(np.asarray(leaf).dtype)) for leaf in leaves]
    stored = [arrays.get(f"leaf{k}") for k in range(len(leaves))]
    shapes = [None if a is None else (a.shape, str(a.dtype)) for a in stored]
    if len(arrays) != len(leaves) or shapes != expected:
        raise RunError(
            f"The checkpoint {path} holds {len(arrays)} arrays that do not fit this problem and method ({len(leaves)} "
            f"arrays), so it belongs to another run or version; choose another directory, or {_AGAIN}."
        )
    return jax.tree.unflatten(structure, [jnp.asarray(a) for a in stored]), meta
