"""What a solution is compared with: closed forms and tables at the points where they are taken."""

import numpy as np

from spindle.errors import ProblemError
from spindle.lowering.compile import array_function
from spindle.problem.families import family_parameters
from spindle.problem.problem import Problem
from spindle.problem.references import Compared
from spindle.training.precision import precision

_MOST_AXES = 6  # beyond, closed forms are compared at random points
POINTS = 20_000


def references(problem: Problem) -> dict:
    """For each unknown with a reference: where it is compared, and the reference there, NaN outside the domain.

    Where is a list of the nodes of each axis, or an array (n, d) of random points; see `errors`.
    Raises ProblemError where a reference is not finite inside.
    """
    known = {}
    domain, parameters = problem.domain, [p.name for p in family_parameters(problem)]
    for u, reference in problem.compared.items():
        nodes, values, has_gaps = reference.compared(parameters) or _everywhere(problem, u)
        inside = np.broadcast_to(contained(problem, nodes), values.shape)
        if has_gaps and len(domain.boxes) != 1:
            inside = inside & ~np.isnan(values)  # a table may leave out the walls of a domain that is no box
        _check(problem, u, nodes, values, inside)
        known[u] = nodes, values if has_gaps else np.where(inside, values, np.nan)
    return _joined(problem, known)


def _joined(problem: Problem, known: dict) -> dict:
    """References with one of each complex unknown in place of those of its parts."""
    for psi, (real, imaginary) in problem.complex_unknowns.items():
        if real in known and imaginary in known:
            (nodes, a), (_, b) = known.pop(real), known.pop(imaginary)
            known[psi] = nodes, a + 1j * b
    return known


def contained(problem: Problem, where) -> np.ndarray:
    """Whether points (n, d), or the nodes of the grid of a list of axes, lie in the domain; broadcasts to the grid."""
    scattered = isinstance(where, np.ndarray)
    return problem.domain.contains(where) if scattered else problem.domain.contains_grid(where)


def _everywhere(problem: Problem, u) -> Compared:
    """A closed form where it is compared: on a grid, or at random points where that has few nodes on each axis."""
    d, bounds = len(problem.coordinates), problem.domain.bounds
    # Whether a point lies in a shape is dear to say, in three dimensions above all.
    # A family is compared at random members: a grid of its parameters says no more, and costs more.
    most = 2 if family_parameters(problem) else _MOST_AXES
    scattered = d > (most if problem.domain.boxes else 2)
    count = min(201, round(1e6 ** (1 / d)))
    nodes = scattered_points(problem) if scattered else [np.linspace(*b, count) for b in bounds]
    return Compared(nodes, exact(problem, u, nodes), has_gaps=False)


def _check(problem: Problem, u, nodes, values, inside) -> None:
    wrong = inside & ~np.isfinite(values)
    if wrong.any() or not inside.any():
        place = np.unravel_index(np.argmax(wrong), wrong.shape)
        at = ", ".join(f"{c}={n[k]:g}" for c, n, k in zip(problem.coordinates, nodes, place, strict=True))
        raise ProblemError(
            f"The reference of `{u}` in `{problem.name}` is not finite at {np.sum(wrong)} of the "
            f"{values.size} points where it is compared, the first at {at}, so no error can be measured; correct "
            f"it, or write a removable singularity as a `sympy.Piecewise`."
        )


def exact(problem: Problem, u, nodes) -> np.ndarray:
    """The closed form on a tensor grid, or at points (n, d), in double precision."""
    scattered = isinstance(nodes, np.ndarray)
    mesh = list(nodes.T) if scattered else np.meshgrid(*nodes, indexing="ij", sparse=True)
    shape = (len(nodes),) if scattered else tuple(len(n) for n in nodes)
    with precision("float64"):
        values = array_function(problem.compared[u].closed, problem.coordinates)(mesh, {})
        return np.broadcast_to(np.asarray(values), shape)


def scattered_points(problem: Problem) -> np.ndarray:
    """Random points (n, d) in the bounds, always the same: a tensor grid of many axes has too few nodes on each."""
    low, high = np.array(problem.domain.bounds).T
    return low + (high - low) * np.random.default_rng(0).uniform(size=(POINTS, len(low)))
