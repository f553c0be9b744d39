"""Random problems of many kinds, each with its solution, or with the knowledge that it has none or many.

`made(kind, seed)` is a `Case`: a problem, and its true values as a function of points (n, d), in the order of the
coordinates, for each unknown. The truth is a closed form or comes from SciPy; the problem itself does not know it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.random import Generator
from scipy.integrate import solve_ivp
from scipy.special import erf
from sympy import Eq, Float, cos, exp, pi, sin, sqrt, tanh

import spindle as spd

t, x, y, z = spd.coordinates("t x y z")


@dataclass(frozen=True)
class Case:
    """A problem and what is true of it.

    truth     {unknown: points (n, d) -> values (n,)}; None where there is no solution, or none that is singled out
    options   of the solve, besides the method
    """

    problem: spd.Problem
    truth: dict[Any, Callable] | None
    options: dict[str, Any] = field(default_factory=dict)


def _number(random: Generator, low: float, high: float) -> Float:
    """A number between two bounds, evenly in its logarithm, of three digits."""
    return Float(f"{np.exp(random.uniform(np.log(low), np.log(high))):.3g}")


def _form(expression, coordinates) -> Callable:
    """A closed form as a function of points."""
    function = sympy.lambdify(coordinates, expression, ["scipy", "numpy"])
    return lambda points: np.broadcast_to(function(*points.T), len(points))


def _smooth_field(random: Generator, coordinates) -> sympy.Expr:
    """A sum of products of slow waves, exponentials and polynomials."""

    def factor(c):
        k = _number(random, 0.5, 4)
        return [sin(k * c + 1), cos(k * c), exp(-k * c / 3), 1 + c * (1 - c)][random.integers(4)]

    terms = [
        _number(random, 0.3, 2) * sympy.prod([factor(c) for c in coordinates]) for _ in range(random.integers(1, 4))
    ]
    return sum(terms)


def _smooth_parts(random: Generator):
    """Domain, unknown, left-hand side, conditions and exact field of a random smooth problem on a box."""
    shape = random.integers(4)
    axes = [(x, y), (t, x), (t, x, y), (x, y, z)][shape]
    u = spd.unknown("u", *axes)
    exact = _smooth_field(random, axes)
    space = [c for c in axes if c != t]
    left = -_number(random, 0.1, 2) * sum(u.diff(c, 2) for c in space)
    left += [0, _number(random, 0.2, 2) * u, u * u.diff(x), u**3][random.integers(4)]
    left += u.diff(t) if t in axes else 0
    conditions = [spd.Dirichlet(u, exact)]
    conditions += [spd.Initial(u, exact.subs(t, 0))] if t in axes else []
    return spd.Box({c: (0, 1) for c in axes}), u, left, conditions, exact


def _manufactured(domain, u, left, conditions, exact, **options) -> Case:
    source = spd.manufactured(left, {u: exact})
    problem = spd.Problem(domain, [Eq(left, source)], conditions)
    return Case(problem, {u: _form(exact, problem.coordinates)}, options)


def smooth(random: Generator) -> Case:
    """Smooth solutions of equations of first and second order on boxes."""
    return _manufactured(*_smooth_parts(random))


def layers(random: Generator) -> Case:
    """Boundary layers of transport or reaction, in one or two coordinates."""
    e = _number(random, 1e-4, 3e-2)
    if random.integers(2):
        plane = random.integers(2)
        axes = (x, y) if plane else (x,)
        u = spd.unknown("u", *axes)
        width = float(e)
        sides = [spd.Dirichlet(u, 0, on=[Eq(x, 0), Eq(x, 1)])] + [spd.Neumann(u, 0, on=[Eq(y, 0), Eq(y, 1)])] * plane
        problem = spd.Problem(
            spd.Box({c: (0, 1) for c in axes}) if plane else spd.Interval(x, 0, 1),
            [Eq(-e * spd.laplacian(u) + u.diff(x), 1)],
            sides,
        )

        def one(points):
            s = points[:, 0]
            return s - (np.exp((s - 1) / width) - np.exp(-1 / width)) / (1 - np.exp(-1 / width))

        return Case(problem, {u: one})
    u = spd.unknown("u", x, y)
    exact = sin(pi * y) * (1 - (exp(-x / sqrt(e)) + exp((x - 1) / sqrt(e))) / (1 + exp(-1 / sqrt(e))))
    left = -e * spd.laplacian(u) + (1 - e * pi**2) * u
    problem = spd.Problem(spd.Box({x: (0, 1), y: (0, 1)}), [Eq(left, sin(pi * y))], [spd.Dirichlet(u, 0)])
    return Case(problem, {u: _form(exact, (x, y))})


def fronts(random: Generator) -> Case:
    """Travelling fronts of Burgers' equation and of bistable reaction."""
    u = spd.unknown("u", t, x)
    start = float(_number(random, 0.2, 0.5))
    domain = spd.Box({t: (0, 1), x: (0, 1)})
    if random.integers(2):
        nu, c, a = _number(random, 2e-3, 5e-2), _number(random, 0.2, 0.6), _number(random, 0.5, 1)
        exact = c - a * tanh(a * (x - start - c * t) / (2 * nu))
        left = u.diff(t) + u * u.diff(x) - nu * u.diff(x, 2)
    else:  # u_t = e^2 u_xx + u (1 - u) (u - m) has a front of width e that goes at e (1 - 2 m) / sqrt(2)
        e, m = _number(random, 5e-3, 5e-2), _number(random, 0.1, 0.4)
        exact = (1 - tanh((x - start - e * (1 - 2 * m) / sqrt(2) * t) / (2 * sqrt(2) * e))) / 2
        left = u.diff(t) - e**2 * u.diff(x, 2) - u * (1 - u) * (u - m)
    problem = spd.Problem(domain, [Eq(left, 0)], [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact)])
    return Case(problem, {u: _form(exact, (t, x))})


def _in_time(names: str, sides: Callable, start, end: float) -> Case:
    """A system in time alone, with the truth from SciPy."""
    unknowns = spd.unknown(names, t)
    unknowns = unknowns if isinstance(unknowns, (tuple, list)) else (unknowns,)
    rates = sides(*unknowns)
    side = sympy.lambdify([t, list(unknowns)], list(rates))
    problem = spd.Problem(
        spd.Interval(t, 0, end),
        [Eq(u.diff(t), rate) for u, rate in zip(unknowns, rates, strict=True)],
        [spd.Initial(u, value) for u, value in zip(unknowns, start, strict=True)],
    )
    found = solve_ivp(lambda now, v: side(now, v), (0, end), start, "Radau", rtol=1e-12, atol=1e-14, dense_output=True)
    return Case(problem, {u: lambda points, k=k: found.sol(points[:, 0])[k] for k, u in enumerate(unknowns)})


def stiff(random: Generator) -> Case:
    """Fast and slow rates in one problem."""
    k = _number(random, 50, 1e5)
    which = random.integers(3)
    if which == 0:
        return _in_time("u", lambda u: [-k * (u - cos(t))], [0.0], 5.0)
    if which == 1:
        mu = _number(random, 5, 100)
        return _in_time("a b", lambda a, b: [b, mu * (1 - a**2) * b - a], [2.0, 0.0], float(2 * mu))
    u = spd.unknown("u", t, x)
    exact = cos(3 * t) * (1 + x**2)
    domain = spd.Box({t: (0, 1), x: (0, 1)})
    return _manufactured(
        domain,
        u,
        u.diff(t) - u.diff(x, 2) + k * u,
        [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, exact)],
        exact,
    )


def units(random: Generator) -> Case:
    """Smooth problems in metres, seconds and pascals of any size."""
    length, time, size = (10.0 ** random.integers(-6, 7) for _ in range(3))
    factor = 10.0 ** random.integers(-12, 13)
    axes = [(t, x), (x, y)][random.integers(2)]
    u = spd.unknown("u", *axes)
    scale = {t: time, x: length, y: length}
    exact = size * _smooth_field(random, axes).subs({c: c / Float(scale[c]) for c in axes}, simultaneous=True)
    left = spd.laplacian(u) * -(length**2) + (time * u.diff(t) if t in axes else 0)
    conditions = [spd.Dirichlet(u, exact)] + ([spd.Initial(u, exact.subs(t, 0))] if t in axes else [])
    source = spd.manufactured(left, {u: exact})
    problem = spd.Problem(spd.Box({c: (0, scale[c]) for c in axes}), [Eq(factor * left, factor * source)], conditions)
    return Case(problem, {u: _form(exact, problem.coordinates)})


def missing(random: Generator) -> Case:
    """Smooth problems without one of the conditions that they need."""
    domain, u, left, conditions, exact = _smooth_parts(random)
    source = spd.manufactured(left, {u: exact})
    if t in domain.coordinates and random.integers(2):
        kept = [c for c in conditions if "initial" not in c.name]
    else:
        kept = [c for c in conditions if "initial" in c.name]
        sides = [Eq(c, end) for c in domain.coordinates if c != t for end in (0, 1)]
        sides.pop(random.integers(len(sides)))
        kept += [spd.Dirichlet(u, exact, on=sides)]
    return Case(spd.Problem(domain, [Eq(left, source)], kept), None)


def contradictions(random: Generator) -> Case:
    """Two values on one side, or more conditions than an equation can meet."""
    domain, u, left, conditions, exact = _smooth_parts(random)
    source = spd.manufactured(left, {u: exact})
    extra = [
        spd.Dirichlet(u, exact + _number(random, 0.3, 2), on=Eq(x, 0)),
        spd.Neumann(u, exact.diff(x) + _number(random, 2, 5), on=Eq(x, 1)),
    ][random.integers(2)]
    return Case(spd.Problem(domain, [Eq(left, source)], [*conditions, extra]), None)


def corners(random: Generator) -> Case:
    """The singularity of a re-entrant corner of a right angle, r^(2/3) sin(2/3 phi), times a number."""
    u, a = spd.unknown("u", x, y), _number(random, 0.5, 2)
    side = float(_number(random, 0.3, 1))
    domain = spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Box({x: (0, 1), y: (-1, 0)})
    r, phi = sqrt(x**2 + y**2), sympy.atan2(y, x)
    phi = sympy.Piecewise((phi, y >= 0), (phi + 2 * pi, True))
    exact = a * r ** Float(2 / 3) * sin(Float(2 / 3) * phi) + side * x * y
    problem = spd.Problem(domain, [Eq(spd.laplacian(u), 0)], [spd.Dirichlet(u, exact)])
    return Case(problem, {u: _form(exact, (x, y))})


def cut_off(random: Generator) -> Case:
    """Smooth problems with a few seconds only."""
    return _manufactured(*_smooth_parts(random), budget=float(random.uniform(2, 8)))


def time_alone(random: Generator) -> Case:
    """Oscillators, populations, epidemics and chaos."""
    a, b = float(_number(random, 0.3, 3)), float(_number(random, 0.3, 3))
    systems: tuple[tuple[str, Callable, list[float], float], ...] = (
        ("u v", lambda u, v: [v, -(a**2) * u], [1.0, 0.0], 60.0),
        ("p r", lambda p, r: [0.02 * r * p - b * p, 2 * r - 0.04 * r * p], [15.0, 100.0], 10.0),
        ("i s", lambda i, s: [(0.5 + a) * i * s - i / 4, -(0.5 + a) * i * s], [0.005, 0.995], 60.0),
        ("u v w", lambda u, v, w: [10 * (v - u), u * (28 - w) - v, u * v - 8 * w / 3], [a, b, 1.0], 6.0),
        ("u v", lambda u, v: [v, -sin(u) + 0.2 * cos(b * t)], [a / 2, 0.0], 40.0),
    )
    return _in_time(*systems[random.integers(len(systems))])


def materials(random: Generator) -> Case:
    """A conductivity that changes by much within a short or no distance."""
    u = spd.unknown("u", x)
    low, high = 1.0, float(_number(random, 3, 300))
    place, width = float(random.uniform(0.2, 0.8)), float(_number(random, 3e-3, 1e-1))
    k = low + (high - low) * (1 + tanh((x - place) / width)) / 2
    if random.integers(3) == 0:
        k = sympy.Piecewise((low, x < place), (high, True))
    problem = spd.Problem(spd.Interval(x, 0, 1), [Eq((k * u.diff(x)).diff(x), 0)], [spd.Dirichlet(u, x)])

    def flow(ends):
        """The integral of 1/k from 0: a quadrature that sees no jump in each of many intervals would end at 1e-7."""
        if k.has(sympy.Piecewise):
            return np.minimum(ends, place) / low + np.maximum(ends - place, 0) / high
        softened = np.logaddexp(np.log(low), np.log(high) + 2 * (np.stack([ends, 0 * ends]) - place) / width)
        return ends / low + width / 2 * (1 / high - 1 / low) * (softened[0] - softened[1])

    return Case(problem, {u: lambda points: flow(points[:, 0]) / flow(np.ones(1))})


def narrow(random: Generator) -> Case:
    """Sources on small parts of the domain: Gaussian pulses and strips."""
    w, c = float(_number(random, 1e-4, 3e-2)), float(random.uniform(0.15, 0.85))
    plane = random.integers(2)
    axes = (x, y) if plane else (x,)
    u = spd.unknown("u", *axes)
    pulse = exp(-(((x - c) / w) ** 2)) / (w * sqrt(pi)) if random.integers(2) else None
    strip = sympy.Piecewise((1 / (2 * w), sympy.Abs(x - c) < w), (0, True))
    conditions = [spd.Dirichlet(u, 0, on=[Eq(x, 0), Eq(x, 1)])] + [spd.Neumann(u, 0, on=[Eq(y, 0), Eq(y, 1)])] * plane
    domain = spd.Box({a: (0, 1) for a in axes}) if plane else spd.Interval(x, 0, 1)
    problem = spd.Problem(domain, [Eq(-spd.laplacian(u), strip if pulse is None else pulse)], conditions)

    # Twice integrated: the source is a probability density but for what lies beyond the ends.
    def inner(s):
        if pulse is None:
            left, right = np.clip(s, c - w, c + w) - (c - w), np.maximum(s - c - w, 0)
            return left**2 / (4 * w) + right
        r = (s - c) / w
        return w / 2 * (r * erf(r) + np.exp(-(r**2)) / np.sqrt(np.pi) + r)

    def exact(points):
        s = points[:, 0]
        return inner(np.zeros(1)) * (1 - s) + inner(np.ones(1)) * s - inner(s)

    return Case(problem, {u: exact})


def several_or_none(random: Generator) -> Case:
    """Problems with many solutions, or none: resonance, levels, heat backwards, explosions, outflow."""
    u, v = spd.unknown("u", x, y), spd.unknown("u", t, x)
    square, strip = spd.Box({x: (0, 1), y: (0, 1)}), spd.Box({t: (0, 1), x: (0, 1)})
    a, k = _number(random, 0.5, 2), int(random.integers(1, 4))
    posed = (
        (square, Eq(spd.laplacian(u) + (1 + k**2) * pi**2 * u, a), [spd.Dirichlet(u, 0)]),
        (square, Eq(spd.laplacian(u), 0), [spd.Neumann(u, 0)]),
        (square, Eq(spd.laplacian(u), a), [spd.Neumann(u, 0)]),
        (strip, Eq(v.diff(t), -v.diff(x, 2)), [spd.Initial(v, sin(pi * x)), spd.Dirichlet(v, 0)]),
        (strip, Eq(v.diff(t) + a * v.diff(x), 0), [spd.Initial(v, sin(x)), spd.Dirichlet(v, 1, on=Eq(x, 1))]),
        (square, Eq(spd.laplacian(u) + (20 + 10 * a) * exp(u), 0), [spd.Dirichlet(u, 0)]),
    )
    domain, equation, conditions = posed[random.integers(len(posed))]
    return Case(spd.Problem(domain, [equation], conditions), None)


def curved(random: Generator) -> Case:
    """Smooth solutions on disks, rings, polygons and what is left of a rectangle."""
    u, centre = spd.unknown("u", x, y), {x: 0, y: 0}
    radius = float(random.uniform(0.2, 0.5))
    domain = (
        spd.Disk(centre, 1),
        spd.Disk(centre, 1) - spd.Disk({x: radius / 2, y: 0}, radius),
        spd.Polygon((x, y), [(-1, -1), (1, -0.8), (1.2, 0.7), (0, 1.3), (-0.9, 0.6)]),
        spd.Box({x: (-1, 1), y: (-1, 1)}) - spd.Disk({x: 1, y: 1}, 2 * radius),
    )[random.integers(4)]
    exact = _smooth_field(random, (x, y))
    left = -_number(random, 0.1, 2) * spd.laplacian(u)
    left += [0, _number(random, 0.2, 2) * u, u * u.diff(x), u**3][random.integers(4)]
    return _manufactured(domain, u, left, [spd.Dirichlet(u, exact)], exact)


def inverse(random: Generator) -> Case:
    """A diffusivity from noisy measurements, in any units, from a first guess that is far off."""
    length, duration, size = (float(10 ** random.uniform(*ends)) for ends in ((-4, 2), (-3, 4), (-2, 5)))
    u, rate, noise = spd.unknown("u", t, x), float(random.uniform(0.03, 0.3)), float(random.uniform(0.001, 0.03))
    true = rate * length**2 / duration
    k = spd.parameter("k", true * float(10 ** random.uniform(-2, 2)), unknown=True)
    exact = size * exp(-rate * pi**2 * t / duration) * sin(pi * x / length)
    points = random.uniform(size=(60, 2)) * [duration, length]
    values = _form(exact, (t, x))(points) + noise * size * random.normal(size=60)
    measured = spd.Observed(u, points, values, noise=noise * size)
    conditions = [spd.Initial(u, exact.subs(t, 0)), spd.Dirichlet(u, 0), measured]
    domain = spd.Box({t: (0, duration), x: (0, length)})
    problem = spd.Problem(domain, [Eq(u.diff(t), k * u.diff(x, 2))], conditions)
    return Case(problem, {u: _form(exact, (t, x))})


KINDS: dict[str, Callable[[Generator], Case]] = {
    "smooth": smooth,
    "layers": layers,
    "fronts": fronts,
    "stiff": stiff,
    "units": units,
    "missing conditions": missing,
    "contradictions": contradictions,
    "singular corners": corners,
    "cut-off budgets": cut_off,
    "time alone": time_alone,
    "two materials": materials,
    "narrow sources": narrow,
    "several or none": several_or_none,
    "curved domains": curved,
    "inverse problems": inverse,
}


def made(kind: str, seed: int) -> Case:
    """The problem of a kind; always the same for a seed."""
    return KINDS[kind](np.random.default_rng([seed, list(KINDS).index(kind)]))
