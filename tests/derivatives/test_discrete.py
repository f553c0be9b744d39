"""Derivatives at nodes: exact on polynomials, and the structured normal matrix is J^T J of the residuals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from sympy import Eq, cos, exp, sin

import spindle as spd
from spindle.derivatives.rbf_fd.time_differences import Differences
from spindle.errors import MethodError
from spindle.networks.model import Model
from spindle.objective.least_squares import LeastSquares
from spindle.training.precision import precision
from tests.contract.exact_fields import ExactField

x, y, z, t = spd.coordinates("x y z t")
RING = spd.Disk({x: 0, y: 0}, 1, name="outer") - spd.Disk({x: 0.2, y: 0}, 0.4, name="inner")


def with_source(operator, exact, domain, *conditions, **others):
    u = next(iter(exact))
    return spd.Problem(
        domain=domain,
        equations=[Eq(operator, spd.manufactured(operator, exact))],
        conditions=list(conditions),
        reference=exact,
        **others,
    ), u


def polynomial_problems():
    """Solutions of degree three, or four where fourth derivatives occur: what order two and three must get exactly."""
    u, w, v = spd.unknown("u", x, y), spd.unknown("u", x, y, t), spd.unknown("u", x, y, z)
    cubic = 1 + x - 2 * y + x * y + x**2 * y - y**3
    normal = spd.normal(x, y)
    flux = spd.dot(spd.grad(cubic, over=(x, y)), normal)
    yield "general", with_source(
        (1 + x) * u.diff(x, 2) + u.diff(x, y) - y * u.diff(y) + u**2, {u: cubic}, RING,
        spd.Dirichlet(u, cubic, on="inner"), spd.Neumann(u, flux, on="outer"),
    )[0], {}  # fmt: skip
    yield (
        "divergence of a flux",
        with_source(
            spd.div((2 + x * y) * spd.grad(u)), {u: cubic}, RING, spd.Robin(u, 1 + y, 2, (1 + y) * cubic + 2 * flux)
        )[0],
        {},
    )
    yield "fourth order", with_source(
        spd.laplacian(spd.laplacian(u)), {u: cubic + x**4}, RING, spd.Dirichlet(u, cubic + x**4),
    )[0], {"order": 1}  # fmt: skip
    moving = cubic * (1 + t**2)
    yield "in time", with_source(
        w.diff(t, 2) - spd.laplacian(w) + w.diff(x, t), {w: moving}, RING * spd.Interval(t, 0, 1),
        spd.Neumann(w, flux * (1 + t**2)), spd.Initial(w, cubic), spd.Initial(w.diff(t), 0),
    )[0], {"times": 4}  # fmt: skip
    spatial = 1 + x * y - z**3 + x * y * z
    yield "in space", with_source(
        spd.laplacian(v) + v.diff(x, z), {v: spatial}, spd.Ball({x: 0, y: 0, z: 0}, 1),
        spd.Robin(v, 1, 1, spatial + spd.dot(spd.grad(spatial, over=(x, y, z)), spd.normal(x, y, z))),
    )[0], {"nodes": 400}  # fmt: skip


POLYNOMIALS = {name: (problem, options) for name, problem, options in polynomial_problems()}
POLYNOMIALS["in time, by differences"] = POLYNOMIALS["in time"][0], {"times": 6, "in_time": "differences"}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_annihilate_all_residuals(name):
    """Weights of order p for operators of order q take polynomials of degree p + q - 1; Neumann rows of degree p."""
    problem, options = POLYNOMIALS[name]
    plan = spd.DTPINN(**{"nodes": 250, "order": 3, "frequency": 1.0, **options}).plan(problem)
    with precision("float64"):
        points, model = plan.objective.draw(None), Model(ExactField(problem), {})
        found = jax.jit(lambda points: plan.objective.evaluate(model, points))(points)
    assert set(found) == {e.name for e in problem.equations} | {c.name for c in problem.conditions}
    for residual, pieces in found.items():
        for piece in pieces:
            # Rounding grows with h^-q, here at most 5e4 for fourth order.
            assert np.max(np.abs(piece)) < 1e-7, residual


def system():
    """Two unknowns, mixed partials, products, exp, a normal derivative."""
    u, v = spd.unknown("u v", x, y)
    equations = [
        Eq(spd.laplacian(u) + u * v.diff(x), sin(x)),
        Eq(exp(u) * v.diff(x, y) - u**2 + 3 * v.diff(y, 2), y),
    ]
    conditions = [spd.Dirichlet(u, cos(y)), spd.Neumann(v, u, on=x > 0), spd.Dirichlet(v, 0, on=x < 0)]
    return spd.Problem(domain=RING, equations=equations, conditions=conditions)


def heat():
    """Time, a parameter to be estimated, measurements between the nodes."""
    u = spd.unknown("u", t, x, y)
    a = spd.parameter("a", 0.7, unknown=True)
    random = np.random.default_rng(0)
    points = {t: random.uniform(size=7), x: random.uniform(0.3, 0.7, 7), y: random.uniform(0.3, 0.7, 7)}
    return spd.Problem(
        domain=spd.Box({t: (0, 1), x: (0, 1), y: (0, 1)}),
        equations=[Eq(u.diff(t), a * spd.laplacian(u) + a * u**2)],
        conditions=[
            spd.Observed(u, points, random.normal(size=7), noise=0.3),
            spd.Initial(u, sin(x)),
            spd.Dirichlet(u, t, on=Eq(x, 0)),
        ],
    )


@pytest.mark.parametrize(
    ("problem", "more"),
    [(system, {}), (heat, {"times": 3}), (heat, {"times": 5, "in_time": "differences"})],
    ids=["system", "heat", "heat, discrete in time"],
)
def test_normal_matrix_and_jacobian_are_those_of_the_rows(problem, more):
    plan = spd.DTPINN(nodes=90, order=2, width=4, hidden_layers=1, frequency=1.0, **more).plan(problem())
    with precision("float64"):
        model = plan.build(jax.random.PRNGKey(3))
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        weights = {name: jnp.asarray(1.0 + k) for k, name in enumerate(plan.objective.names)}
        squares = LeastSquares(plan.objective, static, plan.objective.draw(None), weights)
        vector, unravel = ravel_pytree(arrays)
        column = jax.jit(lambda v, e: jax.jvp(lambda w: squares.rows(unravel(w)), (v,), (e,))[1])
        j = np.stack([column(vector, e) for e in jnp.eye(vector.size)], axis=1)
        assert len(j) == squares.count
        np.testing.assert_allclose(jax.jit(squares.jacobian)(arrays), j, rtol=0, atol=1e-11 * np.abs(j).max())
        expected = j.T @ j
        np.testing.assert_allclose(
            jax.jit(squares.normal)(arrays), expected, rtol=0, atol=1e-12 * np.abs(expected).max()
        )


@pytest.mark.parametrize("order", [2, 4])
def test_differences_between_instants_converge_at_their_order(order):
    """First and second derivatives of sin(3 t), at the ends too, where the stencils are one-sided."""
    gaps = []
    for count in (80, 160):
        times = np.linspace(0, 1, count + 1)
        _, first, second = Differences.of(times, 3, order).matrices() @ np.sin(3 * times)
        gaps.append([np.abs(first - 3 * np.cos(3 * times)).max(), np.abs(second + 9 * np.sin(3 * times)).max()])
    slopes = np.log2(np.divide(*gaps))
    # A first derivative uses the nodes of the second, so that it is one order better.
    np.testing.assert_allclose(slopes, [order + 1, order], atol=0.35)


def test_differences_need_instants():
    with pytest.raises(MethodError, match=r"has too few instants for differences of that order, which take 4; raise"):
        spd.DTPINN(nodes=90, order=3, times=3, in_time="differences").plan(heat())


@pytest.mark.slow
def test_exact_derivatives_at_the_same_nodes_agree_to_the_order():
    """The residuals of a smooth field differ by the discretisation only, which shrinks at its order."""
    u = spd.unknown("u", x, y)
    problem = spd.Problem(
        domain=RING,
        equations=[Eq(spd.laplacian(u) + x * u.diff(x, y), u**2)],
        conditions=[spd.Robin(u, 1, 1, x)],
        reference={u: sin(2 * x) * cos(y)},
    )
    gaps = []
    for nodes in (300, 1200):
        found = []
        for derivatives in ("rbf-fd", "exact"):
            plan = spd.DTPINN(nodes=nodes, order=3, derivatives=derivatives).plan(problem)
            with precision("float64"):
                pieces = plan.objective.evaluate(Model(ExactField(problem), {}), plan.objective.draw(None))
            found.append(np.asarray(pieces["equation"][0]))
        gaps.append(np.sqrt(np.mean((found[0] - found[1]) ** 2)))
    assert np.log2(gaps[0] / gaps[1]) > 2.7
