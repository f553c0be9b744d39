"""`Solution`: what a solve returns. Evaluate it, differentiate it, compare, export, save."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import sympy
import xarray

from spindle.errors import ProblemError, RunError, nearest
from spindle.evaluate import Evaluator
from spindle.lowering.compile import array_function
from spindle.methods.base import Method, Plan
from spindle.methods.registry import label
from spindle.objective.errors import error_measures
from spindle.objective.objective import Model
from spindle.problem.problem import Problem
from spindle.rundir import RunDirectory
from spindle.training.history import Clock, History
from spindle.training.precision import precision
from spindle.types import Tabulated


@dataclass
class Run:
    """The numbers of one solve, JSON-ready apart from the history."""

    seed: int = 0
    device: str = ""
    iterations: int = 0
    stopped_by: str = ""
    loss: float = float("nan")
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    seconds: Clock = field(default_factory=Clock)
    peak_memory_bytes: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    history: History = field(default_factory=History)


class Solution:
    """A trained field together with its problem, its method and the record of the run.

    problem, method   as they were given to `solve`
    run               iterations, losses, residuals on fresh points, seconds, history
    """

    def __init__(self, problem: Problem, method: Method, plan: Plan, model: Model, run: Run):
        self.problem, self.method, self.plan, self.model, self.run = problem, method, plan, model, run
        self._evaluators: dict[object, Evaluator] = {}

    def __call__(self, expression=None, **coordinates) -> np.ndarray:
        """Values at points: `solution(x=0.5, y=[0.1, 0.2])`, coordinates broadcast together.

        expression   an unknown, a derivative such as `u.diff(x)`, or any expression; default: the first unknown
        """
        values = np.broadcast_arrays(*[np.asarray(v, float) for v in self._ordered(coordinates)])
        points = np.stack([v.ravel() for v in values], axis=1)
        return self.evaluate(points, expression).reshape(values[0].shape)

    def evaluate(self, points, expression=None) -> np.ndarray:
        """Values (n,) of an expression at points (n, d), columns in the order of the problem's coordinates."""
        points = np.asarray(points, float)
        d = len(self.problem.coordinates)
        if points.ndim != 2 or points.shape[1] != d:
            raise ProblemError(
                f"`solution.evaluate` was given points of shape {points.shape}; it needs (n, {d}), the columns being "
                f"{', '.join(map(str, self.problem.coordinates))}."
            )
        with precision(self.plan.dtype):
            return self._evaluator(expression).at_points(self.model, points)

    def grid(self, expression=None, **axes) -> np.ndarray:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes."""
        nodes = [self._nodes(k, v) for k, v in enumerate(self._ordered(axes))]
        with precision(self.plan.dtype):
            return self._evaluator(expression).on_grid(self.model, nodes)

    def to_xarray(self, **axes) -> xarray.Dataset:
        """A Dataset of all unknowns on a grid, `solution.to_xarray(x=100, y=100)`, with the exact solution if known.

        Points outside the domain are NaN. Save it with `.to_netcdf(file, engine="h5netcdf")`.
        """
        nodes = [self._nodes(k, v) for k, v in enumerate(self._ordered(axes))]
        names = [c.name for c in self.problem.coordinates]
        outside = self._outside(nodes)
        data = {}
        for u in self.problem.unknowns:
            values = self.grid(u, **dict(zip(names, nodes, strict=True)))
            data[u.func.__name__] = (names, np.where(outside, np.nan, values))
            if isinstance(self.problem.reference.get(u), sympy.Basic):
                data[f"{u.func.__name__}_exact"] = (names, np.where(outside, np.nan, self._exact(u, nodes)))
        attributes = {"problem": self.problem.name, "method": label(self.method), "loss": self.run.loss}
        return xarray.Dataset(data, dict(zip(names, nodes, strict=True)), attributes)

    def errors(self) -> dict[str, dict[str, float]]:
        """`{unknown: {"rel_l2", "rmse", "max"}}` against the reference.

        Closed forms are compared on an equidistant grid that includes the ends, of about a million points and at most
        201 an axis (100^3 in three dimensions); tabulated references on their own grid.
        """
        return {
            u.func.__name__: error_measures(self._on(u, nodes), reference)
            for u, (nodes, reference) in self.references.items()
        }

    def error(self) -> float:
        """Relative L2 error against the reference; the largest one where there are several unknowns."""
        errors = self.errors()
        if not errors:
            raise ProblemError(
                f"`solution.error()`: the problem `{self.problem.name}` has no reference solution to compare with; "
                f"pass `reference={{u: exact}}` to `sp.Problem`, or look at `solution.run.residuals`."
            )
        return max(measure["rel_l2"] for measure in errors.values())

    @cached_property
    def references(self) -> dict:
        """For each unknown with a reference: the nodes an axis, and the reference there."""
        found = {}
        d = len(self.problem.coordinates)
        n = min(201, round(1e6 ** (1 / d)))
        for u, value in self.problem.reference.items():
            if isinstance(value, Tabulated):
                found[u] = list(value.axes.values()), value.values
                continue
            nodes = [np.linspace(low, high, n) for low, high in self.problem.domain.bounds]
            found[u] = nodes, np.where(self._outside(nodes), np.nan, self._exact(u, nodes))
        return found

    def measure(self, model: Model) -> dict[str, float]:
        """Relative L2 errors of another model of this solution's plan, by unknown."""
        found = {}
        for u, (nodes, reference) in self.references.items():
            values = self._evaluator(u).on_grid(model, nodes)
            found[u.func.__name__] = error_measures(values, reference)["rel_l2"]
        return found

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters: constants, and estimates."""
        constants = {p.name: p.value for p in self.problem.parameters if p.value is not None}
        return constants | {name: float(value) for name, value in self.model.parameters.items()}

    def record(self) -> dict:
        """The run as one JSON-ready object, as the command line prints it."""
        run = asdict(self.run)
        return {
            "problem": self.problem.name,
            "method": label(self.method),
            "recipe": self.method.recipe,
            "seed": run["seed"],
            "device": run["device"],
            "dtype": self.plan.dtype,
            "parameters": self.model.field.parameters,
            "values": self.parameters,
            "iterations": run["iterations"],
            "stopped_by": run["stopped_by"],
            "errors": run["errors"],
            "loss": run["loss"],
            "residuals": run["residuals"],
            "warnings": run["warnings"],
            "seconds": self.run.seconds.as_dict(),
            "peak_memory_bytes": run["peak_memory_bytes"],
            "settings": self.plan.settings,
            "choices": list(self.plan.choices),
            "versions": run["versions"],
        }

    def __repr__(self):
        error = "".join(f", error {name} {m['rel_l2']:.1e}" for name, m in self.run.errors.items())
        return (
            f"<Solution of {self.problem.name} by {label(self.method)}: {self.run.iterations} steps in "
            f"{self.run.seconds.total:.1f} s, loss {self.run.loss:.1e}{error}>"
        )

    def save(self, directory) -> Path:
        """Write the run to a directory that `sp.load` reads; nothing in it is executable."""
        target = RunDirectory(Path(directory))
        target.prepare(self.problem, self.method, self.plan, self.run.seed)
        leaves = jax.tree.leaves(eqx.filter(self.model, eqx.is_inexact_array))
        target.finish({f"leaf{k}": np.asarray(leaf) for k, leaf in enumerate(leaves)}, self.run, self.record())
        return target.path

    def _on(self, u, nodes) -> np.ndarray:
        with precision(self.plan.dtype):
            return self._evaluator(u).on_grid(self.model, nodes)

    def _exact(self, u, nodes) -> np.ndarray:
        """The closed form on a tensor grid, in double precision."""
        mesh = np.meshgrid(*nodes, indexing="ij", sparse=True)
        with precision("float64"):
            values = array_function(self.problem.reference[u], self.problem.coordinates)(mesh, {})
            return np.broadcast_to(np.asarray(values), tuple(len(n) for n in nodes))

    def _outside(self, nodes) -> np.ndarray:
        shape = tuple(len(n) for n in nodes)
        if len(self.problem.domain.boxes) == 1:
            return np.zeros((1,) * len(shape), bool)
        points = np.stack(np.meshgrid(*nodes, indexing="ij"), -1).reshape(-1, len(nodes))
        return ~self.problem.domain.contains(points).reshape(shape)

    def _evaluator(self, expression) -> Evaluator:
        expression = self.problem.unknowns[0] if expression is None else sympy.sympify(expression)
        if expression not in self._evaluators:
            self._evaluators[expression] = Evaluator(self.plan.problem, self.plan.constraints, expression)
        return self._evaluators[expression]

    def _ordered(self, coordinates: Mapping) -> list:
        names = [c.name for c in self.problem.coordinates]
        for name in coordinates:
            if name not in names:
                raise ProblemError(f"`{name}` is no coordinate of `{self.problem.name}`." + nearest(name, names))
        missing = [name for name in names if name not in coordinates]
        if missing:
            raise ProblemError(
                f"The solution of `{self.problem.name}` depends on {', '.join(names)}, and {', '.join(missing)} was "
                f"not given; pass `{missing[0]}=...`."
            )
        return [coordinates[name] for name in names]

    def _nodes(self, axis, value) -> np.ndarray:
        low, high = self.problem.domain.bounds[axis]
        if isinstance(value, (int, np.integer)):
            return np.linspace(low, high, value)
        return np.atleast_1d(np.asarray(value, float))


def load(directory, given: Mapping | None = None) -> Solution:
    """The solution that `Solution.save`, `solve(out=...)` or the command line wrote.

    given   {name: function} for problems that use `sp.given`, since no file can hold code
    """
    source = RunDirectory(Path(directory))
    problem, method, seed = source.read(given)
    arrays, numbers = source.read_result()
    plan = replace(method.plan(problem), choices=tuple(source.read_info()["choices"]))
    with precision(plan.dtype):
        trainable, static = eqx.partition(plan.build(jax.random.PRNGKey(seed)), eqx.is_inexact_array)
        leaves, structure = jax.tree.flatten(trainable)
        names = [f"leaf{k}" for k in range(len(leaves))]
        if {n: a.shape for n, a in arrays.items()} != {n: a.shape for n, a in zip(names, leaves, strict=True)}:
            raise RunError(f"{source.solution} does not fit the problem and method beside it; the run cannot be read.")
        model = eqx.combine(jax.tree.unflatten(structure, [jax.numpy.asarray(arrays[n]) for n in names]), static)
    return Solution(problem, method, plan, model, Run(**numbers))
