"""L-BFGS of a constant rate: what diverges begins anew with half the rate, what does not is left alone."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from spindle.training.optimizers.lbfgs import LBFGS


def run(loss, start, *, rate, steps):
    """Parameters, state and all losses."""
    phase, problem = LBFGS(steps, 10, rate), SimpleNamespace(loss=loss)

    def one(carry, _):
        parameters, state, value = phase.step(problem, *carry)
        return (parameters, state), value

    start = jnp.asarray(start)
    (parameters, state), losses = jax.lax.scan(one, (start, phase.start(start)), length=steps)
    return np.asarray(parameters), state, np.asarray(losses)


def valley(v):
    """Rosenbrock's function in eight dimensions."""
    return jnp.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


def cliff(v):
    """Infinite beyond 2, with a minimum of zero at 1: a step that is too long never comes back."""
    return jnp.where(v[0] > 2, jnp.inf, (v[0] - 1) ** 4 + (v[0] - 1) ** 2)


def test_a_loss_that_is_not_finite_begins_anew_with_half_the_rate(float64):
    found, state, losses = run(cliff, [-3.0], rate=16.0, steps=400)
    assert state.share < 1
    assert np.isfinite(losses).all()
    assert found[0] == pytest.approx(1, abs=1e-6)


def test_a_loss_that_stays_large_begins_anew_after_600_iterations(float64):
    _, state, losses = run(lambda v: 1000 + valley(v), np.zeros(8), rate=1e-3, steps=650)
    assert state.share == 0.5
    assert losses[601] < losses[0]
    assert losses[602] == losses[0]
    assert state.age == 650 - 602


def test_a_loss_beyond_hope_begins_anew_at_once(float64):
    _, state, losses = run(lambda v: valley(v) + 2e9 * (v[0] > 0.4), np.full(8, 0.3), rate=64.0, steps=8)
    lost = np.flatnonzero(losses > 1e9)
    assert len(lost) > 0
    np.testing.assert_array_equal(losses[lost[:-1] + 1], losses[0])
    assert state.share == 0.5 ** len(lost)


def test_a_run_that_descends_is_that_of_optax(float64):
    found, state, _ = run(valley, np.full(8, 0.5), rate=0.02, steps=50)
    v = jnp.full(8, 0.5)
    transform = optax.lbfgs(0.02, memory_size=10, linesearch=None)
    own, update = transform.init(v), jax.jit(transform.update)
    for _ in range(50):
        updates, own = update(jax.grad(valley)(v), own, v)
        v = optax.apply_updates(v, updates)
    assert state.share == 1
    np.testing.assert_allclose(found, v, rtol=1e-9)
