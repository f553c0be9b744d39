"""Enclosures of formulas hold every value on a box, and close in on them as boxes become small."""

import numpy as np
import pytest
import sympy
from sympy import Abs, Max, Min, Rational, cos, cosh, exp, floor, log, sin, sqrt, tanh

import spindle as spd
from spindle.symbolic.enclosure import enclosure
from spindle.symbolic.functions import evaluate

x, y = spd.coordinates("x y")

FORMULAS = {
    "affine": 3 - 2 * x + y,
    "product": (x - 1) * (y + 2) * x,
    "powers": x**2 - y**3 + (x - y) ** 4,
    "negative powers": (x**2 + 1) ** -2 + 1 / (y + 10),
    "broken powers": (x + 10) ** Rational(3, 2) + sqrt(y + 7) - (x + 9) ** Rational(-1, 3),
    "power of a function": (x + 10) ** sin(y),
    "waves": sin(7 * x) * cos(x - 3 * y),
    "hyperbolic": cosh(x - y) - tanh(3 * x),
    "towers": exp(-(x**2)) + log(11 + x * y / 3),
    "kinks": Abs(x - y) + Max(x, y, 0) - Min(x, 1),
    "steps": floor(3 * x) + y,
    "constants": sympy.pi * x + sympy.E,
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("size", [4.0, 0.1])
def test_values_lie_in_the_enclosure(name, size):
    formula, random = FORMULAS[name], np.random.default_rng(1)
    low = random.uniform(-5, 1, (2, 50))
    high = low + random.uniform(0, size, (2, 50))
    lowest, highest = enclosure(formula, {x: (low[0], high[0]), y: (low[1], high[1])})
    inside = low + (high - low) * random.uniform(0, 1, (400, 2, 50))
    values = evaluate(formula, {x: inside[:, 0], y: inside[:, 1]})
    gap = 1e-12 * np.abs(values).max()
    assert (values >= lowest - gap).all() and (values <= highest + gap).all()


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"steps"}))
def test_enclosures_of_points_are_values(name):
    at = np.random.default_rng(2).uniform(-4, 4, (2, 30))
    lowest, highest = enclosure(FORMULAS[name], {x: (at[0], at[0]), y: (at[1], at[1])})
    values = evaluate(FORMULAS[name], {x: at[0], y: at[1]})
    np.testing.assert_allclose(lowest, values, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(highest, values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "formula", [spd.unknown("u", x), 1 / x, log(x), sqrt(x), sympy.Symbol("stray"), sympy.gamma(x)], ids=str
)
def test_what_is_not_known_is_not_bounded(formula):
    lowest, highest = enclosure(formula, {x: (np.array([-1.0]), np.array([1.0]))})
    assert lowest == -np.inf or highest == np.inf
