"""One Adam step of a separable PINN: on the grid, without it, and in the naive formulation, on one network and points.

The naive formulation takes every second derivative by a forward-over-forward product through the whole network, merge
included, one axis after the other, and evaluates the network anew for the equation and for each face; this is how
separable PINNs are usually written down. Without the grid, the loss is summed from Gram matrices of the axes. All are
compiled as loops of many steps, single precision, Helmholtz 3-D. The second table shows how the step without the grid
grows with points and with dimensions (Poisson's equation, d axes).

    python benchmarks/step_time.py [--points 16 32 64 128] [--rank 32] [--network modified]
"""

import argparse
import statistics
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

import spindle as spd
from spindle.gallery.helmholtz import helmholtz3d
from spindle.gallery.many_axes import poisson_nd
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


def prepared(problem, **settings):
    """The loss as a function of the arrays, the arrays, and the points of the paper's recipe with these settings."""
    plan = spd.SPINN(recipe="paper", **settings).plan(problem)
    model = plan.build(jax.random.PRNGKey(0))
    drawn = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
    weights = {name: jnp.asarray(w) for name, w in plan.weights.items()}
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    return lambda a: plan.objective.loss(eqx.combine(a, static), drawn, weights), arrays, static, drawn[0]


def compare(points: int, rank: int, network: str, repeats: int = 7) -> tuple[list[float], list[float]]:
    """Seconds a step on the grid, without it and naively, and the three losses."""
    settings = {"network": network, "points": points, "rank": rank}
    with precision("float32"):
        on_grid, arrays, static, pools = prepared(helmholtz3d(), **settings, sums="grid")
        without = prepared(helmholtz3d(), **settings, sums="gram")[0]

        def naive(a):
            return naive_loss(eqx.combine(a, static).field, pools, points)

        adam, count = optax.adam(1e-3), max(2, min(200, 4_000_000 // points**3))
        state, losses = (arrays, adam.init(arrays)), [on_grid, without, naive]
        times = [seconds_a_step(steps_of(f, adam, count), state, count, repeats) for f in losses]
        return times, [float(f(arrays)) for f in losses]


def without_grid(axes: int, points: int, rank: int, network: str, repeats: int = 7) -> tuple[float, int]:
    """Seconds and bytes of working memory of one step without the grid."""
    with precision("float32"):
        settings = {"network": network, "points": points, "rank": rank, "sums": "gram"}
        problem = helmholtz3d() if axes == 3 else poisson_nd(d=axes)
        loss, arrays, _, _ = prepared(problem, **settings)
        adam, count = optax.adam(1e-3), 20
        state = (arrays, adam.init(arrays))
        run = steps_of(loss, adam, count)
        memory = run.lower(state).compile().memory_analysis()
        return seconds_a_step(run, state, count, repeats), memory.temp_size_in_bytes


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--network", choices=["mlp", "modified"], default="modified")
    arguments = parser.parse_args()
    print(f"{'points':>8} {'grid, ms':>10} {'without':>10} {'naive':>10} {'ratios':>12} {'losses differ by':>18}")
    for points in arguments.points:
        (grid, free, naive), losses = compare(points, arguments.rank, arguments.network)
        gap = max(abs(loss / losses[-1] - 1) for loss in losses)
        ratios = f"{grid / naive:.2f} {free / naive:.2f}"
        print(f"{points:>6}^3 {1e3 * grid:>10.3f} {1e3 * free:>10.3f} {1e3 * naive:>10.3f} {ratios:>12} {gap:>18.1e}")
    print(f"\n{'without a grid':>15} {'ms':>8} {'MiB':>8}")
    for axes, points in ((3, 64), (3, 128), (3, 256), (4, 64), (10, 64)):
        seconds, memory = without_grid(axes, points, arguments.rank, arguments.network)
        print(f"{points:>12}^{axes:<2} {1e3 * seconds:>8.3f} {memory / 2**20:>8.1f}")


if __name__ == "__main__":
    main()
