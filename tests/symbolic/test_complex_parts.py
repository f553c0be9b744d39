"""Complex expressions by parts: their values are those of complex arithmetic."""

import numpy as np
import pytest
import sympy
from sympy import Abs, I, Piecewise, conjugate, cosh, exp, im, log, pi, re, sin, sqrt, tanh

import spindle as spd
from spindle.symbolic.complex_parts import complex_unknowns, parts_of, split
from spindle.symbolic.operators import NormalDerivative

t, x = spd.coordinates("t x")
psi = spd.unknown("psi", t, x, complex=True)
u = spd.unknown("u", t, x)
RE, IM = parts_of(psi)
FIELD = (t + 2 * x**2) * exp(I * (3 * x - t)) + I * x
PLACES = {t: 0.3, x: 0.7}


def value(expression):
    """With the fields of this file in place of the unknowns, by SymPy's complex arithmetic."""
    known = {psi: FIELD, RE: re(sympy.expand_complex(FIELD)), IM: im(sympy.expand_complex(FIELD)), u: sin(t * x)}
    return complex(expression.subs(known).doit().subs(PLACES).evalf())


@pytest.mark.parametrize(
    "expression",
    [
        I * psi.diff(t) + psi.diff(x, 2) / 2 + Abs(psi) ** 2 * psi,
        (psi + 1) ** 3 / (2 - I * psi),
        conjugate(psi) * psi.diff(x) - re(psi) * im(psi.diff(t, x)) * I,
        exp(I * pi * x * psi),
        Abs(psi.diff(x)) * u + I * u.diff(t),
        sqrt(u) ** 2 * psi + Piecewise((I * psi, x < 1), (psi, True)),
        cosh(psi) + sin(x + I * t) + psi**13,
        spd.div(spd.grad(psi) * exp(I * x)),
    ],
    ids=str,
)
def test_parts_have_the_values_of_complex_arithmetic(expression):
    real, imaginary = split(expression)
    assert not real.has(I) and not imaginary.has(I)
    np.testing.assert_allclose(value(real) + 1j * value(imaginary), value(expression), rtol=1e-12, atol=1e-14)


def test_a_real_expression_has_no_imaginary_part():
    assert split(u.diff(x) + x) == (u.diff(x) + x, 0)
    assert split(Abs(psi) ** 2) == (RE**2 + IM**2, 0)
    assert split((psi - conjugate(psi)) * I) == (-2 * IM, 0)
    assert split(NormalDerivative(psi) - I * psi) == (NormalDerivative(RE) + IM, NormalDerivative(IM) - RE)


def test_a_complex_unknown_is_known_by_its_parts():
    assert complex_unknowns([IM, u, RE]) == {psi: (RE, IM)}
    assert complex_unknowns([IM, u]) == {}


@pytest.mark.parametrize("expression", [log(psi) * spd.parameter("k", 2), sympy.floor(psi), sympy.besselj(0, psi)])
def test_what_has_no_parts_is_refused_or_right(expression):
    try:
        real, imaginary = split(expression)
    except spd.ProblemError as error:
        assert "is taken of a complex number" in str(error)
    else:
        assert not real.has(I, sympy.re, sympy.im)
        np.testing.assert_allclose(
            value(real.subs(spd.parameter("k", 2), 2)) + 1j * value(imaginary.subs(spd.parameter("k", 2), 2)),
            value(expression.subs(spd.parameter("k", 2), 2)),
        )


def test_growth_is_bounded():
    product = sympy.Mul(*(psi + k for k in range(1, 30)))
    with pytest.raises(spd.ProblemError, match="more than 20,000 parts"):
        split(product)
    assert tanh(u) == split(tanh(u))[0]
