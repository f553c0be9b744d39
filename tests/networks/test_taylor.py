"""Taylor arithmetic and activations against nested differentiation by JAX."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import spindle as spd
from spindle.networks import taylor
from spindle.networks.activations import ACTIVATIONS, activation, cos, exp
from spindle.networks.taylor import Jet, closure, concatenate

HIGHEST = 4
MATRIX = np.random.default_rng(0).normal(size=(2, 2))
POINTS = np.random.default_rng(2).normal(size=(5, 2))
INDICES = closure([i for i in itertools.product(range(HIGHEST + 1), repeat=2) if sum(i) <= HIGHEST], 2)

CLOSED_FORMS = {
    "tanh": sympy.tanh,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "exp": sympy.exp,
    "sigmoid": lambda z: 1 / (1 + sympy.exp(-z)),
    "swish": lambda z: z / (1 + sympy.exp(-z)),
    "gaussian": lambda z: sympy.exp(-(z**2) / 2),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_activations_have_all_partials(name, float64, tolerance):
    """Every partial up to order four of act(x^2 - x y / 2 + 0.3), which is curved in both variables, against SymPy."""
    act = (ACTIVATIONS | {"cos": cos, "exp": exp})[name]
    h = Jet.variables(jnp.asarray(POINTS), INDICES)
    jet = act(h[:, :1] * (h[:, :1] - 0.5 * h[:, 1:]) + 0.3)
    x, y = sympy.symbols("x y")
    closed = CLOSED_FORMS[name](x**2 - x * y / 2 + sympy.Rational(3, 10))
    truth = sympy.lambdify((x, y), [sympy.diff(closed, x, i, y, j) for i, j in INDICES], "numpy", cse=True)(*POINTS.T)
    for index, expected in zip(INDICES, truth, strict=True):
        size = max(1.0, float(np.abs(expected).max()))
        found = jet.derivative(index)[:, 0]
        np.testing.assert_allclose(found, expected, atol=100 * tolerance * size, err_msg=str(index))


FUNCTIONS = {
    "two layers": lambda h: ACTIVATIONS["tanh"](ACTIVATIONS["tanh"](h @ jnp.asarray(MATRIX)) @ jnp.asarray(MATRIX.T)),
    "sums": lambda h: (3.0 - h) * (h - 2.0) + 1.5 * h * 0.5 + (-h) - jnp.ones(2) + (jnp.ones(2) * 2 - h * h) * h * h,
    "columns": lambda h: concatenate([h[:, :1] * h[:, 1:], cos(h[:, 1:] * h)]),
}
PLAIN = FUNCTIONS | {
    "two layers": lambda h: jnp.tanh(jnp.tanh(h @ jnp.asarray(MATRIX)) @ jnp.asarray(MATRIX.T)),
    "columns": lambda h: jnp.concatenate([h[:, :1] * h[:, 1:], jnp.cos(h[:, 1:] * h)], axis=1),
}


def nested(function, points):
    """All derivatives up to the highest order by nested forward differentiation, one point at a time."""
    tower = [lambda p: function(p[None])[0]]
    for _ in range(HIGHEST):
        tower.append(jax.jacfwd(tower[-1]))
    return [jax.vmap(f)(points) for f in tower]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jets_equal_nested_differentiation(name, float64, tolerance):
    """Every partial up to order four of two variables, mixed ones included."""
    points = jnp.asarray(POINTS)
    jet = FUNCTIONS[name](Jet.variables(points, INDICES))
    truth = jax.jit(lambda p: nested(PLAIN[name], p))(points)
    for index in INDICES:
        axes = [k for k, n in enumerate(index) for _ in range(n)]
        expected = truth[sum(index)][(slice(None), slice(None), *axes)]
        size = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(jet.derivative(index), expected, atol=100 * tolerance * size, err_msg=str(index))


def test_activations_of_arrays_are_the_value_of_the_jet():
    z = jnp.linspace(-2, 2, 5)[:, None]
    for name, act in ACTIVATIONS.items():
        closed = sympy.lambdify(sympy.Symbol("z"), CLOSED_FORMS[name](sympy.Symbol("z")), "numpy")
        np.testing.assert_allclose(act(z), closed(np.asarray(z)), rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(
            act(Jet.variables(z, ((0,), (1,)))).derivative((0,)), act(z), rtol=1e-6, err_msg=name
        )


def test_functions_of_arrays_equal_the_value_of_those_of_jets(float64):
    """Whatever works on both gives for an array what it gives for the value of a jet."""
    z = jnp.asarray(POINTS)
    jet = Jet.variables(z, INDICES)
    series = lambda value, highest: [jnp.sin(value), jnp.cos(value), *[0 * value] * highest][: highest + 1]  # noqa: E731
    for function in (
        lambda x: taylor.composed(x, series),
        lambda x: taylor.linear(x, lambda lane: lane @ jnp.asarray(MATRIX)),
        lambda x: concatenate([x, x]),
    ):
        np.testing.assert_array_equal(taylor.value_of(function(jet)), function(z))
        np.testing.assert_array_equal(taylor.value_of(function(z)), function(z))


def test_jets_carry_only_what_is_asked():
    """A Laplacian in three dimensions takes seven lanes; the partials are the same with fewer lanes beside them."""
    wanted = [(2, 0, 0), (0, 2, 0), (0, 0, 2)]
    assert len(closure(wanted, 3)) == 7
    points = jnp.asarray(np.random.default_rng(3).normal(size=(4, 3)), jnp.float32)

    def derivatives(orders):
        h = Jet.variables(points, closure(orders, 3))
        return cos(h[:, :2] @ jnp.asarray(MATRIX, jnp.float32)) * h[:, 2:]

    few, many = derivatives(wanted), derivatives([*wanted, (2, 1, 1), (1, 2, 0)])
    for index in wanted:
        np.testing.assert_allclose(few.derivative(index), many.derivative(index), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("orders", "dimensions", "expected"),
    [
        ([], 2, {(0, 0)}),
        ([(0, 0, 0)], 3, {(0, 0, 0)}),
        ([(3,)], 1, {(0,), (1,), (2,), (3,)}),
        ([(1, 1)], 2, {(0, 0), (1, 0), (0, 1), (1, 1)}),
        ([(2, 1)], 2, {(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (2, 1)}),
    ],
)
def test_closure_contains_everything_below(orders, dimensions, expected):
    found = closure(orders, dimensions)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert found[0] == (0,) * dimensions
    assert [sum(i) for i in found] == sorted(sum(i) for i in found)


def test_polynomials_have_exact_derivatives():
    """x^3 y^2: the coefficient is the derivative divided by the factorials."""
    indices = closure([(3, 2)], 2)
    jet = Jet.variables(jnp.array([[2.0, 3.0]]), indices)
    x, y = jet[:, :1], jet[:, 1:]
    product = x * x * x * y * y
    for i, j in indices:
        exact = math.perm(3, i) * 2.0 ** (3 - i) * math.perm(2, j) * 3.0 ** (2 - j)
        assert product.derivative((i, j)).item() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("large", [0, 10**9])
def test_both_ways_to_multiply_by_a_matrix_agree(large, monkeypatch):
    monkeypatch.setattr(taylor, "_LARGE", large)
    points = jnp.asarray(np.random.default_rng(4).normal(size=(6, 2)), jnp.float32)
    jet = Jet.variables(points, closure([(2, 0), (0, 1)], 2)) @ jnp.asarray(MATRIX, jnp.float32)
    np.testing.assert_allclose(jet.derivative((0, 0)), points @ MATRIX, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jet.derivative((0, 1)), np.broadcast_to(MATRIX[1], (6, 2)), rtol=1e-6)
    np.testing.assert_array_equal(jet.derivative((2, 0)), 0)


def test_misspelt_activations_are_explained():
    with pytest.raises(spd.MethodError, match=r"`activation='tan'` is not known. Did you mean `tanh`\?"):
        activation("tan")
