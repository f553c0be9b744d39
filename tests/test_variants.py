"""Ten variants and more of each kind of input that once hung, overflowed or ended in a traceback.

Each ends within seconds, in a plan or in one sentence, whatever it is.
"""

import time

import numpy as np
import pytest
import sympy
from sympy import (
    Abs,
    Eq,
    Float,
    Heaviside,
    I,
    Integer,
    Max,
    Min,
    Mod,
    Piecewise,
    Rational,
    binomial,
    cos,
    exp,
    factorial,
    floor,
    frac,
    gamma,
    log,
    oo,
    sign,
    sin,
    sqrt,
    tanh,
)

import spindle as spd
from spindle.problem.families import with_parameter_axes

t, x, y, z = spd.coordinates("t x y z")
u, v, w = spd.unknown("u", x, y), spd.unknown("v", x), spd.unknown("w", x, y, z)
SQUARE = spd.Box({x: (0, 1), y: (0, 1)})
SECONDS = 5.0
SMALL = {"width": 4, "hidden_layers": 1, "points": 4}


def poisson(source, value=0):
    return spd.Problem(SQUARE, [Eq(spd.laplacian(u), source)], [spd.Dirichlet(u, value)])


def on(domain):
    field = {1: v, 2: u, 3: w}[len(domain.coordinates)]
    return spd.Problem(domain, [Eq(spd.laplacian(field), 1)], [spd.Dirichlet(field, 0)])


def flux(k):
    return spd.Problem(SQUARE, [Eq(spd.div(k * spd.grad(u)), 1)], [spd.Dirichlet(u, 0)])


def condition(made):
    return spd.Problem(SQUARE, [Eq(spd.laplacian(u), 1)], [spd.Dirichlet(u, 0), made])


NUMBERS = {
    "coefficient": lambda: spd.Problem(SQUARE, [Eq(10**25 * spd.laplacian(u), 10**25 * x)], [spd.Dirichlet(u, 0)]),
    "rational": lambda: poisson(Rational(10**30 + 1, 10**29 + 7) * x),
    "product": lambda: poisson(10**25 * x * y),
    "value": lambda: poisson(x, 2**65),
    "power": lambda: poisson(x ** (2**70)),
    "parameter": lambda: poisson(spd.parameter("k", 2**80) * x),
    "range": lambda: poisson(spd.parameter("k", range=(2**70, 2**71)) * x),
    "ends": lambda: on(spd.Interval(x, -(2**70), 2**70)),
    "factorials": lambda: poisson(factorial(30) * sin(x) / factorial(28)),
    "binomial": lambda: poisson(binomial(100, 50) * x),
    "nonlinear": lambda: spd.Problem(SQUARE, [Eq(spd.laplacian(u) + 10**22 * u**3, x)], [spd.Dirichlet(u, 0)]),
    "beyond floats": lambda: poisson(Float("1e400") * x),
    "below floats": lambda: poisson(Rational(1, 10**350) * x),
}
TOWERS = {
    "floor": lambda: poisson(floor(exp(100) * x)),
    "mod": lambda: poisson(Mod(10**30 * x, 7)),
    "sine": lambda: poisson(sin(Integer(10) ** 40)),
    "cosine": lambda: poisson(cos(Integer(10) ** 39 * x)),
    "tower": lambda: poisson(Mod(exp(40) * x, 1)),
    "frac": lambda: poisson(frac(5 * x)),
    "of the unknown": lambda: spd.Problem(SQUARE, [Eq(spd.laplacian(u), floor(u))], [spd.Dirichlet(u, 0)]),
    "gamma": lambda: poisson(gamma(200) * x),
    "powers": lambda: poisson(x**x**x**x),
    "nested": lambda: poisson(exp(sin(exp(sin(exp(sin(x))))))),
    "logarithms": lambda: poisson(log(1 + log(1 + log(2 + x)))),
}
ENDS = [(-1e31, 1e31), (0, 1e-200), (0, np.inf), (0, np.nan), (1, 1), (1, 0), (1e20, 1e20 + 1), (1e12, 1e12 + 1)]
ENDS += [(0, oo), (0, 5e-324), (0, I), (0, "1"), (0, sqrt(-1)), (0, "1e300")]
DOMAINS = {f"{low} to {high}": lambda low=low, high=high: on(spd.Interval(x, low, high)) for low, high in ENDS} | {
    "huge disk": lambda: on(spd.Disk({x: 0, y: 0}, 1e200)),
    "far disk": lambda: on(spd.Disk({x: 1e17, y: 0}, 1)),
    "no disk": lambda: on(spd.Disk({x: 0, y: 0}, 0)),
    "thin ellipse": lambda: on(spd.Ellipse({x: 0, y: 0}, (1, 1e-9))),
    "thin box": lambda: on(spd.Box({x: (0, 1e12), y: (0, 1e-12)})),
    "huge ball": lambda: on(spd.Ball({x: 0, y: 0, z: 0}, 1e160)),
    "flat polygon": lambda: on(spd.Polygon((x, y), [(0, 0), (1, 0), (2, 0)])),
    "needle": lambda: on(spd.Polygon((x, y), [(0, 0), (1, 1e-9), (1, 0)])),
    "nothing left": lambda: on(spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0, y: 0}, 2)),
    "thin ring": lambda: on(spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0, y: 0}, 0.999999999)),
    "cusp": lambda: on(spd.Disk({x: 0, y: 0}, 1) - spd.Disk({x: 0.5, y: 0}, 0.5)),
}
IDENTITIES = {
    "itself": lambda: condition(spd.Dirichlet(u, u, on=Eq(x, 0))),
    "no flux": lambda: condition(spd.Robin(u, 0, 0, 0, on=Eq(x, 0))),
    "its slope": lambda: condition(spd.Neumann(u, -u.diff(x), on=Eq(x, 0))),
    "another slope": lambda: condition(spd.Neumann(u, u.diff(y), on=Eq(x, 0))),
    "zero": lambda: condition(spd.Dirichlet(0 * u, 0)),
    "a number": lambda: condition(spd.Dirichlet(u - u, 1)),
    "equation": lambda: spd.Problem(SQUARE, [Eq(spd.laplacian(u), spd.laplacian(u))], [spd.Dirichlet(u, 0)]),
    "hidden": lambda: spd.Problem(SQUARE, [Eq((u**2).diff(x), 2 * u * u.diff(x))], [spd.Dirichlet(u, 0)]),
    "trigonometry": lambda: spd.Problem(SQUARE, [Eq(u * sin(x) ** 2 + u * cos(x) ** 2, u)], [spd.Dirichlet(u, 0)]),
    "in a system": lambda: spd.Problem(
        SQUARE, [Eq(spd.laplacian(u), 1), Eq(u.diff(x, y), u.diff(y, x))], [spd.Dirichlet(u, 0)]
    ),
}
JUMPS = {
    "piecewise": lambda: flux(Piecewise((1, x < 0.5), (10, True))),
    "heaviside": lambda: flux(1 + 9 * Heaviside(x - 0.5)),
    "sign": lambda: flux(2 + sign(x - y)),
    "floor": lambda: flux(1 + floor(3 * x)),
    "mod": lambda: flux(1 + Mod(3 * x, 1)),
    "maximum": lambda: flux(Max(1, 2 * x)),
    "minimum": lambda: flux(Min(1, 2 * x) + 1),
    "kink": lambda: flux(1 + Abs(x - 0.3)),
    "front": lambda: flux(2 + tanh((x - 0.5) / 1e-3)),
    "inclusion": lambda: flux(Piecewise((1, (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.01), (10, True))),
    "code": lambda: flux(spd.given("k", lambda a: 1.0 + (a > 0.5), x)),
    "of the unknown": lambda: flux(1 + Heaviside(u)),
    "outside": lambda: flux(Piecewise((1, x < 2), (10, True))),
}
KINDS = {
    "numbers": NUMBERS,
    "towers": TOWERS,
    "domains": DOMAINS,
    "identities": IDENTITIES,
    "jumps": JUMPS,
    "long products": {
        str(k): lambda k=k: poisson(sympy.prod([1 + x**j * y ** (k - j) for j in range(k)])) for k in range(2, 22, 2)
    },
}
CASES = [(f"{kind}, {name}", make) for kind, made in KINDS.items() for name, make in made.items()]


@pytest.mark.parametrize("make", [m for _, m in CASES], ids=[name for name, _ in CASES])
def test_it_is_planned_or_refused_in_a_sentence_and_at_once(make):
    began = time.process_time()
    try:
        problem = make()
        assert len(str(problem)) > 50
        spd.PINN(**SMALL).plan(with_parameter_axes(problem))
    except spd.SpindleError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        assert str(error).rstrip().endswith("."), str(error)
    assert time.process_time() - began < SECONDS
