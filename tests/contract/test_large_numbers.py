"""Numbers that no float holds, and whole numbers beyond 64 bits: a right value or one sentence, wherever they go."""

import numpy as np
import pytest
from sympy import Eq, Max, Mod, Piecewise, Rational, cos, exp, floor, frac, sin, tan

import spindle as spd
from spindle.symbolic.functions import evaluate

x, y, z, t = spd.coordinates("x y z t")
u = spd.unknown("u", x)
# More than 64 bits; more than a float; more than Python writes as text.
LARGE, BEYOND, ENDLESS = 10**30, 10**400, 10**5000


def line(source=1, conditions=None, **parts):
    return spd.Problem(spd.Interval(x, 0, 1), [Eq(u.diff(x, 2), source)], conditions or [spd.Dirichlet(u)], **parts)


def referenced(nodes, values):
    return line(reference={u: spd.GridReference({"x": nodes}, values)})


# where a number goes in, as a function of it
PLACES = {
    "interval": lambda n: spd.Interval(x, 0, n),
    "box": lambda n: spd.Box({x: (-n, 0), y: (0, 1)}),
    "centre": lambda n: spd.Disk({x: n, y: 0}, 1),
    "radius": lambda n: spd.Disk({x: 0, y: 0}, n),
    "half axis": lambda n: spd.Ellipse({x: 0, y: 0}, (n, 1)),
    "angle": lambda n: spd.Ellipse({x: 0, y: 0}, (2, 1), angle=n),
    "vertex": lambda n: spd.Polygon((x, y), [(0, 0), (n, 0), (0, n)]),
    "range of a curve": lambda n: spd.Curve({x: cos(y), y: sin(y)}, y, (0, n)),
    "triangle": lambda n: spd.Mesh(
        (x, y, z), ([(0, 0, 0), (n, 0, 0), (0, 1, 0), (0, 0, 1)], [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
    ),
    "node": lambda n: spd.PointCloud((x, y), [(n, 0)], [(0, 0)], [(0, 1)]),
    "parameter": lambda n: spd.parameter("k", n),
    "parameter to be estimated": lambda n: spd.parameter("k", n, unknown=True),
    "range": lambda n: spd.parameter("k", range=(1, n)),
    "member": lambda n: line(spd.parameter("k", range=(1, 2))).at(k=n),
    "nodes of a table": lambda n: spd.tabulated("k", {x: [0, n, 2 * n]}, [1, 2, 3]),
    "values of a table": lambda n: spd.tabulated("k", {x: [0, 1, 2]}, [1, n, 3]),
    "measured values": lambda n: line(1, [spd.Dirichlet(u), spd.Observed(u, {x: [0.5]}, [n])]),
    "measured points": lambda n: line(1, [spd.Dirichlet(u), spd.Observed(u, {x: [n]}, [1])]),
    "noise": lambda n: line(1, [spd.Dirichlet(u), spd.Observed(u, {x: [0.5]}, [1], noise=n)]),
    "nodes of a reference": lambda n: referenced([0, n], [0, 1]),
    "values of a reference": lambda n: referenced([0, 1], [0, n]),
    "coefficient of a condition": lambda n: line(1, [spd.Robin(u, n, 1, 1)]),
    "data": lambda n: line(1, [spd.Dirichlet(u, n)]),
    "place": lambda n: line(1, [spd.Dirichlet(u, on=Eq(x, n))]),
    "source": lambda n: line(n * x),
    "level": lambda n: line(Max(x, n)),
    "branch": lambda n: line(Piecewise((1, x < n), (2, True))),
    "exponent": lambda n: line(x**n),
    "exponential": lambda n: line(exp(-n * x)),
}


@pytest.mark.parametrize("place", PLACES)
def test_large_numbers_are_taken_or_refused_in_a_sentence(place):
    try:
        PLACES[place](LARGE)
    except spd.SpindleError as refused:
        assert str(refused).endswith(".")


@pytest.mark.parametrize("number", [BEYOND, ENDLESS], ids=["beyond floats", "beyond text"])
@pytest.mark.parametrize("place", PLACES)
def test_numbers_beyond_floats_are_refused_in_a_sentence(place, number):
    with pytest.raises(spd.ProblemError) as refused:
        PLACES[place](number)
    assert 60 < len(str(refused.value)) < 700
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("budget", [LARGE, BEYOND])
def test_a_budget_may_be_large(budget):
    method = spd.SPINN(newton_steps=1)
    if budget == LARGE:
        assert spd.solve(line(), method, budget=budget, progress=False, estimate=False).run.loss < np.inf
    else:
        with pytest.raises(spd.MethodError, match=r"budget=.* must be positive, and a number"):
            spd.solve(line(), method, budget=budget, progress=False)


NOISE = {
    "Mod": Mod(LARGE * x, 7),
    "a small modulus": Mod(x, Rational(7, LARGE)),
    "a float": Mod(1e30 * x, 7),
    "frac": frac(LARGE * x),
    "sin": sin(LARGE * x),
    "within": exp(tan(2 + LARGE * x) ** 2),
    "a parameter": cos(spd.parameter("k", LARGE) * x),
}


@pytest.mark.parametrize("name", NOISE)
def test_what_repeats_more_often_than_numbers_can_tell_is_refused(name):
    said = r"repeats itself some \de\+2\d times, and numbers of a computer, which have 16 digits, do not tell where"
    for posed in (
        lambda: line(NOISE[name]),
        lambda: line(1, [spd.Dirichlet(u, NOISE[name])]),
        lambda: line(1, quantities={"q": u + NOISE[name]}),
        lambda: line(1, reference={u: NOISE[name]}),
    ):
        with pytest.raises(spd.ProblemError, match=said):
            posed()


@pytest.mark.parametrize("source", [sin(10**12 * x), Mod(10**12 * x, 7), Mod(x, 10**30), floor(LARGE * x), sin(1 / x)])
def test_what_numbers_can_tell_is_taken(source):
    line(source)


@pytest.mark.parametrize("modulus", [7, Rational(1, 3), -2.5, 10**17])
def test_a_remainder_is_that_of_whole_numbers_whatever_the_size(modulus):
    at = np.array([0.0, 1.0, 5.5, -3.25, 2.0**52 + 1, 1e16, 1e22, -1e30, 3e200])
    exact = [float(Rational(float(v)) % Rational(float(modulus))) for v in at]
    np.testing.assert_allclose(evaluate(Mod(x, modulus), {x: at}), exact, rtol=1e-15)
