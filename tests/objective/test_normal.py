"""The structured normal matrix equals J^T J of the residual vector, whatever the problem and the method."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from sympy import Eq, cos, exp, sin

import spindle as spd
from spindle.derivatives.separable import normal as separable_normal
from spindle.objective.least_squares import LeastSquares
from spindle.training.precision import precision

x, y, t = spd.coordinates("x y t")


def system():
    """Two unknowns, a mixed partial, products, exp, a flux condition, a periodic axis."""
    u, v = spd.unknown("u v", t, x)
    equations = [
        Eq(u.diff(t) - u.diff(x, 2) + u * v.diff(x), sin(x) * exp(-t)),
        Eq(v.diff(t) + exp(u) * v.diff(t, x) - u**2 * x, t),
    ]
    conditions = [
        spd.Dirichlet(u, cos(t), on=Eq(x, 0)), spd.Neumann(u, 1, on=Eq(x, 2)), spd.Initial(v, x), spd.Periodic(v, x),
    ]  # fmt: skip
    return spd.Problem(domain=spd.Box({t: (0, 1), x: (0, 2)}), equations=equations, conditions=conditions)


def inverse():
    """Two parameters to be estimated from measurements."""
    u = spd.unknown("u", t, x)
    a, c = spd.parameter("a", 0.7, unknown=True), spd.parameter("c", 0.2, unknown=True)
    rng = np.random.default_rng(0)
    data = spd.Observed(u, {t: rng.uniform(0, 1, 7), x: rng.uniform(0, 2, 7)}, rng.normal(size=7), noise=0.3)
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 2)}),
        equations=[Eq(u.diff(t), a * u.diff(x, 2) + c * x * u**3)],
        conditions=[data, spd.Initial(u, sin(x)), spd.Dirichlet(u, 0, on=Eq(x, 0))],
    )


def lshape():
    u = spd.unknown("u", x, y)
    domain = spd.Box({x: (0, 2), y: (0, 2)}) - spd.Box({x: (1, 2), y: (1, 2)})
    return spd.Problem(domain=domain, equations=[Eq(spd.laplacian(u) + sin(u), x)], conditions=[spd.Dirichlet(u, y)])


CASES = {
    "system, on the grid": (system, spd.SPINN(network="mlp", width=3, rank=2, points=3, sums="grid", newton_steps=1)),
    "system, without the grid": (system, spd.SPINN(width=4, rank=2, points=4, sums="gram")),
    "system, pointwise": (system, spd.PINN(width=3, hidden_layers=1, points=2)),
    "inverse, separable": (inverse, spd.SPINN(network="modified", width=3, rank=2, points=4, hard="off")),
    "inverse, pointwise": (inverse, spd.PINN(width=4, hidden_layers=1, points=3)),
    "three boxes, Fourier": (lshape, spd.SPINN(network="mlp", width=3, rank=2, points=4, fourier=(3, 1.0))),
    "three boxes, random": (lshape, spd.SPINN(width=4, rank=3, points=3, sampling="random", hard="off")),
}


SLOW = ("system, pointwise", "inverse, separable", "three boxes, Fourier")


@pytest.mark.parametrize(
    ("problem", "method"),
    [pytest.param(*case, marks=pytest.mark.slow if name in SLOW else ()) for name, case in CASES.items()],
    ids=CASES,
)
def test_normal_matrix_is_that_of_the_rows(problem, method):
    plan = method.plan(problem())
    with precision("float64"):
        model = plan.build(jax.random.PRNGKey(3))
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        points = jax.jit(plan.objective.draw)(jax.random.PRNGKey(4))
        weights = {name: jnp.asarray(1.0 + k) for k, name in enumerate(plan.objective.names)}
        squares = LeastSquares(plan.objective, static, points, weights)
        vector, unravel = ravel_pytree(arrays)
        rows = jax.jit(lambda v: squares.rows(unravel(v)))
        # Column by column: compiled once for one direction instead of for all at once.
        column = jax.jit(lambda v, e: jax.jvp(lambda w: squares.rows(unravel(w)), (v,), (e,))[1])
        j = np.stack([column(vector, e) for e in jnp.eye(vector.size)], axis=1)
        assert len(j) == squares.count
        np.testing.assert_allclose(jnp.sum(rows(vector) ** 2), jax.jit(squares.loss)(arrays), rtol=1e-12)
        expected = j.T @ j
        np.testing.assert_allclose(
            jax.jit(squares.normal)(arrays), expected, rtol=0, atol=1e-12 * np.abs(expected).max()
        )
        if squares.has_jacobian:
            np.testing.assert_allclose(jax.jit(squares.jacobian)(arrays), j, rtol=0, atol=1e-12 * np.abs(j).max())

        @jax.jit
        def products(arrays, v, w):
            forward, backward = squares.products(arrays)
            return forward(unravel(v)), ravel_pytree(backward(w))[0]

        v, w = np.random.default_rng(1).normal(size=j.shape[1]), np.random.default_rng(2).normal(size=len(j))
        along, back = products(arrays, jnp.asarray(v), jnp.asarray(w))
        np.testing.assert_allclose(along, j @ v, rtol=0, atol=1e-11 * np.abs(j @ v).max())
        np.testing.assert_allclose(back, w @ j, rtol=0, atol=1e-11 * np.abs(w @ j).max())


@pytest.mark.parametrize("sums", ["core", pytest.param("grid", marks=pytest.mark.slow)])
def test_curvature_is_that_of_the_rows(sums):
    """Against second differences of the rows, for an equation with a square."""
    u = spd.unknown("u", x, y)
    problem = spd.Problem(domain=spd.Box({x: (0, 1), y: (0, 1)}), equations=[Eq(u.diff(x) + u**2, y)], conditions=[])
    plan = spd.SPINN(width=3, rank=2, points=3, sums=sums).plan(problem)
    with precision("float64"):
        arrays, static = eqx.partition(plan.build(jax.random.PRNGKey(3)), eqx.is_inexact_array)
        weights = {name: jnp.asarray(1.0 + k) for k, name in enumerate(plan.objective.names)}
        squares = LeastSquares(plan.objective, static, plan.objective.draw(jax.random.PRNGKey(4)), weights)
        vector, unravel = ravel_pytree(arrays)
        along = np.random.default_rng(0).normal(size=vector.size) / vector.size
        rows, h = jax.jit(lambda v: squares.rows(unravel(v))), 1e-4
        second = (rows(vector + h * along) - 2 * rows(vector) + rows(vector - h * along)) / h**2
        _, backward = jax.vjp(rows, vector)
        expected = backward(second)[0]
        found = jax.jit(squares.curvature)(arrays, unravel(jnp.asarray(along)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["system, on the grid", "inverse, separable"])
def test_kernels_of_a_large_grid_are_made_in_parts(name, monkeypatch):
    problem, method = CASES[name]
    plan = method.plan(problem())
    with precision("float64"):
        arrays, static = eqx.partition(plan.build(jax.random.PRNGKey(3)), eqx.is_inexact_array)
        weights = {name: jnp.asarray(1.0) for name in plan.objective.names}
        squares = LeastSquares(plan.objective, static, plan.objective.draw(jax.random.PRNGKey(4)), weights)
        whole = squares.normal(arrays)
        monkeypatch.setattr(separable_normal, "_MOST_ENTRIES", 1)
        np.testing.assert_allclose(squares.normal(arrays), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(
    ("form", "sampling"),
    [
        ("core", "gauss"),
        ("gram", "random"),
        pytest.param("core", "random", marks=pytest.mark.slow),
        pytest.param("gram", "gauss", marks=pytest.mark.slow),
    ],
)
def test_sums_without_the_grid_are_those_over_it(form, sampling):
    """Loss, gradient and normal matrix, of a system with products of unknowns and a periodic axis."""
    answers = []
    for sums in ("grid", form):
        plan = spd.SPINN(width=4, rank=3, points=5, sums=sums, hard="off", sampling=sampling).plan(smooth_system())
        with precision("float64"):
            arrays, static = eqx.partition(plan.build(jax.random.PRNGKey(0)), eqx.is_inexact_array)
            points = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
            weights = {name: jnp.asarray(1.0 + k) for k, name in enumerate(plan.objective.names)}
            squares = LeastSquares(plan.objective, static, points, weights)
            loss, gradient = jax.jit(jax.value_and_grad(squares.loss))(arrays)
            answers.append((loss, ravel_pytree(gradient)[0], jax.jit(squares.normal)(arrays)))
    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * np.abs(one).max())


def smooth_system():
    """Polynomial in the unknowns, coefficients that separate."""
    u, v = spd.unknown("u", t, x), spd.unknown("v", t, x)
    equations = [
        Eq(u.diff(t) - spd.laplacian(u) * x + u * v.diff(x) + u**3, sin(x + t)),
        Eq(v.diff(t) + cos(x) * u.diff(x) * v - v**2 * exp(t - x), t),
    ]
    conditions = [spd.Initial(u, cos(x)), spd.Dirichlet(v, t, on=Eq(x, 0)), spd.Periodic(u, x)]
    return spd.Problem(domain=spd.Box({t: (0, 1), x: (0, 2)}), equations=equations, conditions=conditions)


@pytest.mark.slow
def test_core_resolves_what_gram_matrices_drown():
    """Near the solution the square is a difference of equal numbers; triangular factors keep its digits."""
    exact = sin(3 * x) * exp(-y)
    u = spd.unknown("u", x, y)
    problem = spd.Problem(
        domain=spd.Box({x: (0, 2), y: (0, 1)}),
        equations=[Eq(spd.laplacian(u), spd.manufactured(spd.laplacian(u), {u: exact}))],
        conditions=[spd.Dirichlet(u, exact)],
        reference={u: exact},
    )
    solution = spd.solve(problem, spd.SPINN(rank=2), progress=False)
    assert solution.error() < 1e-12
    losses = {}
    for sums in ("grid", "core", "gram"):
        objective = spd.SPINN(rank=2, sums=sums).plan(problem).objective
        with precision("float64"):
            points = objective.draw(jax.random.PRNGKey(0))
            losses[sums] = float(objective.mean_squares(solution.model, points)["equation"])
    assert losses["core"] < 1e-20
    assert losses["grid"] < 1e-20
    assert abs(losses["gram"]) > 1e-18
