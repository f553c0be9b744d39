"""What no method takes is refused by what exists instead."""

import pytest
import sympy
from sympy import Eq

import spindle as spd

t = spd.coordinates("t")
u = spd.unknown("u", t)


def test_a_delay():
    with pytest.raises(spd.ProblemError, match=r"`u\(t - 1\)` takes .*the method of steps"):
        spd.Problem(spd.Box({t: (0, 1)}), [Eq(u.diff(t), -u.subs(t, t - 1))], [spd.Initial(u, 1)])
    with pytest.raises(TypeError, match="delays are not solved"):
        u(t - 1)


@pytest.mark.parametrize("orders", [(t, 0.5), (t, sympy.Rational(3, 2)), ((t, 0.5),)], ids=str)
def test_a_fractional_derivative(orders):
    with pytest.raises(spd.ProblemError, match=r"`u\.diff.*fractional derivatives are not solved.*exponentials"):
        u.diff(*orders)
