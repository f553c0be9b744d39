"""Cho et al. (2023), arXiv 2306.15969: operations of a network and its derivatives, separated and not; the summary."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from matplotlib.figure import Figure as Canvas

from spindle.networks.layers import MLP
from spindle.networks.taylor import Jet, closure
from spindle.reproduction import separable
from spindle.reproduction.drawing import bars
from spindle.reproduction.figure import ERROR, MEGABYTES, MILLISECONDS, Cell, Figure, FigureRow, Measured, NotMeasured
from spindle.training.precision import precision

POINTS, AXES, RANK = 64, 3, 32
MFLOP = "MFLOP"
_ORDERS = ("values", "first derivatives", "second derivatives")
# Additions and multiplications together, in 10^6, as printed; each order alone.
_PRINTED = {"SPINN": (40, 80, 160), "PINN": (43_218, 130_057, 217_097)}


def _separable(order: int, key) -> Callable:
    """Values and all unmixed derivatives up to an order on the lattice, each merged from features and theirs."""
    keys = jax.random.split(key, AXES)
    bodies = [MLP(1, RANK, width=64, hidden=3, key=k) for k in keys]
    indices = closure([(order,)], 1)

    def evaluate(*points):
        features = [body(Jet.variables(p, indices)).lanes for body, p in zip(bodies, points, strict=True)]
        merged = [_merged([lanes[0] for lanes in features])]
        for n in range(1, order + 1):
            for axis in range(AXES):
                merged.append(_merged([lanes[n if k == axis else 0] for k, lanes in enumerate(features)]))
        return merged

    return evaluate


def _merged(features) -> jax.Array:
    return jnp.einsum("xr,yr,zr->xyz", *features)


def _whole(order: int, key, mode: str) -> Callable:
    """The same of one network of all coordinates, at so many points; by jets, or by nested reverse mode."""
    body = MLP(AXES, 1, width=128, hidden=4, key=key)
    indices = closure([tuple(order * (k == axis) for k in range(AXES)) for axis in range(AXES)], AXES)
    if mode == "forward":
        return lambda points: body(Jet.variables(points, indices)).lanes

    def value(p):
        return body(p[None])[0, 0]

    def gradients(p):
        if order == 0:
            return value(p)
        if order == 1:
            return value(p), jax.grad(value)(p)
        second = [jax.grad(lambda q, k=k: jax.grad(value)(q)[k])(p)[k] for k in range(AXES)]
        return value(p), jax.grad(value)(p), second

    return jax.vmap(gradients)


def counted(model: str, order: int, mode: str, allowed: float) -> Measured:
    """Operations as the compiler counts them, on 64^3 points in single precision; nothing is run."""
    with precision("float32"):
        key = jax.random.PRNGKey(0)
        function, points = _separable(order, key), [jax.ShapeDtypeStruct((POINTS, 1), jnp.float32)] * AXES
        if model != "SPINN":
            function, points = _whole(order, key, mode), [jax.ShapeDtypeStruct((POINTS**AXES, AXES), jnp.float32)]
        analysis = jax.jit(function).lower(*points).compile().cost_analysis()
    if not analysis or "flops" not in analysis:
        raise NotMeasured("the compiler of this device counts no operations")
    return Measured({MFLOP: analysis["flops"] / 1e6})


def _operations() -> list[Cell]:
    ways = (("SPINN", "forward"), ("PINN", "forward"), ("PINN", "reverse"))
    return [
        Cell(
            f"operations {model} {mode} {_ORDERS[order]}",
            f"{model}, {mode} mode",
            order,
            partial(counted, model, order, mode),
            {MFLOP: float(sum(_PRINTED[model][: order + 1]))} if (model, mode) != ("PINN", "forward") else {},
            overhead=1.0,
            most=20.0,
        )
        for model, mode in ways
        for order in range(3)
    ]


def _draw(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    bars(canvas, rows, MFLOP, _ORDERS)


_SIDES = {"diffusion3d": "diffusion", "helmholtz3d": "Helmholtz", "klein_gordon3d": "Klein-Gordon"}
_EQUAL = (16, 32)  # points an axis at which all four models are measured
# Printed: PINN-mod at 54^3 over SPINN-mod at 64^3, time and memory.
_HEADLINES = {"diffusion3d": (52, 29), "helmholtz3d": (62, 29), "klein_gordon3d": (62, 29)}


def summary_cells() -> list[Cell]:
    """The cells of tables S1 to S3 that the summary rests on."""
    wanted = {f"{p} {m} {n}" for p in _SIDES for m in separable.MODELS for n in (*_EQUAL, 54, 64)}
    return [c for figure in separable.FIGURES[:3] for c in figure.cells if c.name in wanted]


def ratios(rows: Sequence[FigureRow]) -> list[str]:
    """Sentences: how many times faster, and how much smaller, at equal points and as the publication compares."""
    by_name, said = {row.cell.name: row for row in rows}, []
    pairs = [(f"{n}^3 points each", n, n) for n in _EQUAL] + [("54^3 against 64^3, as published", 54, 64)]
    for problem, shown in _SIDES.items():
        for words, pinn, spinn in pairs:
            one, other = (by_name.get(f"{problem} {m} {n}") for m, n in (("PINN-mod", pinn), ("SPINN-mod", spinn)))
            if one is None or other is None or not one.measured or not other.measured:
                said.append(f"{shown}, {words}: not measured on both sides")
                continue
            mine, its = other.measured.values, one.measured.values
            faster, smaller = (its[column] / mine[column] for column in (MILLISECONDS, MEGABYTES))
            time, memory = _HEADLINES[problem]
            printed = f" (printed: {time} and {memory})" if spinn == 64 else ""
            said.append(f"{shown}, {words}: {faster:.0f} times faster a step, {smaller:.0f} times less memory{printed}")
    return said


def _draw_summary(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    separable.draw(canvas, [row for row in rows if row.cell.name.startswith("klein_gordon3d")])


FIGURES = (
    Figure(
        "S9",
        "Operations of one evaluation with all derivatives, 64^3 points",
        "Cho et al. (2023), table of operations",
        (MFLOP,),
        _operations(),
        _draw,
        (
            "Counted by the compiler, additions and multiplications alike: values with derivatives up to the order; "
            "the printed numbers are sums of the orders.",
            "Printed ratio of all orders: 1,394.",
        ),
    ),
    Figure(
        "S10",
        "Time and memory of PINN-mod over those of SPINN-mod",
        "Cho et al. (2023), abstract and section 4",
        (ERROR, MILLISECONDS, MEGABYTES),
        summary_cells(),
        _draw_summary,
        separable.SAYS,
        ratios,
    ),
)
