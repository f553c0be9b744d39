"""Gauss-Newton on least-squares problems with known answers, by all its algebras."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.training.optimizers.gauss_newton import GaussNewton

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(30, 8)), RNG.normal(size=30)


class Problem:
    """|r(theta)|^2 for any residual function."""

    pointwise, rounded = True, False

    def __init__(self, rows, count, assembled=True):
        self.rows, self.count, self.assembled = rows, count, assembled

    def assembles(self, theta):
        return self.assembled

    def loss(self, theta):
        return jnp.sum(self.rows(theta) ** 2)

    def jacobian(self, theta):
        return jax.jacfwd(self.rows)(theta)

    def normal(self, theta):
        return self.jacobian(theta).T @ self.jacobian(theta)

    def curvature(self, theta, direction):
        def slope(at):
            return jax.jvp(self.rows, (at,), (direction,))[1]

        return self.jacobian(theta).T @ jax.jvp(slope, (theta,), (direction,))[1]

    def stopped(self):
        return False

    def products(self, theta):
        _, forward = jax.linearize(self.rows, theta)
        backward = jax.linear_transpose(forward, theta)
        return forward, lambda w: backward(w)[0]


def run(problem, theta, optimizer):
    state = optimizer.start(theta)
    losses, step = [], jax.jit(lambda theta, state: optimizer.step(problem, theta, state))
    while len(losses) < optimizer.steps and not optimizer.finished(state):
        theta, state, loss = step(theta, state)
        losses.append(float(loss))
    return theta, losses


def linear(theta):
    return A @ theta - B


def curved(theta):
    """Rosenbrock's valley as two residuals, minimum zero at (1, 1)."""
    return jnp.array([10 * (theta[1] - theta[0] ** 2), 1 - theta[0]])


def test_a_linear_problem_takes_one_step_without_damping(float64):
    theta, _ = run(Problem(linear, 30), jnp.zeros(8), GaussNewton(steps=1, algebra="normal", damping=1e-15))
    np.testing.assert_allclose(theta, np.linalg.lstsq(A, B)[0], rtol=1e-12)


@pytest.mark.parametrize("algebra", ["normal", "dual", "cg"])
def test_the_valley_is_followed_to_its_end(algebra, float64):
    theta, losses = run(Problem(curved, 2), jnp.array([-1.2, 1.0]), GaussNewton(steps=200, algebra=algebra))
    np.testing.assert_allclose(theta, 1.0, atol=1e-10)
    assert all(later <= earlier for earlier, later in itertools.pairwise(losses))


def test_uniform_damping_moves_parameters_by_how_much_they_matter(float64):
    """By the gradient where damping is large; Marquardt's divides each by its curvature, so that all move alike."""
    sizes = jnp.array([1.0, 1e-2])

    def rows(theta):
        return sizes * theta - sizes

    for uniform, expected in ((False, 1.0), (True, 1e-4)):
        newton = GaussNewton(steps=1, algebra="normal", damping=1e3, uniform=uniform)
        (one, other), _ = run(Problem(rows, 2), jnp.zeros(2), newton)
        assert other / one == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("accelerated", [False, True])
def test_acceleration_raises_the_order_of_a_step_along_the_valley(accelerated, float64):
    """A step to the end of a short stretch of the valley misses it by its square; with the curvature by its cube."""
    misses = []
    for stretch in (0.1, 0.05):

        def rows(theta, stretch=stretch):
            return jnp.array([10 * (theta[1] - jnp.sin(theta[0])), theta[0] - 0.5 - stretch])

        newton = GaussNewton(steps=1, algebra="normal", damping=1e-15, accelerated=accelerated)
        theta, _ = run(Problem(rows, 2), jnp.array([0.5, np.sin(0.5)]), newton)
        misses.append(abs(theta[1] - np.sin(0.5 + stretch)))
    assert np.log2(misses[0] / misses[1]) == pytest.approx(3 if accelerated else 2, abs=0.2)


def test_primal_and_dual_take_the_same_steps(float64):
    wide = RNG.normal(size=(6, 9))

    def rows(theta):
        return jnp.sin(wide @ theta) + theta[:6] - 1

    paths = [
        run(Problem(rows, 6), jnp.linspace(0, 1, 9), GaussNewton(steps=5, algebra=a))[0] for a in ("normal", "dual")
    ]
    np.testing.assert_allclose(*paths, rtol=1e-9)


def test_a_matrix_from_columns_takes_the_same_steps(float64):
    paths = [
        run(Problem(curved, 2, assembled), jnp.array([-1.2, 1.0]), GaussNewton(steps=8, algebra="normal"))[0]
        for assembled in (True, False)
    ]
    np.testing.assert_allclose(*paths, rtol=1e-9)


def test_it_ends_where_nothing_is_left_to_gain(float64):
    _, losses = run(Problem(linear, 30), jnp.zeros(8), GaussNewton(steps=1000, algebra="normal"))
    assert len(losses) < 40
    assert losses[-1] == pytest.approx(np.sum((A @ np.linalg.lstsq(A, B)[0] - B) ** 2), rel=1e-12)
