"""Plane meshes of files: outlines, holes, names of sides, and what is refused."""

import json

import numpy as np
import pytest
from sympy import Eq, cos, exp

import spindle as spd
from spindle.geometry.shapes import shape_from_data, shape_to_data
from spindle.problem.serialize import decode, encode

pytest.importorskip("meshio")
x, y = spd.coordinates("x y")


def square_with_a_hole(n=6):
    """Vertices and triangles of (0, 3)^2 without (1, 2)^2, and its edges by their names."""
    nodes = np.linspace(0, 3, n + 1)
    vertices = np.array([(a, b) for a in nodes for b in nodes])
    cells = [(i, j) for i in range(n) for j in range(n) if not (n // 3 <= i < 2 * n // 3 and n // 3 <= j < 2 * n // 3)]
    at = lambda i, j: i * (n + 1) + j  # noqa: E731
    triangles = [
        t
        for i, j in cells
        for t in ((at(i, j), at(i + 1, j), at(i + 1, j + 1)), (at(i, j), at(i, j + 1), at(i + 1, j + 1)))
    ]
    inlet = [(at(0, j), at(0, j + 1)) for j in range(n)]
    rim = [(at(n // 3, j), at(n // 3, j + 1)) for j in range(n // 3, 2 * n // 3)]
    return vertices, np.array(triangles), {"inlet": inlet, "rim": rim}


def gmsh(path):
    """The mesh as a file of Gmsh, format 2.2, with two physical groups of lines."""
    vertices, triangles, edges = square_with_a_hole()
    text = [
        "$MeshFormat",
        "2.2 0 8",
        "$EndMeshFormat",
        "$PhysicalNames",
        "2",
        '1 7 "inlet"',
        '1 8 "rim"',
        "$EndPhysicalNames",
    ]
    text += ["$Nodes", str(len(vertices)), *(f"{k} {a} {b} 0" for k, (a, b) in enumerate(vertices, 1)), "$EndNodes"]
    elements = [f"1 2 {tag} 1 {a + 1} {b + 1}" for tag, name in ((7, "inlet"), (8, "rim")) for a, b in edges[name]]
    elements += [f"2 2 3 1 {a + 1} {b + 1} {c + 1}" for a, b, c in triangles]
    text += ["$Elements", str(len(elements)), *(f"{k} {e}" for k, e in enumerate(elements, 1)), "$EndElements"]
    path.write_text("\n".join(text) + "\n")
    return path


def test_a_gmsh_file_is_a_shape_whose_sides_are_its_physical_groups(tmp_path):
    shape = spd.PlaneMesh((x, y), gmsh(tmp_path / "plate.msh"))
    assert shape.volume == pytest.approx(8)
    assert shape.surface == pytest.approx(16)
    assert set(shape.sides) == {"inlet", "rim", "outline"}
    assert shape.contains(np.array([[0.5, 0.5], [1.5, 1.5], [1, 1.5], [3.1, 1]])).tolist() == [True, False, True, False]
    np.testing.assert_allclose(shape.distance(np.array([[0.25, 2.0], [1.5, 1.5]])), [0.25, -0.5])
    assert len(shape.reentrant) == 4
    (inlet,) = shape.part("inlet")
    assert inlet.measure == pytest.approx(3, rel=0.05)
    nodes = shape.boundary(0.1, sides=["rim"])
    assert np.all(np.abs(nodes.points[nodes.labels == shape.sides.index("rim"), 0] - 1) < 1e-12)
    again = shape_from_data(json.loads(json.dumps(shape_to_data(shape, encode))), decode)
    assert again == shape
    assert again.sides == shape.sides
    assert (shape - spd.Disk({x: 0.5, y: 0.5}, 0.25)).volume == pytest.approx(8 - np.pi / 16)


def test_a_vtk_file_is_a_shape_in_a_problem_file(tmp_path):
    import meshio

    vertices, triangles, _ = square_with_a_hole(3)
    meshio.Mesh(np.column_stack([vertices, 0 * vertices[:, 0]]), [("triangle", triangles)]).write(
        tmp_path / "plate.vtk"
    )
    (tmp_path / "plate.toml").write_text(
        'unknowns = "u"\ncoordinates = ["x", "y"]\nequations = ["laplacian(u) = 1"]\n'
        'conditions = [{ dirichlet = "u = 0", on = "plate" }]\ndomain = "plate"\n'
        'shapes = { plate = { mesh = "plate.vtk" } }\n'
    )
    domain = spd.read_problem(tmp_path / "plate.toml").domain
    assert isinstance(domain, spd.PlaneMesh)
    assert domain.volume == pytest.approx(8)
    assert domain.sides == ("plate",)


@pytest.mark.slow
def test_a_problem_on_a_mesh_is_solved(tmp_path):
    shape = spd.PlaneMesh((x, y), gmsh(tmp_path / "plate.msh"))
    u, exact = spd.unknown("u", x, y), exp(x / 2) * cos(y / 2)
    problem = spd.Problem(
        shape,
        [Eq(spd.laplacian(u), 0)],
        [
            spd.Dirichlet(u, exact, on=["outline", "rim"]),
            spd.Neumann(u, -exact.diff(x), on="inlet"),
        ],
        reference={u: exact},
    )
    assert spd.solve(problem, spd.DTPINN(), progress=False).error() < 1e-3


def test_what_is_no_plane_mesh_is_refused(tmp_path):
    for outline, words in (
        (tmp_path / "none.msh", "there is no file"),
        (3, "neither a file nor a list of rings"),
        ([(((0, 0), (1, 1), (1, 0), (0, 1)), ("a",) * 4)], "crosses or touches itself"),
        ([(((0, 0), (1, 1)), ("a",) * 2)], "neither a file nor a list of rings"),
    ):
        with pytest.raises(spd.ProblemError, match=words):
            spd.PlaneMesh((x, y), outline)
    (tmp_path / "bad.msh").write_text("$MeshFormat\n2.2 0 8\n")
    with pytest.raises(spd.ProblemError, match="cannot be read as a mesh"):
        spd.PlaneMesh((x, y), tmp_path / "bad.msh")
