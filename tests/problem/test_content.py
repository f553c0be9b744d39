"""Equations and conditions that say nothing are refused; those that say little are not."""

import pytest
import sympy
from sympy import Eq, Rational, cos, exp, sin

import spindle as sp

x, y = sp.coordinates("x y")
t = sp.coordinates("t")
u, v = sp.unknown("u v", x, y)
w = sp.unknown("w", t, x)
box, disk = sp.Box({x: (0, 1), y: (0, 1)}), sp.Disk({x: 0, y: 0}, 1)
k = sp.parameter("k", 2.0)
right = Eq(x, 1)

NOTHING = {
    "slope set to itself": (box, sp.Neumann(u, u.diff(x), on=right), "on x=1"),
    "value set to itself": (box, sp.Dirichlet(u, u, on=right), "on x=1"),
    "on a disk": (disk, sp.Dirichlet(u, u), "on boundary"),
    "multiplied out": (box, sp.Dirichlet((u + x) ** 2, u**2 + 2 * x * u + x**2, on=right), "on x=1"),
    "by trigonometry": (box, sp.Dirichlet(sin(u) ** 2 + cos(u) ** 2, 1, on=right), "on x=1"),
    "by logarithms": (box, sp.Dirichlet(exp(x + u), exp(x) * exp(u), on=right), "on x=1"),
    "a factor that vanishes there": (box, sp.Dirichlet((1 - x) * u, 0, on=right), "on x=1"),
    "Robin": (box, sp.Robin(u, k, 1, k * u + u.diff(x), on=right), "on x=1"),
    "flux": (disk, sp.Neumann(u, sp.dot(sp.grad(u), sp.normal(x, y))), "on boundary"),
    "one side of several": (box, sp.Neumann(u, u.diff(y), on=[right, Eq(y, 1)]), "on y=1"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_condition_that_holds_for_every_field_is_refused(name):
    domain, condition, where = NOTHING[name]
    with pytest.raises(sp.ProblemError, match=f"{where} holds for every field, so nothing is imposed; .*`on=Eq"):
        sp.Problem(domain, [Eq(sp.laplacian(u), 1)], [condition])


def test_an_initial_value_that_says_nothing_is_refused():
    with pytest.raises(sp.ProblemError, match=r"`initial w` on t=0 holds for every field"):
        sp.Problem(sp.Box({t: (0, 1), x: (0, 1)}), [Eq(w.diff(t), w.diff(x, 2))], [sp.Initial(w, w)])


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (sp.Dirichlet((1 - x) * u, y, on=right), "on x=1 contains no unknown field"),
        (sp.Dirichlet((u + 1) ** 2 - u**2 - 2 * u, 3, on=right), "on x=1 contains no unknown field"),
        (sp.Neumann(u, u.diff(x) + 1, on=right), "on x=1 contains no unknown field"),
    ],
    ids=str,
)
def test_a_condition_that_no_field_fulfils_is_refused(condition, text):
    with pytest.raises(sp.ProblemError, match=text):
        sp.Problem(box, [Eq(sp.laplacian(u), 1)], [condition])


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
    with pytest.raises(sp.ProblemError, match=f"The equation `equation 2`.*{text}"):
        sp.Problem(box, [Eq(sp.laplacian(u), 1), equation], [sp.Dirichlet(u, 0)])


SOMETHING = [
    sp.Dirichlet(sympy.Float(1e-13) * u, 1, on=right),
    sp.Dirichlet(u, Rational(1, 10**12), on=right),
    sp.Dirichlet((u + 1) ** 2 - u**2, 3, on=right),
    sp.Dirichlet(x * u, 0, on=right),
    sp.Dirichlet(u**3, u, on=right),
    sp.Neumann(u, k * (u - 1), on=right),
    sp.Neumann(u, u.diff(y), on=right),
    sp.Robin(u, 1, 1, u, on=right),
    sp.Dirichlet(sp.given("f", lambda x, y: x, x, y) * u, u, on=right),
    sp.Periodic(u, x),
    sp.Observed(u, [[0.5, 0.5]], [1.0]),
]


@pytest.mark.parametrize("condition", SOMETHING, ids=lambda c: c[0].name if isinstance(c, list) else c.name)
def test_a_condition_that_says_something_is_taken(condition):
    sp.Problem(box, [Eq(sp.laplacian(u), 1)], [condition])
