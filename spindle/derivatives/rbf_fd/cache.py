"""Weights that were computed before, read from a file: the same nodes and operators give the same weights."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from spindle.derivatives.rbf_fd.weights import Operator, definite_exponent, stencil_size, weights

# Smallest m n^2 whose weights go to disk; below it, computing takes a fraction of a second.
CACHE_FROM = 2e7
# Part of every key: raise it whenever the same input would give other weights.
CACHE_VERSION = 1


def cached_weights(
    nodes: np.ndarray,
    centres: np.ndarray,
    operators: Sequence[Operator],
    *,
    degree: int,
    size: int | None = None,
    exponent: int = 7,
    idx: np.ndarray | None = None,
    folder: str | os.PathLike | None = None,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """`weights`, read from a file if the same ones were computed before and took long.

    folder   where the files lie; by default `$SPINDLE_CACHE`, else `spindle/rbffd` in the user's cache folder

    A file is named by a hash of all arguments, and written whole or not at all. One that cannot be read is
    written anew, and a folder that cannot be written to only costs time.
    """

    def compute():
        return weights(nodes, centres, operators, degree=degree, size=size, exponent=exponent, idx=idx)

    m, d = np.shape(centres) if np.ndim(centres) == 2 else (0, 1)
    n = np.shape(idx)[-1] if idx is not None else size or stencil_size(degree, d)
    path = None if m * n**2 <= CACHE_FROM else _folder(folder)
    if path is None:
        return compute()
    path = path / f"{_key(nodes, centres, operators, degree, n, definite_exponent(exponent, degree), idx)}.npz"
    stencils = _read(path, (m, n), len(operators))
    if stencils is None:
        stencils = compute()
        _write(path, *stencils)
    return stencils


def _folder(folder) -> Path | None:
    if folder or (folder := os.environ.get("SPINDLE_CACHE")):
        return Path(folder)
    try:
        return user_cache_path("spindle", appauthor=False) / "rbffd"
    except RuntimeError:  # nobody's home
        return None


def _key(nodes, centres, operators, degree, size, exponent, idx) -> str:
    """The SHA-256 hash of all that the weights depend on."""
    digest = hashlib.sha256(f"{CACHE_VERSION} {degree} {size} {exponent}".encode())

    def add(name, values, dtype=np.float64):
        values = np.ascontiguousarray(values, dtype=dtype)
        digest.update(f"\n{name} {values.shape} {values.dtype.str}\n".encode())
        digest.update(values.tobytes())

    add("nodes", nodes)
    add("centres", centres)
    if idx is not None:
        add("idx", idx, np.int32)
    for k, operator in enumerate(operators):
        for orders in sorted(operator):
            add(f"operator {k} {tuple(map(int, orders))}", operator[orders])
    return digest.hexdigest()


def _read(path: Path, shape: tuple[int, int], count: int):
    try:
        # Opened here: `np.load` leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            idx, values = arrays["idx"], arrays["weights"]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return (idx, list(values)) if idx.shape == shape and values.shape == (count, *shape) else None


def _write(path: Path, idx: np.ndarray, values: list[np.ndarray]) -> None:
    """Write next to the place and rename: another process sees the whole file or none."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            np.savez(file, idx=idx, weights=np.stack(values) if values else np.empty((0, *idx.shape)))
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
