"""Mesh files are read in a separate process, which may take little memory and time: readers trust what they read.

Run by its path, `python mesh_file.py FILE`: it imports nothing of spindle, and writes vertices and triangles as arrays.
"""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np

try:
    import resource
except ImportError:  # a system without such limits
    resource = None  # type: ignore[assignment]

LARGEST_MESH = 100_000_000  # bytes of a file
MOST_TRIANGLES = 300_000
_MOST_MEMORY = 1_200_000_000  # bytes of address space; the libraries take a third of it
_LONGEST = 60  # seconds
_BY_TRIMESH = (".stl", ".obj", ".ply", ".off")
_MISSING, _REFUSED = 3, 4  # exit status


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) and triangles (m, 3) of a mesh file.

    Raises ModuleNotFoundError where a package is missing, and ValueError, a clause, where the file cannot be read.
    """
    if path.stat().st_size > LARGEST_MESH:
        raise ValueError(f"it has more than {LARGEST_MESH:,} bytes")
    command = [sys.executable, "-P", __file__, str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LONGEST, stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it takes more than {_LONGEST} seconds") from error
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode == _MISSING:
        raise ModuleNotFoundError(said[-1], name=said[-1])
    if done.returncode:
        raise ValueError(said[-1][:300] if said and done.returncode == _REFUSED else "its reader broke down")
    stream = BytesIO(done.stdout)
    return np.load(stream, allow_pickle=False), np.load(stream, allow_pickle=False)


def _main(path: str) -> int:
    """Write the arrays of a mesh file to standard output; returns the exit status."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # what libraries print is no part of the answer
    try:
        reader = _by_trimesh if Path(path).suffix.lower() in _BY_TRIMESH else _by_meshio
        vertices, triangles = reader(path)
        if len(triangles) > MOST_TRIANGLES:
            raise ValueError(f"it has {len(triangles):,} triangles, of which {MOST_TRIANGLES:,} are the most")
        np.save(out, np.array(vertices, float))
        np.save(out, np.array(triangles, np.int64))
    except ImportError as error:
        print(error.name, file=sys.stderr)
        return _MISSING
    except MemoryError:
        print(f"it needs more than {_MOST_MEMORY:,} bytes of memory", file=sys.stderr)
        return _REFUSED
    except (Exception, SystemExit) as error:  # readers fail in many ways, and meshio by leaving Python
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return _REFUSED
    return 0


def _by_trimesh(path):
    import trimesh

    made = trimesh.load(path, force="mesh")
    return made.vertices, made.faces


def _by_meshio(path):
    import meshio

    made = meshio.read(path)
    triangles = [cells.data for cells in made.cells if cells.type == "triangle"]
    triangles += [cells.data[:, [0, 1, 2]] for cells in made.cells if cells.type == "quad"]
    triangles += [cells.data[:, [0, 2, 3]] for cells in made.cells if cells.type == "quad"]
    if not triangles:
        triangles = [_skin(cells.data) for cells in made.cells if cells.type == "tetra"]
    return made.points, np.concatenate(triangles)


def _skin(tetrahedra):
    """The triangles that belong to a single tetrahedron."""
    faces = tetrahedra[:, [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]].reshape(-1, 3)
    _, first, counts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    return faces[first[counts == 1]]


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
