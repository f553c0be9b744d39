"""Self-scaled Broyden steps: each update maps the change of the gradient to the step; a valley is left at its end."""

import jax
import jax.numpy as jnp
import numpy as np

from spindle.training.optimizers.ssbroyden import SSBroyden
from tests.training.test_gauss_newton import Problem, curved, linear, run


def test_the_valley_is_followed_to_its_end(float64):
    theta, losses = run(Problem(curved, 2), jnp.array([-1.2, 1.0]), SSBroyden(steps=100))
    np.testing.assert_allclose(theta, 1.0, atol=1e-9)
    assert max(np.diff(losses)) <= 0


def test_updates_meet_the_secant_condition_and_stay_positive(float64):
    random = np.random.default_rng(3)
    hessian = random.normal(size=(6, 6))
    hessian, theta, state = hessian @ hessian.T + np.eye(6), jnp.ones(6), SSBroyden().start(jnp.ones(6))
    problem = Problem(lambda theta: jnp.linalg.cholesky(hessian).T @ theta, 6)
    step = jax.jit(lambda theta, state: SSBroyden().step(problem, theta, state))
    for _ in range(6):
        before, (theta, state, _) = theta, step(theta, state)
        moved = theta - before
        np.testing.assert_allclose(state.inverse @ (2 * hessian @ moved), moved, atol=1e-9 * np.abs(moved).max())
        np.testing.assert_allclose(state.inverse, state.inverse.T, atol=1e-12)
        assert np.linalg.eigvalsh(state.inverse).min() > 0


def test_it_ends_where_nothing_is_left_to_gain(float64):
    theta, losses = run(Problem(linear, 30), jnp.zeros(8), SSBroyden(steps=500))
    assert len(losses) < 200
    np.testing.assert_allclose(jax.grad(Problem(linear, 30).loss)(theta), 0.0, atol=1e-6)
