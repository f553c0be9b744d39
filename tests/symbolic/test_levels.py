"""Levels: what decides by its sign which formula holds."""

import pytest
from sympy import Heaviside, Piecewise, Rational, sign, simplify

import spindle as spd
from spindle.symbolic.levels import beside_level, levels_in

x, y, t = spd.coordinates("x y t")
u = spd.unknown("u", x, y)
CIRCLE = x**2 + y**2 - Rational(1, 4)
WRITTEN = {
    "below": Piecewise((3, x**2 + y**2 < Rational(1, 4)), (7, True)),
    "above": Piecewise((7, x**2 + y**2 > Rational(1, 4)), (3, True)),
    "the other way round": Piecewise((3, Rational(1, 4) - x**2 > y**2), (7, True)),
    "Heaviside": 3 + 4 * Heaviside(CIRCLE),
    "sign": 5 - 2 * sign(-CIRCLE),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_step_is_a_number_on_either_side_however_it_is_written(name):
    whole = WRITTEN[name] * (1 + u)
    assert levels_in(whole, (x, y)) == [CIRCLE]
    assert [simplify(beside_level(whole, CIRCLE, s) / (1 + u)) for s in (-1, 1)] == [3, 7]


def test_levels_of_time_and_of_fields_are_none_of_space():
    assert levels_in(Piecewise((1, x < t), (2, True)), (x, y)) == []
    assert levels_in(Piecewise((1, u < 0), (2, x > 0), (3, True)), (x, y)) == [x]


def test_other_levels_stay_open():
    quarter = Piecewise((1, (x < 0) & (y < 0)), (2, True))
    assert levels_in(quarter, (x, y)) == [x, y]
    assert beside_level(quarter, x, 1) == 2
    assert beside_level(quarter, x, -1).subs(y, -1) == 1
