"""Mesh files are read in a separate process, which may take little memory and time: readers trust what they read.

Run by its path, `python mesh_file.py FILE surface`, or `plane`: it imports nothing of spindle, and writes vertices,
triangles and what belongs to them as arrays.
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
    vertices, triangles = _arrays(path, "surface", 2)
    return vertices, triangles


def read_plane(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[int, str]]:
    """Vertices (n, 3), triangles (m, 3), edges (k, 2) of physical groups of lines, their numbers (k,), and the names.

    Raises as `read` does.
    """
    vertices, triangles, edges, labels, numbers, letters = _arrays(path, "plane", 6)
    words = bytes(letters.astype(np.uint8)).decode(errors="replace").split("\n")
    names = {int(n): word for n, word in zip(numbers, words, strict=False) if word.isprintable() and word}
    return vertices, triangles, edges.reshape(-1, 2), labels, names


def _arrays(path: Path, kind: str, count: int) -> list[np.ndarray]:
    """The arrays that the reading process writes."""
    if path.stat().st_size > LARGEST_MESH:
        raise ValueError(f"it has more than {LARGEST_MESH:,} bytes")
    command = [sys.executable, "-P", __file__, str(path.absolute()), kind]
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
    return [np.load(stream, allow_pickle=False) for _ in range(count)]


def _main(path: str, kind: str) -> int:
    """Write the arrays of a mesh file to standard output; returns the exit status."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    out, sys.stdout = sys.stdout.buffer, sys.stderr  # what libraries print is no part of the answer
    try:
        if kind == "plane":
            vertices, triangles, *more = _of_plane(path)
        else:
            reader = _by_trimesh if Path(path).suffix.lower() in _BY_TRIMESH else _by_meshio
            (vertices, triangles), more = reader(path), []
        if len(triangles) > MOST_TRIANGLES:
            raise ValueError(f"it has {len(triangles):,} triangles, of which {MOST_TRIANGLES:,} are the most")
        np.save(out, np.array(vertices, float))
        np.save(out, np.array(triangles, np.int64))
        for array in more:
            np.save(out, np.array(array, np.int64))
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


def _of_plane(path):
    """Vertices, triangles, edges, the numbers of their groups, the numbers of all groups, and their names in bytes."""
    import meshio

    made = meshio.read(path)
    corners = {"triangle": [[0, 1, 2]], "triangle6": [[0, 1, 2]]}
    corners |= {kind: [[0, 1, 2], [0, 2, 3]] for kind in ("quad", "quad8", "quad9")}
    triangles = [cells.data[:, c] for cells in made.cells for c in corners.get(cells.type, [])]
    if not triangles:
        raise ValueError("it has no triangles and no quadrilaterals")
    groups = made.cell_data.get("gmsh:physical", [None] * len(made.cells))
    lines = [
        (cells.data[:, :2], group)
        for cells, group in zip(made.cells, groups, strict=True)
        if cells.type in ("line", "line3") and group is not None
    ]
    edges = np.concatenate([np.zeros((0, 2), int), *(data for data, _ in lines)])
    labels = np.concatenate([np.zeros(0, int), *(group for _, group in lines)])
    named = {int(number): str(name) for name, (number, dimension) in made.field_data.items() if dimension == 1}
    letters = list("\n".join(named.values()).encode())
    every = np.concatenate([np.concatenate(triangles).ravel(), edges.ravel()])
    if every.min() < 0 or every.max() >= len(made.points):
        raise ValueError("it names vertices that it does not have")
    points = np.zeros((len(made.points), 3))
    points[:, : made.points.shape[1]] = made.points
    return points, np.concatenate(triangles), edges, labels, list(named), letters


def _skin(tetrahedra):
    """The triangles that belong to a single tetrahedron."""
    faces = tetrahedra[:, [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]].reshape(-1, 3)
    _, first, counts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    return faces[first[counts == 1]]


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:3]))
