"""Cho et al. (2023), arXiv 2306.15969, tables 3 to 6: error, time and memory against points an axis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from matplotlib.figure import Figure as Canvas

from spindle.gallery.registry import gallery
from spindle.methods.base import Method
from spindle.methods.pinn import PINN
from spindle.methods.spinn import SPINN
from spindle.reproduction.drawing import against_size
from spindle.reproduction.figure import ERROR, MEGABYTES, MILLISECONDS, SECONDS, Cell, Figure, FigureRow, Measured
from spindle.reproduction.training import trained

STEPS = 50_000
MODELS: dict[str, Method] = {
    "PINN": PINN(recipe="paper"),
    "PINN-mod": PINN(recipe="paper", network="modified"),
    "SPINN": SPINN(recipe="paper", network="mlp"),
    "SPINN-mod": SPINN(recipe="paper", network="modified"),
}
# (points an axis, relative L2, ms a step, MB) as printed
_DIFFUSION = {
    "PINN": ((16, 0.0095, 3.98, 1022), (32, 0.0082, 12.82, 2942), (64, 0.0081, 95.22, 18122)),
    "PINN-mod": ((16, 0.0048, 14.94, 1918), (32, 0.0043, 29.91, 4990), (54, 0.0041, 134.64, 22248)),
    "SPINN": (
        (16, 0.0447, 1.45, 766), (32, 0.0115, 1.76, 766), (64, 0.0075, 1.90, 766), (128, 0.0061, 2.09, 894),
        (256, 0.0061, 10.54, 2174),
    ),
    "SPINN-mod": (
        (16, 0.0390, 2.17, 766), (32, 0.0067, 2.44, 768), (64, 0.0041, 2.59, 768), (128, 0.0036, 3.06, 896),
        (256, 0.0036, 12.13, 2176),
    ),
}  # fmt: skip
_HELMHOLTZ = {
    "PINN": ((16, 0.9819, 4.84, 2810), (32, 0.9757, 14.84, 2938), (64, 0.9723, 110.23, 18118)),
    "PINN-mod": ((16, 0.4770, 18.32, 7034), (32, 0.5176, 35.02, 9082), (54, 0.4770, 159.90, 22244)),
    "SPINN": (
        (16, 0.1177, 1.54, 762), (32, 0.0809, 1.71, 762), (64, 0.0592, 1.85, 762), (128, 0.0449, 1.89, 762),
        (256, 0.0435, 3.84, 1146),
    ),
    "SPINN-mod": (
        (16, 0.1161, 2.24, 764), (32, 0.0595, 2.50, 764), (64, 0.0360, 2.57, 764), (128, 0.0300, 2.76, 764),
        (256, 0.0311, 5.50, 1148),
    ),
}  # fmt: skip
_KLEIN_GORDON = {
    "PINN": ((16, 0.0343, 4.70, 2810), (32, 0.0281, 14.95, 2938), (64, 0.0299, 112.00, 18118)),
    "PINN-mod": ((16, 0.0158, 17.87, 7036), (32, 0.0185, 34.61, 9082), (54, 0.0163, 159.20, 22246)),
    "SPINN": (
        (16, 0.0193, 1.55, 762), (32, 0.0060, 1.71, 762), (64, 0.0045, 1.82, 762), (128, 0.0040, 1.85, 890),
        (256, 0.0039, 3.98, 1658),
    ),
    "SPINN-mod": (
        (16, 0.0062, 2.20, 764), (32, 0.0020, 2.41, 764), (64, 0.0013, 2.57, 764), (128, 0.0008, 2.79, 892),
        (256, 0.0009, 5.61, 1660),
    ),
}  # fmt: skip
_KLEIN_GORDON_4D = {
    "PINN": ((16, 0.0129, 43.51, 5246), (23, 0.0121, 154.24, 22244)),
    "PINN-mod": ((16, 0.0061, 100.06, 17534), (18, 0.0059, 174.00, 22246)),
    "SPINN": ((16, 0.0122, 2.45, 890), (32, 0.0095, 2.98, 892), (64, 0.0093, 9.22, 2172)),
    "SPINN-mod": ((16, 0.0064, 3.48, 892), (32, 0.0022, 3.66, 892), (64, 0.0012, 10.96, 2172)),
}
_TABLES: dict[str, tuple[str, str, str, Mapping]] = {
    "S1": ("diffusion3d", "Nonlinear diffusion (2+1)", "figure 3 and table 3", _DIFFUSION),
    "S2": ("helmholtz3d", "Helmholtz equation (3)", "figure 3 and table 4", _HELMHOLTZ),
    "S3": ("klein_gordon3d", "Klein-Gordon equation (2+1)", "figure 3 and table 5", _KLEIN_GORDON),
    "S4": ("klein_gordon4d", "Klein-Gordon equation (3+1)", "table 6", _KLEIN_GORDON_4D),
}
_COLUMNS = (ERROR, MILLISECONDS, MEGABYTES, SECONDS)


def cell(problem: str, model: str, points: int, printed: Mapping[str, float]) -> Cell:
    """One line of a table: a model with so many points an axis."""
    axes = 4 if problem.endswith("4d") else 3
    return Cell(
        f"{problem} {model} {points}",
        model,
        points,
        partial(_measure, problem, model, points),
        printed,
        overhead=9.0,
        work=_work(model, points**axes),
    )


def _measure(problem: str, model: str, points: int, allowed: float) -> Measured:
    recipe = partial(replace, MODELS[model], points=points)
    return trained(gallery(problem), lambda steps: recipe(steps=steps), of=STEPS, allowed=allowed)


def _work(model: str, points: int) -> float:
    """Seconds of some steps on two processor cores.

    Networks without separation take some 30 microseconds a point and step, modified ones twice as many.
    """
    if model.startswith("SPINN"):
        return 2e-6 * points
    return (2.0 if model.endswith("mod") else 1.0) * 20 * 3e-5 * points


def _table(name: str) -> Figure:
    problem, title, place, printed = _TABLES[name]
    cells = [
        cell(problem, model, n, {ERROR: error, MILLISECONDS: ms, MEGABYTES: mb})
        for model, lines in printed.items()
        for n, error, ms, mb in lines
    ]
    return Figure(name, title, f"Cho et al. (2023), {place}", _COLUMNS, cells, draw, SAYS)


SAYS = (
    "Published on one RTX 3090, averages over 7 runs; one run here.",
    "Published memory is what the driver reserved, ours what one compiled step holds.",
    "Published milliseconds contain evaluations and two dispatches a step, ours are one compiled step.",
)


def draw(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    """Error, time and memory against points an axis, as figure 3 has them."""
    against_size(canvas, rows, (ERROR, MILLISECONDS, MEGABYTES), "points an axis")


FIGURES = tuple(_table(name) for name in _TABLES)
