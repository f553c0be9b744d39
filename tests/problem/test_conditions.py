"""Conditions: where they hold, and what vanishes there."""

import numpy as np
import pytest
import sympy
from sympy import Eq, Matrix, cos, exp, pi, sin

import spindle as sp
from spindle.geometry.supports import PointSet

t, x, y = sp.coordinates("t x y")
u, w = sp.unknown("u", x, y), sp.unknown("w", t, x)
v = sp.vector("v", x, y)
SQUARE = sp.Box({x: (0, 1), y: (0, 2)})
STRIP = sp.Box({t: (0, 1), x: (-1, 1)})
ROOM = SQUARE - sp.Box({x: (sympy.Rational(1, 2), 1), y: (1, 2)})


def residuals(condition, domain, solution):
    """Each piece's residual with a closed form inserted, on its own face: exactly zero if the condition is right."""
    found = []
    for piece in condition.pieces(domain):
        total = 0
        for face, expression in piece.terms:
            value = sp.manufactured(expression, solution)
            total += value.subs(domain.coordinates[face.axis], sympy.nsimplify(face.value))
        found.append(sympy.simplify(total))
    return found


EXACT = x**2 * y + sin(y) * exp(x)
GRADIENT = {x: 2 * x * y + sin(y) * exp(x), y: x**2 + cos(y) * exp(x)}  # by hand
NORMAL = [("x=0", -GRADIENT[x]), ("x=1", GRADIENT[x]), ("y=0", -GRADIENT[y]), ("y=2", GRADIENT[y])]


@pytest.mark.parametrize(("on", "normal"), NORMAL)
def test_normal_derivatives_point_outwards(on, normal):
    conditions = [
        sp.Dirichlet(u, EXACT, on=on),
        sp.Neumann(u, normal, on=on),
        sp.Robin(u, x + 2, 3, (x + 2) * EXACT + 3 * normal, on=on),
    ]
    for condition in conditions:
        assert residuals(condition, SQUARE, {u: EXACT}) == [0], condition
    assert residuals(sp.Neumann(u, -normal, on=on), SQUARE, {u: EXACT}) != [0]


def test_normals_on_a_reentrant_corner():
    """The wall y=1 of the L bounds the room from above, x=1/2 from the right."""
    for on, normal in ((Eq(y, 1), GRADIENT[y]), (Eq(x, 0.5), GRADIENT[x])):
        assert residuals(sp.Neumann(u, normal, on=on), ROOM, {u: EXACT}) == [0]


@pytest.mark.parametrize(
    ("condition", "domain", "names"),
    [
        (sp.Dirichlet(u), SQUARE, ["x=0", "x=1", "y=0", "y=2"]),
        (sp.Dirichlet(u, on=Eq(y, 2)), SQUARE, ["y=2"]),
        (sp.Neumann(u, on=["x=0", "x=1"]), SQUARE, ["x=0", "x=1"]),
        (sp.Dirichlet(w), STRIP, ["x=-1", "x=1"]),
        (sp.Dirichlet(w, on=Eq(t, 1)), STRIP, ["t=1"]),
        (sp.Initial(w), STRIP, ["t=0"]),
        (sp.Initial(w.diff(t)), STRIP, ["t=0"]),
        (sp.Dirichlet(u), ROOM, ["x=0", "x=0.5", "x=1", "y=0", "y=1", "y=2"]),
    ],
)
def test_conditions_hold_on_their_faces(condition, domain, names):
    pieces = condition.pieces(domain)
    assert [face.name for piece in pieces for face, _ in piece.terms] == names
    assert all(tuple(piece.on_faces) == piece.terms for piece in pieces)


def test_no_other_support_is_a_face_of_a_box():
    disk = sp.Disk({x: 0, y: 0}, 1)
    on_curve = sp.Dirichlet(u).pieces(disk)
    measured = sp.Observed(u, [[0.1, 0.2]], [1.0]).pieces(SQUARE)
    assert all(piece.terms and not piece.on_faces for piece in (*on_curve, *measured))


def test_initial_values_and_rates():
    wave = cos(2 * t) * sin(pi * x) + sin(3 * t)
    for condition in (sp.Initial(w, sin(pi * x)), sp.Initial(w.diff(t), 3)):
        assert residuals(condition, STRIP, {w: wave}) == [0]


def test_periodicity_compares_values_and_derivatives_of_both_ends():
    conditions = sp.Periodic(w, x)
    assert [c.name for c in conditions] == ["periodic w in x", "periodic w_x in x"]
    for condition in conditions:
        ((upper, above), (lower, below)) = condition.pieces(STRIP)[0].terms
        assert (upper.value, lower.value) == (1.0, -1.0)
        assert above == -below
        assert residuals(condition, STRIP, {w: exp(-t) * sin(pi * x) + cos(2 * pi * x)}) == [0]
    assert [residuals(c, STRIP, {w: x**2}) for c in conditions] == [[0], [4]]


def test_vectors_are_set_component_by_component():
    one = sp.Dirichlet(v, 0)
    assert [c.expression for c in one] == list(v)
    assert [c.name for c in one] == ["dirichlet v_x", "dirichlet v_y"]
    assert [c.value for c in sp.Neumann(v, [x, 2])] == [x, 2]
    assert [c.value for c in sp.Initial(v, Matrix([x, y]))] == [x, y]
    assert [c.name for c in sp.Dirichlet(v, 0, name="wall")] == ["wall v_x", "wall v_y"]
    assert len(sp.Periodic(v, x)) == 4


def test_expressions_of_unknowns_can_be_set():
    vorticity = sp.Dirichlet(sp.curl(v), x)
    exact = {v[0]: -(y**2), v[1]: x**2 / 2 - 2 * x * y}
    assert residuals(vorticity, SQUARE, exact) == [0, 0, 0, 0]


POINTS = np.array([[0.5, 1.5], [1.0, 0.0], [0.0, 2.0]])
VALUES = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "points",
    [
        POINTS,
        POINTS.tolist(),
        {x: POINTS[:, 0], y: POINTS[:, 1]},
        {"y": list(POINTS[:, 1]), "x": POINTS[:, 0]},
        {x: POINTS[:, :1], y: POINTS[:, 1:]},
    ],
    ids=["array", "list", "by symbol", "by name", "columns"],
)
def test_observations_take_arrays_or_columns(points):
    condition = sp.Observed(u.diff(x), points, VALUES, noise=1)
    ((place, expression),) = condition.pieces(SQUARE)[0].terms
    assert isinstance(place, PointSet)
    np.testing.assert_array_equal(place.points, POINTS)
    np.testing.assert_array_equal(place.values, VALUES)
    assert expression == u.diff(x)
    assert condition.noise == 1.0
    assert isinstance(condition.noise, float)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: sp.Dirichlet(x, 1), r"`sp.Dirichlet\(x, 1\)` contains no unknown field on the left"),
        (lambda: sp.Neumann(v, [1, 2, 3]), "sets a vector of 2 components to 3 values"),
        (lambda: sp.Dirichlet(u, [0]), "sets a scalar to 1 values"),
        (lambda: sp.Dirichlet(u, np.array([1.0, 2.0])), "sets a scalar to 2 values"),
        (lambda: sp.Dirichlet(u, "x"), "given the text 'x', and text is never evaluated"),
        (lambda: sp.Dirichlet("u"), "given the text 'u', and text is never evaluated"),
        (lambda: sp.Dirichlet(u, None), "given None where a number or a formula belongs"),
        (lambda: sp.Dirichlet(u, lambda x: x), r"bring in code by `sp.given\("),
        (lambda: sp.Dirichlet(sympy.Function("u")), r'a field with its coordinates, `u = sp.unknown\("u", x\)`'),
        (lambda: sp.Dirichlet(u, 1j), r"contains 1\.0\*I, which is complex, and its unknowns are real"),
        (lambda: sp.Robin(u, float("nan"), 1), "contains nan, which is not finite"),
        (lambda: sp.Robin(u, 0, 0, 1), "weighs both the field and its normal derivative by zero"),
        (lambda: sp.Periodic(u, "x"), "'x'\\)` names no coordinate; give the symbol itself"),
        (lambda: sp.Dirichlet(u, on=[]).pieces(SQUARE), r"the empty list `on=\[\]`, so it would hold nowhere"),
        (lambda: sp.Observed(u, "abc", VALUES), "points that are not an array of numbers"),
        (lambda: sp.Observed(u, {x: ["a"], y: [0]}, [1]), "coordinates of x that are not an array of numbers"),
        (lambda: sp.Observed(u, POINTS, ["a", "b", "c"]), "values that are not an array of numbers"),
        *(
            (lambda bad=bad: sp.Dirichlet(u, bad), "not finite")
            for bad in (float("nan"), sympy.oo, -sympy.oo, 1 / (x - x))
        ),
        (
            lambda: sp.Dirichlet(u, on="z=0").pieces(SQUARE),
            r"`dirichlet u` was given `on='z=0'`.*no boundary there",
        ),
        (lambda: sp.Dirichlet(w).pieces(sp.Interval(t, 0, 1)), "has only time.*or use `sp.Initial`"),
        (lambda: sp.Initial(u).pieces(SQUARE), "needs a time axis.*none named `t`"),
        (lambda: sp.Periodic(u, t)[0].pieces(SQUARE), "names no coordinate of the domain"),
        (lambda: sp.Periodic(u, x)[0].pieces(ROOM), "periodicity works on a box"),
        (lambda: sp.Observed(x, POINTS, VALUES), "contains no unknown field"),
        (lambda: sp.Observed(v, POINTS, VALUES), "one `sp.Observed` for each component"),
        (lambda: sp.Observed(u, POINTS, []), "no values at all, so there is nothing to fit"),
        (lambda: sp.Observed(u, POINTS, [1, float("nan"), float("inf")]), "3 values of which 2 are NaN or infinite"),
        (lambda: sp.Observed(u, POINTS * np.nan, VALUES), "points with NaN or infinite coordinates"),
        (lambda: sp.Observed(u, {x: [np.inf], y: [0]}, [1]), "points with NaN or infinite coordinates"),
        *(
            (lambda bad=bad: sp.Observed(u, POINTS, VALUES, noise=bad), "positive standard deviation")
            for bad in (0, -1, np.nan, "x")
        ),
        (
            lambda: sp.Observed(u, POINTS.T, VALUES).pieces(SQUARE),
            r"points of shape \(2, 3\) for 3 values.*needs shape\s+\(3, 2\)",
        ),
        (lambda: sp.Observed(u, {x: [1, 0, 1]}, VALUES).pieces(SQUARE), "one array of that length for each of x, y"),
        (lambda: sp.Observed(u, {x: [1], y: [0]}, VALUES).pieces(SQUARE), "for\\s+3 values"),
        (
            lambda: sp.Observed(u, POINTS + np.array([[0, 1]]), VALUES).pieces(SQUARE),
            r"2 of 3 points outside the\s+domain.*\[0.5 2.5\]",
        ),
    ],
)
def test_conditions_explain_what_does_not_fit(call, text):
    with pytest.raises(sp.ProblemError, match=f"(?s){text}"):
        call()
