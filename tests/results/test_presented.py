"""Files, tables and pickles of solutions: their numbers are those of the solution at the same points."""

import copy
import itertools
import pickle
import re

import meshio
import numpy as np
import pytest
import sympy
import xarray

import spindle as spd
from spindle.results.members import Member
from spindle.results.triangulation import curved_cells, grid_cells
from spindle.solving import load as _load  # noqa: F401  how solutions go into pickles
from tests.families import convection
from tests.families import u as of_family
from tests.solutions import SMALL, untrained

t, x, y, z = spd.coordinates("t x y z")
TRIANGLE = spd.Polygon((x, y), [(0, 0), (2, 0), (1, 1.5)])


@pytest.fixture(scope="module")
def plate():
    """A field on a plate with a hole, in time."""
    u = spd.unknown("u", t, x, y)
    return untrained(
        spd.Problem(
            domain=spd.Interval(t, 0, 1) * (TRIANGLE - spd.Disk({x: 1, y: 0.6}, 0.3)),
            equations=[sympy.Eq(u.diff(t), spd.laplacian(u))],
            conditions=[spd.Initial(u, 0), spd.Dirichlet(u, 1)],
            reference={u: t + x},
            name="plate",
        )
    )


@pytest.fixture(scope="module")
def family_of_plain():
    return untrained(convection(), method=spd.PINN(**SMALL))


def test_a_curved_domain_in_time_is_the_solution_at_its_nodes(plate, tmp_path):
    listed = plate.to_vtk(tmp_path / "plate.vtu", points=200, t=[0.0, 0.25, 1.0])
    assert listed.name == "plate.pvd"
    assert [float(n) for n in re.findall('timestep="(.*?)"', listed.read_text())] == [0, 0.25, 1]
    for instant, name in zip([0.0, 0.25, 1.0], sorted(tmp_path.glob("*.vtu")), strict=True):
        mesh = meshio.read(name)
        px, py = mesh.points[:, 0], mesh.points[:, 1]
        np.testing.assert_array_equal(mesh.point_data["u"], plate(t=instant, x=px, y=py))
        np.testing.assert_allclose(mesh.point_data["u_exact"], instant + px, rtol=1e-15)


def test_pyvista_opens_a_curved_domain_in_time(plate, tmp_path):
    pyvista = pytest.importorskip("pyvista")
    reader = pyvista.get_reader(plate.to_vtk(tmp_path / "plate.vtu", points=200, t=3))
    assert reader.time_values == [0.0, 0.5, 1.0]
    reader.set_active_time_value(0.5)
    (mesh,) = reader.read()
    np.testing.assert_array_equal(mesh["u"], plate(t=0.5, x=mesh.points[:, 0], y=mesh.points[:, 1]))
    assert mesh.compute_cell_sizes()["Area"].sum() == pytest.approx(plate.problem.domain.shape.volume, rel=0.01)


def area(cells):
    p = cells.points[cells.corners]
    return np.linalg.det(p[:, 1:] - p[:, :1]).sum() / 2  # all corners turn one way


def test_triangles_fill_a_polygon_exactly_and_a_hole_to_second_order(plate):
    assert area(curved_cells(plate, TRIANGLE, 150)) == pytest.approx(TRIANGLE.volume, rel=1e-12)
    holed = plate.problem.domain.shape
    wrong = [abs(area(curved_cells(plate, holed, n)) / holed.volume - 1) for n in (200, 3200)]
    assert wrong[1] < wrong[0] / 8  # a quarter of the spacing: a sixteenth of the error, were the nodes alike


@pytest.mark.parametrize("d", [1, 2, 3])
def test_cells_of_a_grid_fill_the_box_and_are_no_knots(d):
    """Each corner is joined to those that differ from it in one coordinate, in VTK's order."""
    coordinates = (x, y, z)[:d]
    u = spd.unknown("u", *coordinates)
    problem = spd.Problem(domain=spd.Box(dict.fromkeys(coordinates, (0, 1))), equations=[spd.laplacian(u)])
    cells = grid_cells(problem, {c.name: np.linspace(0, 1, 3) for c in coordinates}, None)
    assert len(cells.corners) == 2**d
    rings = {1: [(0, 1)], 2: [(0, 1, 2, 3, 0)], 3: [(0, 1, 2, 3, 0), (4, 5, 6, 7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]}
    for corners in cells.points[cells.corners]:
        for a, b in (pair for ring in rings[d] for pair in itertools.pairwise(ring)):
            assert np.sum(np.abs(corners[a] - corners[b])) == 0.5


def test_a_box_with_a_corner_cut_out_has_no_cells_there():
    u = spd.unknown("u", x, y)
    domain = spd.Box({x: (0, 2), y: (0, 2)}) - spd.Box({x: (1, 2), y: (1, 2)})
    cells = grid_cells(
        spd.Problem(domain=domain, equations=[spd.laplacian(u)]), {"x": np.arange(3), "y": np.arange(3)}, None
    )
    assert len(cells.corners) == 3


def test_tables_and_files_hold_what_the_solution_says(plate, tmp_path):
    table = plate.to_dataframe(t=2, x=5, y=4)
    np.testing.assert_array_equal(table["u"], plate(t=table["t"], x=table["x"], y=table["y"]))
    assert 0 < len(table) < 2 * 5 * 4  # what lies outside has no rows
    path = plate.to_netcdf(tmp_path / "plate.nc", units={"u": "K", "t": "s"}, t=2, x=5, y=4)
    with xarray.open_dataset(path, decode_times=False) as read:
        np.testing.assert_array_equal(read["u"], plate.grid(t=2, x=5, y=4))
        assert (read["u"].attrs["units"], read["t"].attrs["units"]) == ("K", "s")
        assert read.attrs["method"] == "pinn"
        assert '"width": 8' in read.attrs["settings"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s, f: s.to_vtk(f / "a.txt"), "whose names end in .vtu"),
        (lambda s, f: s.to_vtk(f / "a.vtu", x=5), "gets scattered nodes; say how many"),
        (lambda s, f: s.to_vtk(f / "a.vtu", w=5), "`w` is no coordinate of `plate`"),
        (lambda s, f: s.to_netcdf(f / "a.nc", units={"v": "m"}, t=1, x=2, y=2), "names no coordinate or field"),
        (lambda s, f: s.to_dataframe(r=3), "`r` is no coordinate"),
    ],
)
def test_what_cannot_be_written_is_refused(plate, tmp_path, call, words):
    with pytest.raises(spd.ProblemError, match=words):
        call(plate, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_member_of_any_family_is_called_by_its_parameters(family_of_plain, tmp_path):
    member = family_of_plain(beta=1.5)
    assert isinstance(member, Member)
    assert member(t=0.5, x=2.0) == family_of_plain(t=0.5, x=2.0, beta=1.5)
    member.to_vtk(tmp_path / "a.vtu", t=[0.5], x=[2.0, 3.0])
    assert meshio.read(tmp_path / "a_0000.vtu").point_data["u"][0] == member(t=0.5, x=2.0)
    with pytest.raises(spd.ProblemError, match="outside the range"):
        family_of_plain(beta=7)
    with pytest.raises(spd.ProblemError, match=r"take a member, `family\(beta=1.5\).to_vtk"):
        family_of_plain.to_vtk(tmp_path / "a.vtu")


def test_a_family_takes_the_unknown_as_its_user_wrote_it(family_of_plain):
    wide = family_of_plain.problem.unknowns[0]
    assert family_of_plain(of_family, t=0.5, x=2.0, beta=1.5) == family_of_plain(wide, t=0.5, x=2.0, beta=1.5)
    assert family_of_plain(beta=1.5)(2 * of_family, t=0.5, x=2.0) == 2 * family_of_plain(t=0.5, x=2.0, beta=1.5)


def test_a_pickle_is_the_same_solution(plate):
    """Its numbers to the last bit, its method as it was handed in; a copy needs none."""
    back = pickle.loads(pickle.dumps(plate))
    points = {"t": 0.5, "x": np.linspace(0.8, 1.2, 5), "y": 0.1}
    np.testing.assert_array_equal(back(**points), plate(**points))
    assert back.method == plate.method
    assert copy.copy(plate) is plate and copy.deepcopy(plate) is plate


def test_functions_given_as_code_travel_with_a_pickle():
    u, source = spd.unknown("u", x), spd.given("source", np.tanh, x)
    solution = untrained(spd.Problem(domain=spd.Interval(x, 0, 1), equations=[sympy.Eq(u.diff(x), source)]))
    back = pickle.loads(pickle.dumps(solution))
    assert back(x=0.3) == solution(x=0.3)


def test_notebooks_show_formulas_settings_and_doubts(plate):
    shown = plate.problem._repr_html_()
    assert "<math" in shown and "plate" in shown
    shown = spd.PINN(width=24)._repr_html_()
    assert ">width<" in shown and ">24<" in shown and shown.index(">24<") < shown.index("<details>")
    assert "<table>" in plate._repr_html_()
