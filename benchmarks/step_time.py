"""One Adam step of a separable PINN: spindle's jets against the naive formulation, on the same network and points.

The naive formulation takes every second derivative by a forward-over-forward product through the whole network, merge
included, one axis after the other, and evaluates the network anew for the equation and for each face; this is how
separable PINNs are usually written down. Both are compiled as loops of many steps, single precision, Helmholtz 3-D.

    python benchmarks/step_time.py [--points 16 32 64 128] [--rank 32] [--network modified]
"""

import argparse
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

import spindle as sp
from spindle.gallery.helmholtz import helmholtz3d
from spindle.training.precision import precision


def naive_loss(field, pools, n: int):
    """Mean-square residual of Helmholtz 3-D plus the sum of the six faces' mean squares."""

    def u(x, y, z):
        features = [field.features(k, p) for k, p in enumerate((x, y, z))]
        return jnp.einsum("xr,yr,zr->xyz", *features)

    def second(axis, points):
        def along(p):
            return u(*points[:axis], p, *points[axis + 1 :])

        ones = jnp.ones_like(points[axis])
        return jax.jvp(lambda p: jax.jvp(along, (p,), (ones,))[1], (points[axis],), (ones,))[1]

    inside = tuple(pool[:n] for pool in pools)
    x, y, z = (p[:, 0] for p in inside)
    wave = jnp.einsum("x,y,z->xyz", jnp.sin(4 * jnp.pi * x), jnp.sin(4 * jnp.pi * y), jnp.sin(3 * jnp.pi * z))
    residual = sum(second(k, inside) for k in range(3)) + u(*inside) - (1 - 41 * jnp.pi**2) * wave
    loss = jnp.mean(residual**2)
    for axis in range(3):
        for end in (-1.0, 1.0):
            face = [*inside[:axis], jnp.full((1, 1), end), *inside[axis + 1 :]]
            loss += jnp.mean(u(*face) ** 2)
    return loss


def steps_of(loss, adam, count):
    """`count` Adam steps in one dispatch."""

    def one(_, state):
        arrays, moments = state
        gradient = jax.grad(loss)(arrays)
        updates, moments = adam.update(gradient, moments, arrays)
        return optax.apply_updates(arrays, updates), moments

    return jax.jit(lambda state: jax.lax.fori_loop(0, count, one, state))


def seconds_a_step(run, state, count, repeats) -> float:
    """Median over `repeats` of the time of one step, after compilation."""
    jax.block_until_ready(run(state))
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(run(state))
        taken.append((time.perf_counter() - began) / count)
    return statistics.median(taken)


def compare(points: int, rank: int, network: str, repeats: int = 7) -> tuple[float, float, float]:
    """Seconds a step of both formulations, and the relative difference of their losses."""
    method = sp.SPINN(recipe="paper", network=network, points=points, rank=rank)
    plan = method.plan(helmholtz3d())
    with precision(plan.dtype):
        model = plan.build(jax.random.PRNGKey(0))
        drawn = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
        weights = {name: jnp.asarray(w) for name, w in plan.weights.items()}
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        adam = optax.adam(1e-3)
        count = max(2, min(200, 4_000_000 // points**3))

        def structured(a):
            return plan.objective.loss(eqx.combine(a, static), drawn, weights)

        def naive(a):
            return naive_loss(eqx.combine(a, static).field, drawn[0], points)

        state = (arrays, adam.init(arrays))
        times = [seconds_a_step(steps_of(f, adam, count), state, count, repeats) for f in (structured, naive)]
        a, b = float(structured(arrays)), float(naive(arrays))
    return times[0], times[1], abs(a - b) / abs(b)


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--network", choices=["mlp", "modified"], default="modified")
    arguments = parser.parse_args()
    print(f"{'points':>8} {'jets, ms':>10} {'naive, ms':>10} {'ratio':>7} {'losses differ by':>18}")
    for points in arguments.points:
        ours, naive, gap = compare(points, arguments.rank, arguments.network)
        print(f"{points:>6}^3 {1e3 * ours:>10.3f} {1e3 * naive:>10.3f} {ours / naive:>7.2f} {gap:>18.1e}")


if __name__ == "__main__":
    main()
