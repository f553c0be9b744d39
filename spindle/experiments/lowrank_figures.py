"""Figures 2 and 3 of Cho et al. (2024), and the time of a step: a family trained as published, reduced and queried.

Each figure is a function (scale, tell) -> rows, and one that draws rows. The network of a family is trained once for
both figures. What is smaller than published (width, rank, points, steps) says so in the note of every row.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from spindle.errors import MethodError
from spindle.experiments.lowrank_training import FAMILIES, RANK, STEPS, WIDTH, Family, Scale, scale_named, trained
from spindle.methods.lrpinn import LRPINN
from spindle.networks.lowrank import LowRankNetwork, low_rank_network
from spindle.networks.taylor import Jet, closure
from spindle.problem.families import with_parameter_axes
from spindle.reduction.build import Reduced, Reduction
from spindle.reduction.interpolation import reduced_network, select
from spindle.reduction.tuning import coefficients_of, with_coefficients
from spindle.reference.reaction import fourier_solution
from spindle.results.solution import Solution
from spindle.training.precision import precision

NEURONS = 5  # of each reduced layer, as published
_QUERY, _TUNING = 12, 1456  # points of a step of the reduced network, and of the whole one
_REFERENCE = (64, 1 / 400)  # modes and time step of the solutions that are compared with
_REPEATS, _ENOUGH = 3, 0.3  # calls that are timed, at least, and seconds


# -------------------------------------------------------------------------------------------------- F1: derivatives


def sampling(scale: str, tell: Callable, store: Path | None = None) -> list[dict]:
    """F1: values and derivatives of the reduced network beside those of the whole one at the 4 x 3 sampling points.

    A row for each family and derivative: the relative L2 difference of the first test case. Published as a picture.
    """
    size, rows = scale_named(scale), []
    for family in FAMILIES:
        began = time.perf_counter()
        solution = trained(family, size, store)
        whole, reduced = _at_sampling_points(solution, family)
        seconds = time.perf_counter() - began
        for name in family.partials:
            rows.append(
                _row(
                    f"{family.case(0)}, {name}",
                    float(np.linalg.norm(reduced[name] - whole[name]) / np.linalg.norm(whole[name])),
                    share=size.steps / STEPS,
                    seconds=seconds,
                    note=_noted(size, f"{NEURONS} neurons, 12 points"),
                    curve=list(zip(whole[name].tolist(), reduced[name].tolist(), strict=True)),
                )
            )
            tell(f"{rows[-1]['cell']}: {rows[-1]['measured']:.1e}", markup=False)
    return rows


def _at_sampling_points(solution: Solution, family: Family) -> tuple[dict, dict]:
    """{derivative: (12,)} of the whole network and of the reduced one, with the coefficients of the first case."""
    with precision("float32"):
        _, reduced = parts(solution)
        full, small = reduced.full, reduced.field
        mu = jnp.asarray(family.parameters(0), jnp.float32)
        s = coefficients_of(full, mu)
        t, x = np.meshgrid(np.linspace(0, 1, 3), np.linspace(0, 2 * np.pi, 4), indexing="ij")
        points = np.stack([t.ravel(), x.ravel(), *(np.full(t.size, v) for v in family.parameters(0))], axis=1)
        padded = {name: (*index, *[0] * len(mu)) for name, index in family.partials.items()}
        orders = closure(list(padded.values()), points.shape[1])

        @jax.jit
        def derivatives(s):
            jets = [
                with_coefficients(f, s)(Jet.variables(jnp.asarray(points, jnp.float32), orders)) for f in (full, small)
            ]
            return [{name: jet.derivative(index)[:, 0] for name, index in padded.items()} for jet in jets]

        whole, approximate = derivatives(s)
    return _floats(whole), _floats(approximate)


def _floats(arrays: dict) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, float) for name, array in arrays.items()}


# ---------------------------------------------------------------------------------------------------- F2: accuracy


def accuracy(scale: str, tell: Callable, store: Path | None = None) -> list[dict]:
    """F2: relative L2 errors of the test cases over 400 Adam epochs, of the fast phase and of the fine-tuning.

    A row for each case and network: the error after the last epoch, the curve of all. Published as a picture. Errors
    are against converged solutions; the constant 1, which solves the equation, has the error that the note gives.
    Seconds are those of the 400 epochs, in the first case of a family with their compilation.
    """
    size, rows = scale_named(scale), []
    for family in FAMILIES:
        solution = trained(family, size, store)
        queries = {"FastLRNR": fast_phase(solution), "LRNR": fine_tuning(solution, size)}
        errors = _errors_along(solution, family, size)
        for case, (name, query) in itertools.product(range(size.cases), queries.items()):
            began = time.perf_counter()
            with precision("float32"):
                mu = jnp.asarray(family.parameters(case), jnp.float32)
                path = jax.block_until_ready(query(mu, family.localities[case]))
            seconds = time.perf_counter() - began
            curve, trivial = errors(case, path)
            words = f"start {curve[0][1]:.2e}, least {min(e for _, e in curve):.2e}, constant 1 {trivial:.2e}"
            row = _row(
                f"{family.case(case)}, {name}", curve[-1][1], share=size.steps / STEPS, seconds=seconds,
                note=_noted(size, words), curve=curve,
            )  # fmt: skip
            tell(f"{row['cell']}: {row['measured']:.2e} ({row['note']})", markup=False)
            rows.append(row)
    return rows


def parts(solution: Solution) -> tuple[Reduction, Reduced]:
    """What reduces the family, and the reduced family; raises MethodError where training was stopped before its end."""
    if solution.plan.reduction is None or solution.reduced is None:
        raise MethodError(
            f"`{solution.problem.name}` was not trained to its end ({solution.run.stopped_by}), so it is not reduced; "
            f"run the figure again to go on."
        )
    return solution.plan.reduction, solution.reduced


def fast_phase(solution: Solution) -> Callable:
    """The function (mu, locality) -> coefficients over 400 epochs on the reduced network, compiled."""
    reduction, reduced = parts(solution)
    with precision("float32"):
        return _from_start(reduction.path(reduced.field, reduction.objective(reduced.points)), reduced.full)


def fine_tuning(solution: Solution, size: Scale) -> Callable:
    """The same on the whole network, at as many points as a member was trained at."""
    method = LRPINN(
        recipe="paper", width=size.width, rank=size.rank, hyper_width=size.rank,
        points=size.points, lattice=size.lattice,
    )  # fmt: skip
    reduction = method.plan(with_parameter_axes(solution.given)).reduction
    assert reduction is not None
    with precision("float32"):
        full = parts(solution)[1].full
        return _from_start(reduction.path(full, reduction.objective(reduction.trained_points())), full)


def _from_start(path: Callable, full) -> Callable:
    return jax.jit(lambda mu, locality: path(coefficients_of(full, mu), mu, locality))


def _errors_along(solution: Solution, family: Family, size: Scale) -> Callable:
    """The function (case, path) -> [(epoch, error)] of the whole network, and the error of the constant 1."""
    t, x = np.linspace(0, 1, size.grid[0]), np.linspace(0, 2 * np.pi, size.grid[1])
    reduction, reduced = parts(solution)
    full = reduced.full
    grid = np.stack(np.meshgrid(t, x, indexing="ij"), -1).reshape(-1, 2)

    @jax.jit
    def values(path, points):
        return jax.lax.map(lambda s: reduction.values(with_coefficients(full, s), points), path)

    def errors(case, path):
        true = fourier_solution(t, x, family.tests[case], *_REFERENCE).ravel()
        points = np.concatenate([grid, np.tile(family.parameters(case), (len(grid), 1))], axis=1)
        epochs = np.unique(np.append(np.arange(0, len(path), size.every), len(path) - 1))
        with precision("float32"):
            found = np.asarray(values(path[epochs], jnp.asarray(points, jnp.float32)), float)
        relative = np.linalg.norm(found - true, axis=1) / np.linalg.norm(true)
        trivial = np.linalg.norm(1 - true) / np.linalg.norm(true)
        return list(zip(epochs.tolist(), relative.tolist(), strict=True)), float(trivial)

    return errors


# ------------------------------------------------------------------------------------------------ F3: time of a step


# What is timed: the published number, and its unit.
TIMED: dict[str, tuple[float | None, str]] = {
    f"reduced to {NEURONS} neurons, {_QUERY} points": (4.0, "ms"),
    f"factored, {_QUERY} points": (None, "ms"),
    f"factored, {_TUNING} points": (None, "ms"),
    f"multiplied out, {_TUNING} points": (140.0, "ms"),
    "multiplied out / reduced": (35.0, "times"),
    "factored / reduced": (None, "times"),
}


class MultipliedOut(eqx.Module):
    """A low-rank network whose weights are multiplied out before they are applied, as in the published timing."""

    network: LowRankNetwork

    def __call__(self, h, coefficients):
        act = self.network.act
        h = act(self.network.first(h))
        for layer, s in zip(self.network.hidden, coefficients, strict=True):
            h = act(h @ ((layer.left * s) @ layer.right.T).T)
        return self.network.last(h)


def steps(scale: str, tell: Callable) -> list[dict]:
    """F3: milliseconds of value and gradient by the coefficients: reduced, factored, multiplied out; and the ratios.

    Published: 4 ms and 140 ms on a V100, of networks that are multiplied out.
    """
    size = scale_named(scale)
    width, rank = size.timed
    began = time.perf_counter()
    found = step_milliseconds(width, rank)
    seconds = time.perf_counter() - began
    small = "" if (width, rank) == (WIDTH, RANK) else f"width {width} of {WIDTH}, rank {rank} of {RANK}"
    reduced, factored, dense = found["reduced"], found["factored"], found["multiplied out"]
    values = (reduced, found["factored, few points"], factored, dense, dense / reduced, factored / reduced)
    rows = [
        _row(cell, value, published=published, unit=unit, seconds=seconds, note=small)
        for (cell, (published, unit)), value in zip(TIMED.items(), values, strict=True)
    ]
    for row in rows:
        tell(f"{row['cell']}: {row['measured']:.3g} {row['unit']}", markup=False)
    return rows


def step_milliseconds(width: int, rank: int, beta: float = 6.0) -> dict[str, float]:
    """Milliseconds of a step of random networks of a size, in single precision, the shortest of some calls."""
    with precision("float32"):
        network = low_rank_network(
            2, 1, width=width, hidden=3, rank=rank, act="tanh", frequency=1.0, initial="glorot", biases="off",
            key=jax.random.PRNGKey(0),
        )  # fmt: skip
        rng = np.random.default_rng(0)
        bases = [np.linalg.qr(rng.normal(size=(width, NEURONS)))[0].astype(np.float32) for _ in range(4)]
        small = reduced_network(network, [select(basis, "deim") for basis in bases])
        s = [jnp.ones(rank, jnp.float32)] * 3
        return {
            "reduced": _milliseconds(small, s, _QUERY, beta),
            "factored, few points": _milliseconds(network, s, _QUERY, beta),
            "factored": _milliseconds(network, s, _TUNING, beta),
            "multiplied out": _milliseconds(MultipliedOut(network), s, _TUNING, beta),
        }


def _milliseconds(network, s, count: int, beta: float) -> float:
    """Of the value and gradient, by the coefficients, of the mean square of u_t + beta u_x at so many points."""
    points = jnp.asarray(np.random.default_rng(0).uniform([0, 0], [1, 2 * np.pi], (count, 2)), jnp.float32)
    indices = closure([(1, 0), (0, 1)], 2)

    @jax.jit
    def step(s):
        def loss(s):
            jet = network(Jet.variables(points, indices), s)
            return jnp.mean((jet.derivative((1, 0)) + beta * jet.derivative((0, 1))) ** 2)

        return jax.value_and_grad(loss)(s)

    jax.block_until_ready(step(s))
    taken: list[float] = []
    while len(taken) < _REPEATS or sum(taken) < _ENOUGH:
        began = time.perf_counter()
        jax.block_until_ready(step(s))
        taken.append(time.perf_counter() - began)
    return 1e3 * min(taken)


# ------------------------------------------------------------------------------------------------ rows and pictures


def _noted(size: Scale, words: str) -> str:
    return f"{words}; {size.note}" if size.note else words


def _row(cell, measured, *, published=None, unit="relative L2", share=1.0, seconds=0.0, note="", curve=None) -> dict:
    row = {"cell": cell, "published": published, "measured": measured, "unit": unit}
    row |= {"share": share, "seconds": seconds, "note": note}
    return row | ({} if curve is None else {"curve": curve})


def draw_sampling(rows: Sequence[dict], axes) -> None:
    """Into one or more axes: at each of the 12 points, the whole network as circles, the reduced one as crosses."""
    axes = np.atleast_1d(axes).ravel()
    for k, row in enumerate(rows):
        axis = axes[k % len(axes)]
        whole, reduced = np.array(row["curve"]).T
        axis.plot(range(1, len(whole) + 1), whole, "o", fillstyle="none", label="LRNR")
        axis.plot(range(1, len(reduced) + 1), reduced, "x", label="FastLRNR")
        axis.set(title=row["cell"], xlabel="sampling point")
    axes[0].legend()


def draw_accuracy(rows: Sequence[dict], axes) -> None:
    """Into an axis for each family: errors over epochs, FastLRNR solid, LRNR dashed, a colour for each case."""
    axes = np.atleast_1d(axes).ravel()
    for k, family in enumerate(FAMILIES):
        axis, colours = axes[k % len(axes)], dict[str, str]()
        for row in (r for r in rows if r["cell"].startswith(f"{family.name} ")):
            case, network = row["cell"].rsplit(", ", 1)
            colour = colours.setdefault(case, f"C{len(colours)}")
            epochs, errors = np.array(row["curve"]).T
            axis.semilogy(epochs, errors, "-" if network == "FastLRNR" else "--", color=colour)
        axis.set(title=f"{family.name}: FastLRNR solid, LRNR dashed", xlabel="epoch", ylabel="relative L2 error")


def draw_steps(rows: Sequence[dict], axes) -> None:
    """Into one axis: a bar for each time of a step, the published one beside it."""
    axis = np.atleast_1d(axes).ravel()[0]
    times = [row for row in rows if row["unit"] == "ms"]
    places = np.arange(len(times))
    axis.barh(places, [row["measured"] for row in times], 0.4, label="measured")
    axis.barh(places + 0.4, [row["published"] or 0 for row in times], 0.4, label="published, V100")
    axis.set(xscale="log", xlabel="ms a step", yticks=places + 0.2, yticklabels=[row["cell"] for row in times])
    axis.legend()


# Name of the figure -> how its rows are computed, and drawn.
FIGURES: dict[str, tuple[Callable, Callable]] = {
    "F1": (sampling, draw_sampling),
    "F2": (accuracy, draw_accuracy),
    "F3": (steps, draw_steps),
}
