"""Arrays and plain data in one file, written atomically and read without executing anything."""

import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import RunError

_META = "meta"


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the new one, whole, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict) -> None:
    """Named arrays and JSON-ready data into one `.npz` file."""
    buffer = io.BytesIO()
    stored: dict[str, Any] = {_META: np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays}
    np.savez(buffer, **stored)
    write_atomically(Path(path), buffer.getvalue())


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """What `save_arrays` wrote."""
    try:
        # Opened here, because NumPy leaves the file open when it is no archive.
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name != _META}
            meta = json.loads(archive[_META].tobytes())
    except FileNotFoundError as error:
        raise RunError(f"There is no file {path}; a run directory holds one once training has begun.") from error
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(f"The file {path} is damaged or foreign ({error}); start the run again without it.") from error
    return arrays, meta


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
