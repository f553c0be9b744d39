"""Planning takes seconds, whatever the formulas are: fronts, products of many polynomials, towers, odd exponents."""

import time

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Eq, Float, Integer, Rational, cos, exp, log, sin, sqrt, tanh

import spindle as spd
from spindle.adaptivity.initial_guess import source_terms
from spindle.lowering.constraints import no_constraints
from spindle.lowering.resolution import degrees
from spindle.lowering.structure import analyse
from spindle.problem.consistency.checks import doubts
from spindle.symbolic.expressions import differentiated

SECONDS = 5.0


def _number(random):
    """A coefficient: whole, rational with large parts, or a float."""
    kind = random.integers(4)
    if kind == 0:
        return Integer(int(random.integers(1, 500)))
    if kind == 1:
        return Rational(int(random.integers(1, 10**9)), int(random.integers(1, 10**9)))
    return Float(random.uniform(0.1, 300)) if kind == 2 else Rational(int(random.integers(1, 2000)), 7)


def _phase(random, axes):
    return sum(_number(random) * int(random.choice([-1, 1])) * c for c in axes)


def front(random, axes):
    power = [Integer(1), Integer(2), Rational(1, 2), Rational(7, 3)][random.integers(4)]
    return (1 + exp(_phase(random, axes))) ** -power


def product(random, axes):
    return sympy.prod([4 * c * (1 - c) + _number(random) * int(random.integers(2)) for c in axes])


def tower(random, axes):
    found = _phase(random, axes)
    for _ in range(int(random.integers(2, 7))):
        found = [sin, cos, tanh, lambda e: exp(-(e**2)), lambda e: log(1 + e**2)][random.integers(5)](found)
    return found


def high_power(random, axes):
    return (1 + _phase(random, axes) ** 2) ** (_number(random) if random.integers(2) else -int(random.integers(1, 900)))


def rational_function(random, axes):
    return product(random, axes) / (
        1 + sum(c**2 for c in axes) + _number(random) * axes[0] ** int(random.integers(2, 90))
    )


def travelling(random, axes):
    return tanh(_phase(random, axes)) * sin(_phase(random, axes)) ** int(random.integers(1, 60)) + sqrt(2 + axes[0])


KINDS = (front, product, tower, high_power, rational_function, travelling)


def posed(seed):
    """A random problem; always the same for a seed."""
    random = np.random.default_rng(seed)
    space = spd.coordinates("x y z w v a b c d e")[: int(random.integers(1, 4 if seed % 3 else 11))]
    axes = ((spd.coordinates("t"),) if seed % 2 else ()) + tuple(space)
    u = spd.unknown("u", *axes)
    data, source, coefficient = (KINDS[random.integers(len(KINDS))](random, axes) for _ in range(3))
    left = spd.laplacian(u) * (2 + coefficient) + u * u.diff(axes[-1]) * int(random.integers(2))
    conditions = [spd.Dirichlet(u, data)] + [spd.Initial(u, data.subs(axes[0], 0))] * (seed % 2)
    return spd.Problem(spd.Box({c: (0, 1) for c in axes}), [Eq(left, source)], conditions)


def understood(seed):
    """Everything that is done with the formulas of a problem before the first array."""
    problem = posed(seed)
    analyse(problem), degrees(problem), doubts(problem), str(problem)
    source_terms(problem, no_constraints(problem), 10)


@pytest.mark.parametrize("seed", range(12))
def test_formulas_are_understood_at_once(seed):
    began = time.process_time()
    understood(seed)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_long_formulas_are_those_of_their_values(kind, monkeypatch):
    """By difference quotients of values in 60 digits, which know no rule."""
    random = np.random.default_rng(5)
    axes = spd.coordinates("x y z w v a b")
    formula = sum(kind(random, axes) * kind(random, axes) for _ in range(2)) + axes[0] * kind(random, axes)
    monkeypatch.setattr("spindle.symbolic.expressions._LONG", 20)
    with mpmath.workdps(60):
        h, at = mpmath.mpf("1e-12"), [mpmath.mpf(k + 2) / 11 for k in range(len(axes))]
        value = sympy.lambdify(axes, formula, "mpmath")
        low, middle, high = (value(at[0] + s * h, *at[1:]) for s in (-1, 0, 1))
        for order, quotient in ((1, (high - low) / (2 * h)), (2, (high - 2 * middle + low) / h**2)):
            found = sympy.lambdify(axes, differentiated(formula, axes[0], order), "mpmath")(*at)
            assert abs(found - quotient) <= 1e-9 * abs(quotient)


@pytest.mark.slow
@pytest.mark.parametrize("method", [spd.SPINN(), spd.PINN()], ids=["spinn", "pinn"])
def test_two_hundred_problems_are_planned(method):
    slow = {}
    for seed in range(200):
        problem, began = posed(seed), time.process_time()
        try:
            method.plan(problem)
        except spd.SpindleError as error:
            assert "refuse" in str(error) or len(str(error)) > 40
        took = time.process_time() - began
        slow |= {seed: took} if took > SECONDS else {}
    assert not slow


def test_a_product_of_ten_polynomials_is_taken_as_it_is_written():
    x = spd.coordinates("x0 x1 x2 x3 x4 x5 x6 x7 x8 x9")
    u = spd.unknown("u", *x)
    exact = sympy.prod([4 * c * (1 - c) for c in x])
    operator = spd.laplacian(u)
    problem = spd.Problem(
        spd.Box({c: (0, 1) for c in x}), [Eq(operator, spd.manufactured(operator, {u: exact}))], [spd.Dirichlet(u, 0)]
    )
    found = analyse(problem)[0]
    assert (found.linear, found.separable, len(found.terms)) == (True, True, 20)
