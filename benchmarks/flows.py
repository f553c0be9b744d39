"""One Adam step of the published network for decaying turbulence: time and working memory against rank and points.

    python benchmarks/flows.py steps [--rank 32 64 128 256] [--points 32768 262144 2097152]
    python benchmarks/flows.py cavity

`steps`: velocities u and v, modified networks of width 128, single precision, compiled as a loop of steps; memory is
what the compiled program asks for besides its arguments. `cavity`: velocities on the centre lines against Ghia, Ghia &
Shin (1982) and against the Chebyshev solution, and the stream function in the primary vortex at 1000 against Botella &
Peyret (1998).
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

import spindle as spd
from spindle.gallery.registry import gallery
from spindle.reference.cavity import cavity as cavity_solution
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
        plan = spd.SPINN(recipe="paper", windows=1, rank=rank, points=lattice(points)).plan(problem)
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


# Botella & Peyret (1998), Computers & Fluids 27: the extreme stream function at 1000, and where it is. Their lid moves
# to the left, so that x there is 0.4692.
PRIMARY_VORTEX = -0.1189366, (0.5308, 0.5652)
# Misprints of the tables, see `ghia`: places on the vertical and on the horizontal line.
MISPRINTS = {400: ((), (0.9063,)), 3200: ((0.4531,), ())}


def stream_function(solution, u, x: float, y: float) -> float:
    """The integral of u from the wall below up to a place."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    return float(np.ravel(solution(u, x=x, y=y * (nodes + 1) / 2)) @ weights) * y / 2


def cavity() -> None:
    """Print differences on the centre lines, the largest in units of the lid's speed, and relative ones."""
    inside = np.linspace(0, 1, 65)[1:-1]
    for re in (100, 400, 1000, 3200):
        problem = gallery("lid_driven_cavity", re=re)
        solution = spd.solve(problem, progress=False)
        (y, u), (x, v) = ghia(re)
        fields = {f.func.__name__: f for f in problem.unknowns}
        lines = (fields["u"], {"x": 0.5, "y": y}, y, u), (fields["v"], {"x": x, "y": 0.5}, x, v)
        gaps = []
        for (field, where, places, printed), wrong in zip(lines, MISPRINTS.get(re, ((), ())), strict=True):
            sound = ~np.isin(places, wrong)
            gaps.append(np.abs(np.ravel(solution(field, **where)) - printed)[sound].max())
        along = cavity_solution(re, x=inside, y=inside)
        values = np.ravel(solution(fields["u"], x=0.5, y=inside)), np.ravel(solution(fields["v"], x=inside, y=0.5))
        true = along["u"].values[len(inside) // 2], along["v"].values[:, len(inside) // 2]
        apart = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(values, true, strict=True)]
        print(
            f"re {re}: u {gaps[0]:.4f}, v {gaps[1]:.4f} from the table, {apart[0]:.1e} and {apart[1]:.1e} relative to "
            f"the Chebyshev solution on the centre lines; {solution}",
            flush=True,
        )
        if re == 1000:
            published, place = PRIMARY_VORTEX
            print(f"stream function at {place}: {stream_function(solution, fields['u'], *place):.7f}, {published}")


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
