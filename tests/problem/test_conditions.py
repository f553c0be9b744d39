"""Conditions: where they hold, and what vanishes there."""

import numpy as np
import pytest
import sympy
from sympy import Eq, Matrix, cos, exp, pi, sin

import spindle as spd
from spindle.geometry.supports import PointSet

t, x, y = spd.coordinates("t x y")
u, w = spd.unknown("u", x, y), spd.unknown("w", t, x)
v = spd.vector("v", x, y)
SQUARE = spd.Box({x: (0, 1), y: (0, 2)})
STRIP = spd.Box({t: (0, 1), x: (-1, 1)})
ROOM = SQUARE - spd.Box({x: (sympy.Rational(1, 2), 1), y: (1, 2)})


def residuals(condition, domain, solution):
    """Each piece's residual with a closed form inserted, on its own face: exactly zero if the condition is right."""
    found = []
    for piece in condition.pieces(domain):
        total = 0
        for face, expression in piece.terms:
            value = spd.manufactured(expression, solution)
            total += value.subs(domain.coordinates[face.axis], sympy.nsimplify(face.value))
        found.append(sympy.simplify(total))
    return found


EXACT = x**2 * y + sin(y) * exp(x)
GRADIENT = {x: 2 * x * y + sin(y) * exp(x), y: x**2 + cos(y) * exp(x)}  # by hand
NORMAL = [("x=0", -GRADIENT[x]), ("x=1", GRADIENT[x]), ("y=0", -GRADIENT[y]), ("y=2", GRADIENT[y])]


@pytest.mark.parametrize(("on", "normal"), NORMAL)
def test_normal_derivatives_point_outwards(on, normal):
    conditions = [
        spd.Dirichlet(u, EXACT, on=on),
        spd.Neumann(u, normal, on=on),
        spd.Robin(u, x + 2, 3, (x + 2) * EXACT + 3 * normal, on=on),
    ]
    for condition in conditions:
        assert residuals(condition, SQUARE, {u: EXACT}) == [0], condition
    assert residuals(spd.Neumann(u, -normal, on=on), SQUARE, {u: EXACT}) != [0]


def test_normals_on_a_reentrant_corner():
    """The wall y=1 of the L bounds the room from above, x=1/2 from the right."""
    for on, normal in ((Eq(y, 1), GRADIENT[y]), (Eq(x, 0.5), GRADIENT[x])):
        assert residuals(spd.Neumann(u, normal, on=on), ROOM, {u: EXACT}) == [0]


@pytest.mark.parametrize(
    ("condition", "domain", "names"),
    [
        (spd.Dirichlet(u), SQUARE, ["x=0", "x=1", "y=0", "y=2"]),
        (spd.Dirichlet(u, on=Eq(y, 2)), SQUARE, ["y=2"]),
        (spd.Neumann(u, on=["x=0", "x=1"]), SQUARE, ["x=0", "x=1"]),
        (spd.Dirichlet(w), STRIP, ["x=-1", "x=1"]),
        (spd.Dirichlet(w, on=Eq(t, 1)), STRIP, ["t=1"]),
        (spd.Initial(w), STRIP, ["t=0"]),
        (spd.Initial(w.diff(t)), STRIP, ["t=0"]),
        (spd.Dirichlet(u), ROOM, ["x=0", "x=0.5", "x=1", "y=0", "y=1", "y=2"]),
    ],
)
def test_conditions_hold_on_their_faces(condition, domain, names):
    pieces = condition.pieces(domain)
    assert [face.name for piece in pieces for face, _ in piece.terms] == names
    assert all(tuple(piece.on_faces) == piece.terms for piece in pieces)


def test_no_other_support_is_a_face_of_a_box():
    disk = spd.Disk({x: 0, y: 0}, 1)
    on_curve = spd.Dirichlet(u).pieces(disk)
    measured = spd.Observed(u, [[0.1, 0.2]], [1.0]).pieces(SQUARE)
    assert all(piece.terms and not piece.on_faces for piece in (*on_curve, *measured))


def test_initial_values_and_rates():
    wave = cos(2 * t) * sin(pi * x) + sin(3 * t)
    for condition in (spd.Initial(w, sin(pi * x)), spd.Initial(w.diff(t), 3)):
        assert residuals(condition, STRIP, {w: wave}) == [0]


def test_periodicity_compares_values_and_derivatives_of_both_ends():
    conditions = spd.Periodic(w, x)
    assert [c.name for c in conditions] == ["periodic w in x", "periodic w_x in x"]
    for condition in conditions:
        ((upper, above), (lower, below)) = condition.pieces(STRIP)[0].terms
        assert (upper.value, lower.value) == (1.0, -1.0)
        assert above == -below
        assert residuals(condition, STRIP, {w: exp(-t) * sin(pi * x) + cos(2 * pi * x)}) == [0]
    assert [residuals(c, STRIP, {w: x**2}) for c in conditions] == [[0], [4]]


def test_vectors_are_set_component_by_component():
    one = spd.Dirichlet(v, 0)
    assert [c.expression for c in one] == list(v)
    assert [c.name for c in one] == ["dirichlet v_x", "dirichlet v_y"]
    assert [c.value for c in spd.Neumann(v, [x, 2])] == [x, 2]
    assert [c.value for c in spd.Initial(v, Matrix([x, y]))] == [x, y]
    assert [c.name for c in spd.Dirichlet(v, 0, name="wall")] == ["wall v_x", "wall v_y"]
    assert len(spd.Periodic(v, x)) == 4


def test_expressions_of_unknowns_can_be_set():
    vorticity = spd.Dirichlet(spd.curl(v), x)
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
    condition = spd.Observed(u.diff(x), points, VALUES, noise=1)
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
        (lambda: spd.Dirichlet(x, 1), r"`spd.Dirichlet\(x, 1\)` contains no unknown field on the left"),
        (lambda: spd.Neumann(v, [1, 2, 3]), "sets a vector of 2 components to 3 values"),
        (lambda: spd.Dirichlet(u, [0]), "sets a scalar to 1 values"),
        (lambda: spd.Dirichlet(u, np.array([1.0, 2.0])), "sets a scalar to 2 values"),
        (lambda: spd.Dirichlet(u, "x"), "given the text 'x', and text is never evaluated"),
        (lambda: spd.Dirichlet("u"), "given the text 'u', and text is never evaluated"),
        (lambda: spd.Dirichlet(u, None), "given None where a number or a formula belongs"),
        (lambda: spd.Dirichlet(u, lambda x: x), r"bring in code by `spd.given\("),
        (lambda: spd.Dirichlet(sympy.Function("u")), r'a field with its coordinates, `u = spd.unknown\("u", x\)`'),
        (lambda: spd.Dirichlet(u, 1j), r"contains 1\.0\*I, which is complex, and its unknowns are real"),
        (lambda: spd.Robin(u, float("nan"), 1), "contains nan, which is not finite"),
        (lambda: spd.Robin(u, 0, 0, 1), "weighs both the field and its normal derivative by zero"),
        (lambda: spd.Periodic(u, "x"), "'x'\\)` names no coordinate; give the symbol itself"),
        (lambda: spd.Dirichlet(u, on=[]).pieces(SQUARE), r"the empty list `on=\[\]`, so it would hold nowhere"),
        (lambda: spd.Observed(u, "abc", VALUES), "points that are not an array of numbers"),
        (lambda: spd.Observed(u, {x: ["a"], y: [0]}, [1]), "coordinates of x that are not an array of numbers"),
        (lambda: spd.Observed(u, POINTS, ["a", "b", "c"]), "values that are not an array of numbers"),
        *(
            (lambda bad=bad: spd.Dirichlet(u, bad), "not finite")
            for bad in (float("nan"), sympy.oo, -sympy.oo, 1 / (x - x))
        ),
        (
            lambda: spd.Dirichlet(u, on="z=0").pieces(SQUARE),
            r"`dirichlet u` was given `on='z=0'`.*no boundary there",
        ),
        (lambda: spd.Dirichlet(w).pieces(spd.Interval(t, 0, 1)), "has only time.*or use `spd.Initial`"),
        (lambda: spd.Initial(u).pieces(SQUARE), "needs a time axis.*none named `t`"),
        (lambda: spd.Periodic(u, t)[0].pieces(SQUARE), "names no coordinate of the domain"),
        (lambda: spd.Periodic(u, x)[0].pieces(ROOM), "periodicity works on a box"),
        (lambda: spd.Observed(x, POINTS, VALUES), "contains no unknown field"),
        (lambda: spd.Observed(v, POINTS, VALUES), "one `spd.Observed` for each component"),
        (lambda: spd.Observed(u, POINTS, []), "no values at all, so there is nothing to fit"),
        (lambda: spd.Observed(u, POINTS, [1, float("nan"), float("inf")]), "3 values of which 2 are NaN or infinite"),
        (lambda: spd.Observed(u, POINTS * np.nan, VALUES), "points with NaN or infinite coordinates"),
        (lambda: spd.Observed(u, {x: [np.inf], y: [0]}, [1]), "points with NaN or infinite coordinates"),
        *(
            (lambda bad=bad: spd.Observed(u, POINTS, VALUES, noise=bad), "positive standard deviation")
            for bad in (0, -1, np.nan, "x")
        ),
        (
            lambda: spd.Observed(u, POINTS.T, VALUES).pieces(SQUARE),
            r"points of shape \(2, 3\) for 3 values.*needs shape\s+\(3, 2\)",
        ),
        (lambda: spd.Observed(u, {x: [1, 0, 1]}, VALUES).pieces(SQUARE), "one array of that length for each of x, y"),
        (lambda: spd.Observed(u, {x: [1], y: [0]}, VALUES).pieces(SQUARE), "for\\s+3 values"),
        (
            lambda: spd.Observed(u, POINTS + np.array([[0, 1]]), VALUES).pieces(SQUARE),
            r"2 of 3 points outside the\s+domain.*\[0.5 2.5\]",
        ),
    ],
)
def test_conditions_explain_what_does_not_fit(call, text):
    with pytest.raises(spd.ProblemError, match=f"(?s){text}"):
        call()
