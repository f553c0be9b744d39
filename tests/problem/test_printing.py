"""Problems as text and as LaTeX."""

import pytest
from sympy import Eq, Float, Piecewise, pi, sin

import spindle as spd
from spindle.problem.printing import describe, latex
from spindle.symbolic.words import text

t, x, y = spd.coordinates("t x y")
u = spd.unknown("u", t, x)
v = spd.vector("v", x, y)[0]

PRINTED = [
    (Eq(u.diff(t) + u * u.diff(x), 0), "u*u_x + u_t = 0", r"u u_{x} + u_{t} = 0"),
    (u.diff(x, 2), "u_xx", "u_{x x}"),
    (u**2, "u**2", "u^{2}"),
    (u.diff(x) ** 2, "u_x**2", r"\left(u_{x}\right)^{2}"),
    (v, "v_x", "v_{x}"),
    (v.diff(y), "v_x_y", "(v_{x})_{y}"),
    (sin(pi * x) / 2, "sin(pi*x)/2", r"\frac{\sin{\left(\pi x \right)}}{2}"),
    (Float(0.1) * u, "0.1*u", "0.1 u"),
    (spd.parameter("nu", 0.01) * u, "nu*u", r"\nu u"),
    (spd.given("kappa", lambda x: x, x) * u, "kappa*u", r"\kappa u"),
    (Piecewise((1, x > 0), (0, True)), "Piecewise((1, x > 0), (0, True))", None),
]


@pytest.mark.parametrize(("expression", "plain", "tex"), PRINTED)
def test_expressions_read_as_mathematics(expression, plain, tex):
    assert text(expression) == plain
    assert tex is None or latex(expression) == tex


PROBLEM = spd.Problem(
    domain=spd.Box({t: (0, 1), x: (-pi, 0.1)}),
    equations=[Eq(u.diff(t), spd.parameter("nu", 0.01, unknown=True) * u.diff(x, 2))],
    conditions=[
        spd.Initial(u, sin(x)),
        spd.Dirichlet(u, 0, on=Eq(x, -pi)),
        spd.Robin(u, 2, 3, 4, on="x=0.1"),
        spd.Neumann(u, 1, on="x=0.1"),
        spd.Periodic(u, x),
        spd.Observed(u, [[0.5, 0.0]], [1.0], noise=0.1),
    ],
    reference={u: sin(x)},
    title="Heat equation",
)


def test_a_problem_reads_as_a_page():
    assert [" ".join(line.split()) for line in describe(PROBLEM).splitlines()] == [
        "Heat equation",
        "find u(t, x)",
        "in t in (0, 1)",
        "x in (-pi, 0.1)",
        "such that u_t = nu*u_xx",
        "with u = sin(x) at the start",
        "u = 0 on x=-pi",
        "3*d_n(u) + 2*u = 4 on x=0.1",
        "d_n(u) = 1 on x=0.1",
        "u periodic in x",
        "u_x periodic in x",
        "u observed at 1 points, noise 0.1",
        "parameters nu = 0.01 (start; to be estimated)",
        "exact solution u = sin(x)",
    ]
    assert str(PROBLEM).startswith(describe(PROBLEM))


def test_a_family_shows_its_range():
    beta = spd.parameter("beta", range=(1, 2.5))
    family = spd.Problem(spd.Interval(x, 0, 1), [beta * spd.unknown("w", x).diff(x)])
    assert "beta in (1, 2.5)" in describe(family)


def test_a_union_shows_its_boxes():
    w = spd.unknown("w", x, y)
    room = spd.Box({x: (0, 2), y: (0, 2)}) - spd.Box({x: (1, 2), y: (1, 2)})
    assert "in  Box({x: (0, 2), y: (0, 1)}) | Box({x: (0, 1), y: (1, 2)})" in describe(
        spd.Problem(room, [spd.laplacian(w)])
    )


def test_latex_is_balanced_and_complete():
    made = PROBLEM._repr_latex_()
    assert made.count("{") == made.count("}")
    assert made.count("$") % 2 == 0
    for piece in (r"u_{t} = \nu u_{x x}", r"$u = \sin{\left(x \right)}$ at the start", r"$\partial_n u = 1$ on x=0.1"):
        assert piece in made


def test_normal_derivatives_of_sums_are_unambiguous():
    w = spd.unknown("w", x, y)
    (line,) = spd.Neumann(w + w.diff(y)).texts(latex)
    assert line.startswith(r"\partial_n \left(w + w_{y}\right) = 0")


def test_what_steers_a_terminal_is_shown():
    u = spd.unknown("u", x)
    named = spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), 1)], [spd.Dirichlet(u, 0)], title="\x1b[2Jfilm\u202e")
    assert str(named).splitlines()[0] == r"\x1b[2Jfilm\u202e"


@pytest.mark.parametrize(
    "domain",
    [
        spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0, y: 0}, 0.9999),
        spd.Disk({x: 0, y: 0}, 1) | spd.Disk({x: 200, y: 200}, 1),
        spd.Box({x: (0, 1), y: (0, 1)}) | spd.Box({x: (200, 201), y: (200, 201)}),
    ],
    ids=["thin ring", "disks far apart", "boxes far apart"],
)
def test_domains_that_fill_little_of_their_box_are_described(domain):
    """No random point of the box around them need lie in them."""
    w = spd.unknown("w", x, y)
    assert "doubts" not in str(spd.Problem(domain, [Eq(spd.laplacian(w), 1)], [spd.Dirichlet(w, 0)]))
