"""Arrays and plain data in one file, written atomically and read without executing anything."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import RunError, SpindleError

_META = "meta"
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile, zlib.error)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence where the system refuses to write."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror or error}); choose a directory that can.") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in a sentence where a file is damaged, or holds something else than expected."""
    try:
        yield
    except SpindleError:
        raise
    except _DAMAGE as error:
        raise RunError(f"The file {path} is damaged or foreign ({error}); start the run again without it.") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the new one, whole, whatever happens meanwhile."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):  # where nothing can be written there is nothing to remove
                temporary.unlink()


def save_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict) -> None:
    """Named arrays and JSON-ready data into one `.npz` file."""
    buffer = io.BytesIO()
    stored: dict[str, Any] = {_META: np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays}
    np.savez(buffer, **stored)
    write_atomically(Path(path), buffer.getvalue())


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """What `save_arrays` wrote."""
    if not path.exists():
        raise RunError(f"There is no file {path}; a run directory holds one once training has begun.")
    # Opened here, because NumPy leaves the file open when it is no archive.
    with reading(path), open(path, "rb") as handle, np.load(handle, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name != _META}
        return arrays, json.loads(archive[_META].tobytes())


def save_tree(path: Path, tree, meta: dict) -> None:
    """The leaves of a tree of arrays, in order, with JSON-ready data."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    save_arrays(path, {f"leaf{k}": leaf for k, leaf in enumerate(leaves)}, meta)


def load_tree(path: Path, like) -> tuple[object, dict]:
    """The tree that `save_tree` wrote, in the structure of `like`; raises RunError where shapes or types differ."""
    arrays, meta = load_arrays(path)
    leaves, structure = jax.tree.flatten(like)
    expected = [(np.shape(leaf), str(np.asarray(leaf).dtype)) for leaf in leaves]
    stored = [arrays.get(f"leaf{k}") for k in range(len(leaves))]
    found = [None if a is None else (a.shape, str(a.dtype)) for a in stored]
    if len(arrays) != len(leaves) or found != expected:
        raise RunError(
            f"The checkpoint {path} holds {len(arrays)} arrays that do not fit this problem and method ({len(leaves)} "
            f"arrays); it belongs to another run, so choose another directory."
        )
    return jax.tree.unflatten(structure, [jnp.asarray(a) for a in stored]), meta
