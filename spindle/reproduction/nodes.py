"""Sharma & Shankar (2022), arXiv 2205.09332: derivatives of random networks, and errors and times of DT-PINN."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure as Canvas

from spindle.derivatives.rbf_fd.sparse import Stencils
from spindle.derivatives.rbf_fd.weights import Operator, weights
from spindle.gallery.registry import gallery
from spindle.methods.dtpinn import DTPINN
from spindle.networks.layers import MLP
from spindle.networks.taylor import Jet, closure
from spindle.points.scattered import scatter
from spindle.reproduction.cost import median_milliseconds
from spindle.reproduction.drawing import against_size
from spindle.reproduction.figure import ERROR, MILLISECONDS, SECONDS, Cell, Figure, FigureRow, Measured
from spindle.reproduction.training import LEAST, LEAST_AFTER, LEAST_STEPS, trained
from spindle.training.precision import precision

_PAPER = "Sharma & Shankar (2022), "
# Inner and boundary nodes of the published disks.
DISKS = {
    582: (506, 76), 828: (737, 91), 1663: (1533, 130), 2236: (2077, 159), 3196: (3014, 182), 4977: (4737, 240),
    6114: (5848, 266), 8767: (8448, 319), 19638: (19158, 480),
}  # fmt: skip
ORDERS = (2, 3, 4, 5)
STEPS, ENOUGH = 100_000, 13_000  # published gradients, and those within which the published best errors lie
_LAPLACIAN: Operator = {(2, 0): 1.0, (0, 2): 1.0}
_EXPONENT, _GHOST = 5, 0.25


# The depth study: Laplacians of random networks, nothing is trained.


@lru_cache(maxsize=1)
def _disk() -> tuple[np.ndarray, np.ndarray]:
    """The largest published disk: its nodes, and these with ghosts."""
    inner, boundary = DISKS[19638]
    nodes = scatter(gallery("poisson_disk").domain, interior=inner, boundary=boundary, ghost=_GHOST)
    inside = np.concatenate([nodes.interior, nodes.boundary])
    return inside, np.concatenate([inside, nodes.ghosts])


@lru_cache(maxsize=4)
def _stencils(order: int) -> Stencils:
    centres, nodes = _disk()
    degree = order + 1
    near, (laplacian,) = weights(nodes, centres, [_LAPLACIAN], degree=degree, exponent=_EXPONENT)
    return Stencils.of(near, laplacian[None], len(nodes))


def _network(depth: int) -> MLP:
    """A random network of the publication, drawn in single precision whatever the precision it is used in."""
    with precision("float32"):
        body = MLP(2, 1, width=50, hidden=depth, initial="uniform", key=jax.random.PRNGKey(depth))
        return jax.tree.map(lambda leaf: leaf, body)


def _laplacian(body: MLP, points) -> jax.Array:
    indices = closure([(2, 0), (0, 2)], 2)
    jet = body(Jet.variables(points, indices))
    return jet.derivative((2, 0)) + jet.derivative((0, 2))


def _exact(depth: int, dtype: str):
    """A function of points with the network in this precision."""
    body = _network(depth)
    cast = jax.tree.map(lambda leaf: leaf.astype(dtype) if hasattr(leaf, "dtype") else leaf, body)
    return jax.jit(partial(_laplacian, cast)), cast


def derivative(way: str, depth: int, allowed: float) -> Measured:
    """Error and milliseconds of the Laplacian of a random network, at the 19,638 nodes of the largest disk."""
    centres, nodes = _disk()
    with precision("float64"):
        function, body = _exact(depth, "float64")
        truth = np.asarray(function(jnp.asarray(centres)))
        if way.startswith("RBF-FD"):
            operator = _stencils(int(way[-1]))
            values = jax.jit(lambda p: body(p))(jnp.asarray(nodes))
            product = jax.jit(lambda v: operator(v)[0])
            got, ms = np.asarray(product(values)), median_milliseconds(product, values)
        elif way == "exact, fp64":
            got, ms = truth, median_milliseconds(function, jnp.asarray(centres))
    if way == "exact, fp32":
        with precision("float32"):
            function, _ = _exact(depth, "float32")
            points = jnp.asarray(centres, "float32")
            got, ms = np.asarray(function(points), float), median_milliseconds(function, points)
    error = float(np.linalg.norm(got - truth) / np.linalg.norm(truth))
    return Measured({MILLISECONDS: ms} | ({} if way == "exact, fp64" else {ERROR: error}))


_WAYS = (*(f"RBF-FD fp64, p = {p}" for p in ORDERS), "exact, fp32", "exact, fp64")
_DEPTHS = [
    Cell(f"depth {way} {depth}", way, depth, partial(derivative, way, depth), overhead=0.8, most=30.0)
    for depth in range(1, 11)
    for way in _WAYS
]


def _errors_of_depth(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    against_size(canvas, rows, (ERROR,), "hidden layers", x="linear")


def _times_of_depth(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    against_size(canvas, rows, (MILLISECONDS,), "hidden layers", x="linear")


# Training on scattered nodes.


def _trained(problem: str, nodes: int, order: int | None, dtype: str, allowed: float) -> Measured:
    """By matrices of an order, or by exact derivatives where that is None."""
    base = DTPINN(recipe="paper", nodes=DISKS[nodes], dtype=dtype)
    base = replace(base, derivatives="exact") if order is None else replace(base, order=order)

    def recipe(steps: int) -> DTPINN:
        return replace(base, lbfgs_steps=steps)

    return trained(gallery(problem), recipe, of=STEPS, allowed=allowed, enough=ENOUGH)


def _model(order: int | None, dtype: str) -> str:
    short = dtype.replace("float", "fp")
    return f"PINN {short}" if order is None else f"DT-PINN {short}, p = {order}"


def _cell(problem: str, nodes: int, order: int | None, dtype: str, slices: int = 1) -> Cell:
    """Seconds: those of set-up, and of steps of some microseconds a node, exact derivatives the dearer ones."""
    step = nodes * slices * (3e-5 if order is None else 5e-6)
    return Cell(
        f"{problem} {_model(order, dtype)} {nodes}",
        _model(order, dtype),
        order if slices > 1 and order else nodes,
        partial(_trained, problem, nodes, order, dtype),
        overhead=9.0,
        work=50 * step,
        most=60.0 + 2 * ENOUGH * step,
    )


def _grid(problem: str, *lines: tuple[int | None, str]) -> list[Cell]:
    return [_cell(problem, nodes, order, dtype) for nodes in DISKS for order, dtype in lines]


_DOUBLE = [(p, "float64") for p in ORDERS]
_SINGLE = [(p, "float32") for p in ORDERS]
_VANILLA = (None, "float32")
_COLUMNS = (LEAST, LEAST_STEPS, LEAST_AFTER, MILLISECONDS, SECONDS)
_SAYS = (
    "The publication prints curves and no numbers; its text says 2 to 4 times faster, with similar errors from p = 3.",
    "As published, the error is the least on the way, and the time that of reaching it; it is looked at in steps 1, 2, "
    "5, 10, 20, ... and in tenths of the second half.",
    "Of 100,000 published gradients 13,000 are taken at most: the published best errors lie within them.",
    "Published on one RTX 2070.",
)


def speedups(rows: Sequence[FigureRow]) -> list[str]:
    """Sentences: seconds of the plain PINN to its least error over those of DT-PINN to its own, and both errors."""
    plain = {r.cell.name.rsplit(" ", 1)[-1]: r for r in rows if r.cell.model == _model(*_VANILLA)}
    said = []
    for row in rows:
        other = plain.get(row.cell.name.rsplit(" ", 1)[-1])
        if row.cell.model.startswith("PINN") or other is None or not row.measured or not other.measured:
            continue
        mine, its = row.value(LEAST_AFTER), other.value(LEAST_AFTER)
        if mine and its:
            said.append(
                f"{row.cell.name}: {its / mine:.1f} times faster to its least error, {row.value(LEAST):.1e} against "
                f"{other.value(LEAST):.1e}"
            )
    return said


def _by_nodes(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    against_size(canvas, rows, (LEAST, LEAST_AFTER), "nodes")


def _epochs(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    against_size(canvas, rows, (LEAST_STEPS,), "nodes", x="linear", y="linear")


def _by_order(canvas: Canvas, rows: Sequence[FigureRow]) -> None:
    against_size(canvas, rows, (LEAST, LEAST_AFTER), "order p", x="linear")


FIGURES = (
    Figure("D1", "Error of the Laplacian of random networks against depth", _PAPER + "figure 1a",
           (ERROR, MILLISECONDS), _DEPTHS, _errors_of_depth,
           ("Against automatic differentiation in double precision; stencils of the kernel r^5, as published.",)),
    Figure("D2", "Time of the Laplacian of random networks against depth", _PAPER + "figure 1b",
           (MILLISECONDS, ERROR), _DEPTHS, _times_of_depth,
           ("As published, the time of the sparse product leaves out that of the network's values.",)),
    Figure("D3", "Linear Poisson equation: error and time against nodes", _PAPER + "figure 2", _COLUMNS,
           _grid("poisson_disk", *_DOUBLE, _VANILLA), _by_nodes, _SAYS, speedups),
    Figure("D4", "Linear Poisson equation: steps to the least error, double precision", _PAPER + "figure 3",
           _COLUMNS, _grid("poisson_disk", (5, "float64"), (None, "float64")), _epochs, _SAYS),
    Figure("D5", "Linear Poisson equation: steps to the least error, single precision", _PAPER + "figure 3",
           _COLUMNS, _grid("poisson_disk", *_SINGLE, _VANILLA), _epochs, _SAYS),
    Figure("D6", "Nonlinear Poisson equation: error and time against nodes", _PAPER + "figure 4", _COLUMNS,
           _grid("nonlinear_poisson_disk", *_DOUBLE[1:], _VANILLA), _by_nodes, _SAYS, speedups),
    Figure("D7", "Heat equation: error and time against the order", _PAPER + "figure 5", _COLUMNS,
           [_cell("heat_disk", 828, order, dtype, 25) for order, dtype in (*_DOUBLE, _VANILLA)], _by_order,
           (*_SAYS, "Published for it: 2 to 2.5 times faster."), speedups),
)  # fmt: skip
