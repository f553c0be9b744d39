"""L-BFGS of a constant rate: a plain twin in NumPy takes the same steps, and what is lost begins anew."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spindle.training.optimizers.lbfgs import LBFGS


def run(loss, start, *, rate, steps, memory=10, fresh=None):
    """Parameters before each step, state and all losses."""
    phase, problem = LBFGS(steps, memory, rate, fresh), SimpleNamespace(loss=loss)

    def one(carry, _):
        parameters, state, value = phase.step(problem, *carry)
        return (parameters, state), (carry[0], value)

    start = jnp.asarray(start)
    (_, state), (path, losses) = jax.lax.scan(one, (start, phase.start(start)), length=steps)
    return np.asarray(path), state, np.asarray(losses)


def valley(v):
    """Rosenbrock's function in eight dimensions."""
    return jnp.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


def cliff(v):
    """Infinite beyond 2, with a minimum of zero at 1: a step that is too long never comes back."""
    return jnp.where(v[0] > 2, jnp.inf, (v[0] - 1) ** 4 + (v[0] - 1) ** 2)


def by_matrices(loss, v, *, rate, steps, memory):
    """The same path, H built as a matrix by the product form of the BFGS update from the pairs that are kept."""
    gradient, pairs, path, before = jax.jit(jax.grad(loss)), [], [], None
    for k in range(steps):
        path.append(v)
        g = np.asarray(gradient(v))
        if before is not None:
            s, y = v - before[0], g - before[1]
            pairs = [*pairs, (s, y)][-memory:] if s @ y > 1e-10 else pairs
        h, one = np.eye(len(v)), np.eye(len(v))
        if pairs:
            h *= pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1])
        for s, y in pairs:
            rho = 1 / (s @ y)
            h = (one - rho * np.outer(s, y)) @ h @ (one - rho * np.outer(y, s)) + rho * np.outer(s, s)
        before, v = (v, g), v - (rate if k else rate * min(1.0, 1 / np.abs(g).sum())) * h @ g
    return np.array(path)


@pytest.mark.parametrize("memory", [3, 40])
def test_steps_are_those_of_the_matrices(memory, float64):
    start = np.linspace(-0.5, 0.5, 8)
    path, state, _ = run(valley, start, rate=0.3, steps=25, memory=memory)
    wanted = by_matrices(valley, start, rate=0.3, steps=25, memory=memory)
    assert state.share == 1
    assert 0 < state.kept <= 24
    np.testing.assert_allclose(path, wanted, rtol=1e-7, atol=1e-9)


def test_pairs_that_curve_downwards_are_left_out(float64):
    """A saddle: along the second axis every change of the gradient points against the step."""
    _, state, _ = run(lambda v: -jnp.sum(v**2) + 0.01 * jnp.sum(v**4), [0.1, 0.2], rate=0.1, steps=5)
    assert state.kept == 0
    assert state.age == 5


def test_a_loss_that_is_not_finite_begins_anew_with_half_the_rate(float64):
    path, state, losses = run(cliff, [-3.0], rate=16.0, steps=400)
    assert state.share < 1
    assert np.isfinite(losses).all()
    assert path[-1, 0] == pytest.approx(1, abs=1e-4)


def test_a_loss_that_stays_large_begins_anew_after_thirty_blocks_of_twenty(float64):
    _, state, losses = run(lambda v: 1000 + valley(v), np.zeros(8), rate=1e-3, steps=650)
    assert state.share == 0.5
    np.testing.assert_array_less(losses[1:621], losses[0])
    assert losses[621] == losses[0], "the 621st iteration would be the first of the 32nd block"
    assert state.age == 650 - 621


def test_a_loss_beyond_hope_begins_anew_at_once(float64):
    _, state, losses = run(lambda v: valley(v) + 2e9 * (v[0] > 0.4), np.full(8, 0.3), rate=64.0, steps=8)
    lost = np.flatnonzero(losses > 1e9)
    assert len(lost) > 0
    np.testing.assert_array_equal(losses[lost[:-1] + 1], losses[0])
    assert state.share == 0.5 ** len(lost)


def test_it_begins_anew_with_another_network_each_time(float64):
    def loss(v):
        return 2e9 + jnp.sum(v**2)

    def fresh(key):
        return jax.random.uniform(key, (3,))

    first, _, _ = run(loss, [1.0, 2.0, 3.0], rate=1.0, steps=4, fresh=fresh)
    other, _, _ = run(loss, [1.0, 2.0, 4.0], rate=1.0, steps=4, fresh=fresh)
    assert len(np.unique(np.concatenate([first[1:], other[1:]]), axis=0)) == 6
    assert ((first[1:] >= 0) & (first[1:] <= 1)).all()


def test_it_ends_where_it_would_stay(float64):
    """A quadratic is solved; from there on no iteration of the published code moves."""
    phase = LBFGS(10_000, 10, 1.0)
    _, state, losses = run(lambda v: jnp.sum(jnp.array([1.0, 4.0]) * v**2), [1.0, 1.0], rate=1.0, steps=60)
    assert phase.finished(state)
    assert losses[-1] < 1e-9
    assert not phase.finished(phase.start(jnp.ones(2)))


def test_blocks_that_change_little_end_early(float64):
    """The loss falls by less than 1e-9 a step, so that each iteration is a block, and thirty of them are the run."""
    phase = LBFGS(600, 10, 1e-11)
    _, state, _ = run(lambda v: jnp.sum(v**2), [1.0, 1.0], rate=1e-11, steps=31)
    assert state.block == 30
    assert phase.finished(state)
