"""One Adam step of the published network for decaying turbulence: time and working memory against rank and points.

    python benchmarks/flows.py steps [--rank 32 64 128 256] [--points 32768 262144 2097152]
    python benchmarks/flows.py cavity

`steps`: velocities u and v, modified networks of width 128, single precision, compiled as a loop of steps; memory is
what the compiled program asks for besides its arguments. `cavity`: velocities on the centre lines against Ghia, Ghia &
Shin (1982) and against the Chebyshev solution.
"""

import argparse
import statistics
import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import spindle as sp
from spindle.gallery.registry import gallery
from spindle.reference.cavity import ghia
from spindle.training.precision import precision


def lattice(points: int) -> tuple[int, int, int]:
    """Nodes in time and space: 32 x 256 x 256 are 2^21, as published; fewer in the same proportion."""
    instants = max(8, round(32 * (points / 2**21) ** (1 / 3)))
    side = round((points / instants) ** 0.5)
    return instants, side, side


def step(problem, rank: int, points: int, repeats: int = 5) -> tuple[float, float]:
    """Median seconds of a step, and bytes of working memory."""
    with precision("float32"):
        plan = sp.SPINN(recipe="paper", windows=1, rank=rank, points=lattice(points)).plan(problem)
        model = plan.build(jax.random.PRNGKey(0))
        drawn = jax.jit(plan.objective.draw)(jax.random.PRNGKey(1))
        weights = {name: jnp.asarray(w) for name, w in plan.weights.items()}
        arrays, static = eqx.partition(model, eqx.is_inexact_array)
        adam = optax.adam(1e-3)

        def one(state, drawn):
            arrays, moments = state
            gradient = jax.grad(lambda a: plan.objective.loss(eqx.combine(a, static), drawn, weights))(arrays)
            updates, moments = adam.update(gradient, moments, arrays)
            return optax.apply_updates(arrays, updates), moments

        state = arrays, adam.init(arrays)
        compiled = jax.jit(one).lower(state, drawn).compile()
        taken = []
        for _ in range(repeats):
            began = time.perf_counter()
            state = jax.block_until_ready(compiled(state, drawn))
            taken.append(time.perf_counter() - began)
        used: Any = compiled.memory_analysis()
        return statistics.median(taken), used.temp_size_in_bytes


def steps(ranks, points) -> None:
    """Print the table."""
    problem = gallery("navier_stokes3d", end=0.1, stream=0)
    print("rank   points       ms a step   working memory, MiB")
    for rank in ranks:
        for count in points:
            seconds, memory = step(problem, rank, count)
            print(
                f"{rank:4}   {np.prod(lattice(count)):8,}  {1e3 * seconds:10.0f}   {memory / 2**20:10.0f}", flush=True
            )


def cavity() -> None:
    """Print the largest differences on the centre lines, in units of the lid's speed."""
    for re in (100, 400):
        problem = gallery("lid_driven_cavity", re=re)
        solution = sp.solve(problem, progress=False)
        (y, u), (x, v) = ghia(re)
        fields = {f.func.__name__: f for f in problem.unknowns}
        found = solution(fields["u"], x=0.5, y=y), solution(fields["v"], x=x, y=0.5)
        sound = np.abs(x - 0.9063) > 1e-6 if re == 400 else np.ones(len(x), bool)  # a misprint, see `ghia`
        gaps = np.abs(found[0] - u).max(), np.abs(found[1] - v)[sound].max()
        print(f"re {re}: u {gaps[0]:.4f}, v {gaps[1]:.4f} from the table; {solution}", flush=True)


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("steps", "cavity"))
    parser.add_argument("--rank", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--points", type=int, nargs="+", default=[2**15, 2**18, 2**21])
    arguments = parser.parse_args()
    steps(arguments.rank, arguments.points) if arguments.what == "steps" else cavity()


if __name__ == "__main__":
    main()
