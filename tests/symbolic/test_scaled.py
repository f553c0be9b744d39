"""Exponentials beyond the range of floats: closed forms of thin layers against many digits, in NumPy and in JAX."""

import jax
import jax.numpy as jnp
import jax.scipy.special
import mpmath
import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.symbolic.evaluated import plain
from spindle.symbolic.functions import NUMPY, Library, evaluate

x, y = spd.coordinates("x y")
LIBRARIES = {"NumPy": NUMPY, "JAX": Library(jnp, jax.scipy.special)}

# Closed forms as users write them; `m` is SymPy or mpmath. All but the last three lie between -1 and 1 on [0, 1].
LAYERS = {
    "right": lambda x, e, m: (m.exp((x - 1) / e) - m.exp(-1 / e)) / (1 - m.exp(-1 / e)),
    "left": lambda x, e, m: (m.exp((1 - x) / e) - 1) / (m.exp(1 / e) - 1),
    "quotient": lambda x, e, m: m.exp(x / e) / m.exp(1 / e),
    "sinh": lambda x, e, m: m.sinh(x / e) / m.sinh(1 / e),
    "cosh": lambda x, e, m: m.cosh((x - 0.5) / e) / m.cosh(0.5 / e),
    "two cosh": lambda x, e, m: m.cosh(x / e) / m.cosh((x + 0.001) / e),
    "sech": lambda x, e, m: m.sech((x + 0.001) / e) / m.sech(x / e),
    "front": lambda x, e, m: 1 / (1 + m.exp((0.25 - x) / e)),
    "slope": lambda x, e, m: m.exp((x - 0.25) / e) / (1 + m.exp((x - 0.25) / e)) ** 2,
    "tanh": lambda x, e, m: m.tanh((x - 0.25) / e),
    "power": lambda x, e, m: 10 ** ((x - 1) / e) * 7 / 8,
    "gauss": lambda x, e, m: m.exp(-((x - 0.25) ** 2) / e) * m.cos(x),
    "root": lambda x, e, m: m.sqrt(m.exp((x - 1) / e) * x),
    "erf": lambda x, e, m: m.erf(x / e) / m.erf(1 / e),
    "erfc": lambda x, e, m: m.exp(x / e) * m.erfc((x + 0.5) / m.sqrt(2 * e)),
    "log": lambda x, e, m: e * m.log(1 + m.exp((x - 0.25) / e)),
    "sum": lambda x, e, m: x - (m.exp((x - 1) / e) - m.exp(-1 / e)) / (1 - m.exp(-1 / e)),
    "at both ends": lambda x, e, m: m.exp(-x / e) + m.exp((x - 1) / e) + 1,
}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def places(eps):
    """Random points of [0, 1], most of them inside layers at 0, at 1/4 and at 1."""
    random = np.random.default_rng(0)
    near = [random.exponential(3 * eps, 8), 0.25 + random.normal(0, 3 * eps, 8), 1 - random.exponential(3 * eps, 8)]
    points = np.concatenate([random.uniform(size=8), *near, [0.0, 1.0]])
    return points[(points >= 0) & (points <= 1)]


def truth(layer, points, eps):
    with mpmath.workdps(60):
        return np.array([float(LAYERS[layer](mpmath.mpf(float(p)), mpmath.mpf(eps), mpmath)) for p in points])


@pytest.mark.parametrize("eps", [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("library", LIBRARIES)
def test_layers_of_any_thickness_have_values(library, eps):
    points = places(eps)
    written = {name: layer(x, sympy.Float(eps), sympy) for name, layer in LAYERS.items()}

    def values(at):
        return {name: evaluate(expression, {x: at}, LIBRARIES[library]) for name, expression in written.items()}

    found = values(points) if library == "NumPy" else jax.jit(values)(points)
    for name in LAYERS:
        # Exponents of some 1/eps that are differences of rounded numbers have an error of 1e-16/eps.
        expected = truth(name, points, eps)
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-14 + 4e-16 / eps, err_msg=name)


@pytest.mark.parametrize("eps", [1e-1, 1e-2, 1e-4])
def test_single_precision_holds_layers_too(eps):
    points = places(eps).astype(np.float32)
    for name, layer in LAYERS.items():
        found = evaluate(layer(x, sympy.Float(eps), sympy), {x: points})
        expected = truth(name, points, eps)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 + 2e-7 / eps, err_msg=name)


@pytest.mark.parametrize("eps", [1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("layer", ["right", "sinh", "gauss", "slope"])
def test_a_layer_is_as_exact_as_its_coordinate_is(layer, eps):
    """SymPy has multiplied (x - 1)/eps out; its rounding errors, 1e-16/eps, are not in the values."""
    points = places(eps)
    found = evaluate(LAYERS[layer](x, sympy.Float(eps), sympy), {x: points})
    np.testing.assert_allclose(found, truth(layer, points, eps), rtol=0, atol=1e-13)


def test_derivatives_by_a_parameter_are_those_of_the_exponents():
    """d/de of sinh(x/e)/sinh(1/e), which is exp((x - 1)/e) to all digits, e = 1e-3 known when values are asked for."""
    eps = spd.parameter("e", 1e-3, unknown=True)
    layer = sympy.sinh(x / eps) / sympy.sinh(1 / eps)
    at = 1 - 1e-3 * jnp.array([0.0, 0.5, 2.0])
    slope = jax.jacfwd(lambda e: evaluate(layer, {x: at, eps: e}, LIBRARIES["JAX"]))(1e-3)
    np.testing.assert_allclose(slope, jnp.exp((at - 1) / 1e-3) * (1 - at) / 1e-6, rtol=1e-9)


def test_a_hyperbolic_sine_has_its_slope_at_zero():
    eps = spd.parameter("e", 1e-3, unknown=True)
    layer = sympy.sinh((x - eps) / 1e-3) / sympy.cosh((x - eps) / 1e-3)
    slope = jax.grad(lambda e: evaluate(layer, {x: 1e-3, eps: e}, LIBRARIES["JAX"]))(1e-3)
    assert slope == pytest.approx(-1e3, rel=1e-12)


def test_what_is_zero_does_not_hide_what_is_not():
    assert evaluate(x * sympy.exp(1e6 * (1 - x)) + y, {x: 0.0, y: 2.0}) == 2.0
    assert evaluate(sympy.exp(-1e6 * x) * y + y, {x: 1.0, y: 2.0}) == 2.0


def test_what_floats_do_not_hold_is_infinite_or_zero():
    assert evaluate(sympy.exp(1e6 * x) * y, {x: 1.0, y: -2.0}) == -np.inf
    assert evaluate(1 / (1 + sympy.exp(1000 / x)), {x: np.array([0.0])}) == 0.0


def test_large_numbers_in_front_of_small_exponentials_are_no_error():
    front = 1 / (1 + sympy.exp((0.25 - x) / 1e-6))
    assert evaluate(plain(front, "The reference"), {x: np.array([0.0, 0.25, 1.0])}) == pytest.approx([0, 0.5, 1])
