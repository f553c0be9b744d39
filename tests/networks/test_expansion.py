"""Expansions: exact on what they span, differentiable, the same on grids and at points, and honest about their tail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.networks.expansion import AxisBasis, Expansion, is_grid

LEGENDRE, WAVES = AxisBasis(-1.0, 3.0, 9, False), AxisBasis(0.5, 2.5, 9, True)


def polynomial(x):
    return 1 - 2 * x + x**3 - 0.01 * x**8


def wave(y):
    return 1 + np.cos(np.pi * (y - 0.5)) - 2 * np.sin(4 * np.pi * (y - 0.5))


@pytest.fixture
def product(float64):
    """x^3-like times waves, as an expansion with its coefficients."""
    expansion = Expansion((LEGENDRE, WAVES))
    samples = polynomial(LEGENDRE.nodes())[:, None] * wave(WAVES.nodes())
    return expansion, expansion.coefficients(samples)


def test_what_it_spans_is_exact_on_grids_and_at_points(product):
    expansion, coefficients = product
    x, y = np.linspace(-1, 3, 7), np.linspace(0.5, 2.5, 11)
    expected = polynomial(x)[:, None] * wave(y)
    size = np.abs(expected).max()
    grid = expansion.values(coefficients, jnp.asarray(x)[:, None], jnp.asarray(y)[None, :])
    np.testing.assert_allclose(grid, expected, atol=1e-13 * size)
    points = expansion.values(coefficients, jnp.repeat(jnp.asarray(x), 11), jnp.tile(jnp.asarray(y), 7))
    np.testing.assert_allclose(points, expected.ravel(), atol=1e-13 * size)


def test_its_derivatives_are_those_of_the_function(product):
    expansion, coefficients = product

    def at(x, y):
        return expansion.values(coefficients, x[None], y[None])[0]

    x, y = jnp.asarray(0.7), jnp.asarray(1.1)
    slope = 3 * 0.7**2 - 2 - 0.08 * 0.7**7
    assert float(jax.jit(jax.jacfwd(at))(x, y)) == pytest.approx(slope * wave(1.1), rel=1e-11)
    second = jax.jit(jax.jacfwd(jax.jacfwd(at, 1), 1))(x, y)
    angle = np.pi * (1.1 - 0.5)
    bent = polynomial(0.7) * np.pi**2 * (-np.cos(angle) + 32 * np.sin(4 * angle))
    assert float(second) == pytest.approx(bent, rel=1e-11)


def test_the_tail_falls_as_fast_as_the_coefficients(float64):
    tails = []
    for count in (9, 17, 33):
        axis = AxisBasis(-1.0, 1.0, count, False)
        expansion = Expansion((axis,))
        tails.append(expansion.tail(expansion.coefficients(1 / (1.2 - axis.nodes()))))
    rate = 1.2 + np.sqrt(1.2**2 - 1)  # of the ellipse through the pole, Bernstein
    for fewer, more, steps in ((0, 1, 7), (1, 2, 14)):
        assert tails[more] / tails[fewer] == pytest.approx(rate**-steps, rel=0.6)


def test_without_axes_it_is_a_number(float64):
    expansion = Expansion(())
    assert float(expansion.values(expansion.coefficients(np.array(2.5)))) == 2.5
    assert expansion.tail(np.array(0.0)) == 0


def test_grids_are_told_from_points():
    assert is_grid((np.zeros((3, 1)), np.zeros((1, 4))))
    assert not is_grid((np.zeros((1, 4)), np.zeros((3, 1))))
    assert not is_grid((np.zeros(4), np.zeros(4)))
