"""Pictures from Python: what is drawn are the values of the solution, cut out along the domain."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spindle as spd
from spindle.report.explore.notebook import View, widget
from spindle.report.outline import outline
from tests.families import convection
from tests.report.pages import CASES, plain
from tests.solutions import SMALL, untrained

t, x, y = spd.coordinates("t x y")


def case(name):
    return plain(*CASES[name][:2])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_line_is_the_solution_in_front_of_its_reference():
    solution = case("interval")
    axes = solution.plot()
    reference, computed = axes.get_lines()
    np.testing.assert_array_equal(computed.get_ydata(), solution(x=computed.get_xdata()))
    np.testing.assert_allclose(reference.get_ydata(), np.sin(np.pi * reference.get_xdata()), atol=1e-15)
    (error,) = solution.plot(show="error", axes=plt.figure().add_subplot()).get_lines()
    np.testing.assert_allclose(error.get_ydata(), np.abs(computed.get_ydata() - reference.get_ydata()), atol=1e-12)


def test_a_plane_is_the_solution_and_its_domain_is_cut_out_exactly():
    solution = case("lshape")
    axes = solution.plot()
    (mesh,) = axes.collections
    assert mesh.get_clip_path() is not None
    values = mesh.get_array()
    nodes = np.linspace(-1, 1, values.shape[0])
    k = 20  # to the left and below, inside
    assert values[k, k] == pytest.approx(float(solution(x=nodes[k], y=nodes[k])), rel=1e-12)


def test_the_outline_of_a_plate_with_a_hole_has_its_area():
    shape = spd.Polygon((x, y), [(0, 0), (2, 0), (1, 1.5)]) - spd.Disk({x: 1, y: 0.6}, 0.3)
    path = outline(shape, ("x", "y"))
    rings = [ring for ring in path.to_polygons()]
    areas = [np.sum(r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]) / 2 for r in rings]
    assert sum(areas) == pytest.approx(shape.volume, rel=1e-3)
    flipped = outline(shape, ("y", "x"))
    np.testing.assert_array_equal(flipped.vertices, path.vertices[:, ::-1])
    assert outline(spd.Box({x: (0, 1), y: (0, 1)}), ("x", "y")) is None


def test_time_is_drawn_to_the_right_and_instants_as_lines():
    solution = case("heat")
    axes = solution.plot()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "x")
    lines = solution.plot(t=[0, 0.03]).get_lines()
    computed = lines[2:]  # behind them the references, interpolated in a table
    for instant, line in zip([0, 0.03], computed, strict=True):
        np.testing.assert_allclose(line.get_ydata(), solution(t=instant, x=line.get_xdata()), rtol=1e-12)
    np.testing.assert_allclose(lines[1].get_ydata().max(), np.exp(-(np.pi**2) * 0.03), rtol=2e-3)


def test_many_coordinates_are_several_pictures():
    pictures = case("wave").plot()
    assert len(pictures) == 4
    assert [p.get_title().split(" = ")[1].split(",")[0] for p in pictures] == ["0", "0.3333", "0.6667", "1"]


@pytest.mark.slow
def test_a_family_is_drawn_member_by_member(family):
    tuned = spd.load(family / "run")
    (line,) = tuned(beta=1.25).plot(t=0.5).get_lines()[1:]
    np.testing.assert_allclose(line.get_ydata(), tuned(beta=1.25)(t=0.5, x=line.get_xdata()), rtol=1e-12)
    same = tuned.plot(beta=1.25, t=0.5).get_lines()[1]
    np.testing.assert_array_equal(same.get_ydata(), line.get_ydata())


def test_expressions_names_and_quantities():
    solution = case("cauchy_riemann")
    u, v = solution.problem.unknowns
    assert solution.plot(v).get_title() == "v"
    assert solution.plot("v").get_title() == "v"
    assert solution.plot(u.diff(solution.problem.coordinates[0])).get_title() == "u_x"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.plot(show="all"), r"plot\(show='all'\)` is not known"),
        (lambda s: s.plot(x=0.5, t=0.1), "nothing is left to draw along"),
        (lambda s: s.plot(x=3), r"is not within \(0, 1\)"),
        (lambda s: s.plot("w"), "is no unknown or quantity"),
        (lambda s: s.plot(s.problem.unknowns[0] ** 2, show="error"), "needs a reference to compare with"),
        (lambda s: s.plot(axes=[None, None]), "this plot has 1 pictures"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(spd.SpindleError, match=words):
        call(case("heat"))


def test_a_notebook_moves_through_a_solution_and_a_family():
    view = View(case("heat"))
    assert view.shown == ("x",) and [s.name for s in view.sliders] == ["t"]
    assert view.picture("u", {"t": 0.03}).startswith(b"\x89PNG")
    of_family = View(untrained(convection(), method=spd.PINN(**SMALL)))
    assert [s.name for s in of_family.sliders] == ["t", "beta"]
    assert "error against the reference: <b>" in of_family.facts({"t": 0.5, "beta": 1.5})


def test_the_widget_redraws_as_its_slider_moves():
    pytest.importorskip("ipywidgets")
    image, controls = widget(case("heat")).children
    before = image.value
    controls.children[0].value = 0.09
    assert image.value != before


def test_solutions_are_compared_with_their_distance(tmp_path):
    first, second = case("interval"), untrained(CASES["interval"][0](), method=spd.PINN(**{**SMALL, "width": 4}))
    comparison = spd.compare(first, second)
    points = np.linspace(0, 1, 101)
    one, other = first(x=points), second(x=points)
    wanted = np.linalg.norm(one - other) / max(np.linalg.norm(one), np.linalg.norm(other))
    assert comparison.distances["u"] == {("pinn 1", "pinn 2"): pytest.approx(wanted)}
    assert f"distance of u from pinn 1 – {wanted:.2g}" in " ".join(str(comparison).split())
    assert list(comparison.to_dataframe().columns) == ["pinn 1", "pinn 2"]
    assert comparison.to_dataframe().loc["width"].tolist() == ["8", "4"]
    assert "pinn 2" in comparison.report(tmp_path / "c.html").read_text()
    other_problem = spd.compare(first, case("square"), names=["one", "other"])
    assert other_problem.distances == {}
    with pytest.raises(spd.ProblemError, match="needs two solutions"):
        spd.compare(first)
