"""Equations and conditions that say nothing are refused; those that say little are not."""

import pytest
import sympy
from sympy import Eq, Rational, cos, exp, sin

import spindle as spd

x, y = spd.coordinates("x y")
t = spd.coordinates("t")
u, v = spd.unknown("u v", x, y)
w = spd.unknown("w", t, x)
box, disk = spd.Box({x: (0, 1), y: (0, 1)}), spd.Disk({x: 0, y: 0}, 1)
k = spd.parameter("k", 2.0)
right = Eq(x, 1)

NOTHING = {
    "slope set to itself": (box, spd.Neumann(u, u.diff(x), on=right), "on x=1"),
    "value set to itself": (box, spd.Dirichlet(u, u, on=right), "on x=1"),
    "on a disk": (disk, spd.Dirichlet(u, u), "on boundary"),
    "multiplied out": (box, spd.Dirichlet((u + x) ** 2, u**2 + 2 * x * u + x**2, on=right), "on x=1"),
    "by trigonometry": (box, spd.Dirichlet(sin(u) ** 2 + cos(u) ** 2, 1, on=right), "on x=1"),
    "by logarithms": (box, spd.Dirichlet(exp(x + u), exp(x) * exp(u), on=right), "on x=1"),
    "a factor that vanishes there": (box, spd.Dirichlet((1 - x) * u, 0, on=right), "on x=1"),
    "Robin": (box, spd.Robin(u, k, 1, k * u + u.diff(x), on=right), "on x=1"),
    "flux": (disk, spd.Neumann(u, spd.dot(spd.grad(u), spd.normal(x, y))), "on boundary"),
    "one side of several": (box, spd.Neumann(u, u.diff(y), on=[right, Eq(y, 1)]), "on y=1"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_condition_that_holds_for_every_field_is_refused(name):
    domain, condition, where = NOTHING[name]
    with pytest.raises(spd.ProblemError, match=f"{where} holds for every field, so nothing is imposed; .*`on=Eq"):
        spd.Problem(domain, [Eq(spd.laplacian(u), 1)], [condition])


def test_an_initial_value_that_says_nothing_is_refused():
    with pytest.raises(spd.ProblemError, match=r"`initial w` on t=0 holds for every field"):
        spd.Problem(spd.Box({t: (0, 1), x: (0, 1)}), [Eq(w.diff(t), w.diff(x, 2))], [spd.Initial(w, w)])


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (spd.Dirichlet((1 - x) * u, y, on=right), "on x=1 contains no unknown field"),
        (spd.Dirichlet((u + 1) ** 2 - u**2 - 2 * u, 3, on=right), "on x=1 contains no unknown field"),
        (spd.Neumann(u, u.diff(x) + 1, on=right), "on x=1 contains no unknown field"),
    ],
    ids=str,
)
def test_a_condition_that_no_field_fulfils_is_refused(condition, text):
    with pytest.raises(spd.ProblemError, match=text):
        spd.Problem(box, [Eq(spd.laplacian(u), 1)], [condition])


EQUATIONS = {
    "both sides alike": (Eq(u.diff(x), u.diff(x), evaluate=False), "holds for every field"),
    "multiplied out": (u * (u + 1) - u**2 - u, "holds for every field"),
    "mixed derivatives": (Eq(u.diff(x).diff(y), u.diff(y).diff(x), evaluate=False), "holds for every field"),
    "by trigonometry": (sin(u) ** 2 + cos(u) ** 2 - 1, "holds for every field"),
    "the unknown drops out": (u * (u + 1) - u**2 - u - x, "contains no unknown field"),
    "data alone": (Eq(x, y), "contains no unknown field"),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_an_equation_that_says_nothing_is_refused(name):
    equation, text = EQUATIONS[name]
    with pytest.raises(spd.ProblemError, match=f"The equation `equation 2`.*{text}"):
        spd.Problem(box, [Eq(spd.laplacian(u), 1), equation], [spd.Dirichlet(u, 0)])


SOMETHING = [
    spd.Dirichlet(sympy.Float(1e-13) * u, 1, on=right),
    spd.Dirichlet(u, Rational(1, 10**12), on=right),
    spd.Dirichlet((u + 1) ** 2 - u**2, 3, on=right),
    spd.Dirichlet(x * u, 0, on=right),
    spd.Dirichlet(u**3, u, on=right),
    spd.Neumann(u, k * (u - 1), on=right),
    spd.Neumann(u, u.diff(y), on=right),
    spd.Robin(u, 1, 1, u, on=right),
    spd.Dirichlet(spd.given("f", lambda x, y: x, x, y) * u, u, on=right),
    spd.Periodic(u, x),
    spd.Observed(u, [[0.5, 0.5]], [1.0]),
]


@pytest.mark.parametrize("condition", SOMETHING, ids=lambda c: c[0].name if isinstance(c, list) else c.name)
def test_a_condition_that_says_something_is_taken(condition):
    spd.Problem(box, [Eq(spd.laplacian(u), 1)], [condition])
