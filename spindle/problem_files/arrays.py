"""The variables of `.npz` and NetCDF files that a problem names; all others are never loaded, however large.

What reads NetCDF is loaded where a file is read: it takes a third of a second.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy  # its parts are loaded where they are first used

from spindle.errors import ProblemError
from spindle.storage.bounded import MOST_NUMBERS, Arrays, Unreadable, open_regular


@dataclass(frozen=True)
class Columns:
    """Arrays by name; `dims` names the axes of each where the file does, as NetCDF.

    names   of all arrays in the file, whether read or not
    units   of arrays whose headers tell them, by name
    """

    arrays: Mapping[str, np.ndarray]
    dims: Mapping[str, tuple[str, ...]]
    names: Collection[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)


def read_npz(path: Path, wanted: Iterable[str]) -> Columns:
    """The wanted arrays of an archive. Raises ProblemError where they are too many or no real numbers."""
    try:
        with open_regular(path) as handle:
            stored = Arrays(handle)
            names = [name for name in dict.fromkeys(wanted) if name in stored.headers]
            for name in names:
                _real(path, name, stored.headers[name].dtype)
            loaded = stored.load(names)
    except Unreadable as error:
        raise ProblemError(f"the file {path} cannot be read ({error}); write it again.") from error
    return Columns({name: array.astype(float, copy=False) for name, array in loaded.items()}, {}, [*stored.headers])


def read_netcdf(path: Path, wanted: Iterable[str]) -> Columns:
    """The wanted variables of a NetCDF file. Raises ProblemError where they are too many or lie in other files."""
    import h5py
    import xarray

    hdf5 = h5py.is_hdf5(path)
    sizes = _in_hdf5(path, set(wanted)) if hdf5 else _in_classic(path)
    names = [name for name in dict.fromkeys(wanted) if name in sizes]
    total = sum(sizes[name] for name in names)
    if total > MOST_NUMBERS:
        raise ProblemError(
            f"{path}: {', '.join(names)} have {total:,} numbers, of which {MOST_NUMBERS:,} are read; thin them out."
        )
    arrays, dims = {}, {}
    others = [name for name in sizes if name not in names]
    # Variables without named axes are allowed beside those that are read.
    engine: dict[str, str] = {"engine": "h5netcdf", "phony_dims": "access"} if hdf5 else {"engine": "scipy"}
    with xarray.open_dataset(path, decode_times=False, drop_variables=others, **engine) as dataset:  # type: ignore[arg-type]
        for name in names:
            variable = dataset.variables[name]
            _real(path, name, variable.dtype)
            arrays[name] = np.array(variable.values, float)
            dims[name] = tuple(map(str, variable.dims))
    return Columns(arrays, dims, [*sizes])


def _real(path: Path, name: str, dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise ProblemError(f"the file {path} cannot be read (allow_pickle=False); write `{name}` as float64.")
    if dtype.kind not in "iuf":
        raise ProblemError(f"{path}: `{name}` holds {dtype} and no real numbers; write it as float64.")


def _in_classic(path: Path) -> dict[str, int]:
    """The number of values of each variable in a file of the older format."""
    with scipy.io.netcdf_file(path, "r", mmap=False) as file:
        return {name: math.prod(variable.shape) for name, variable in file.variables.items()}


def _in_hdf5(path: Path, wanted: Collection[str]) -> dict[str, int]:
    """The number of values of each variable in an HDF5 file; raises ProblemError where another file holds values."""
    import h5py

    sizes = {}
    with h5py.File(path, "r") as file:
        for name in file:
            link = file.get(name, getlink=True)
            inside = isinstance(link, h5py.HardLink)
            if inside and isinstance(file[name], h5py.Dataset):
                inside = not file[name].external and not file[name].is_virtual
                sizes[name] = max(file[name].size or 0, math.prod(file[name].chunks or ()) if name in wanted else 0)
            if not inside:
                raise ProblemError(f"{path}: `{name}` leads to another file, which is not read; copy its numbers.")
    return sizes
