"""`Solution`: what a solve returns. Evaluate it, differentiate it, compare, export, save."""

import numbers
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import sympy
import xarray

from spindle.errors import MethodError, ProblemError, nearest, usage
from spindle.evaluate import Evaluator
from spindle.lock import Lock
from spindle.members import Members, checked_inside
from spindle.methods.base import Method, Plan
from spindle.methods.registry import label
from spindle.objective.errors import error_measures
from spindle.objective.objective import Model
from spindle.problem.expressions import expression_of
from spindle.problem.families import parameter_values, ranging, spanned
from spindle.problem.problem import Problem
from spindle.problem.symbols import Parameter, by_name
from spindle.problem.windows import by_window, time_axis
from spindle.problem.words import shown
from spindle.reduction.build import Reduced
from spindle.reduction.stored import reduced_to_data
from spindle.references import exact, references
from spindle.rundir import RunDirectory
from spindle.summary import as_html, as_text, error_in_words, summary
from spindle.training.checkpoint import save_arrays
from spindle.training.history import Clock, History
from spindle.training.precision import precision
from spindle.verdict import Verdict, judge


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
    errors: dict[str, dict[str, float | None]] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    seconds: Clock = field(default_factory=Clock)
    peak_memory_bytes: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    history: History = field(default_factory=History)
    grown: list[dict] = field(default_factory=list)
    classical: dict | None = None
    windows: list[dict] = field(default_factory=list)
    averages: dict[str, list[float]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    misfits: dict[str, float] = field(default_factory=dict)
    reached: dict[str, Any] = field(default_factory=dict)
    error_estimate: dict = field(default_factory=dict)
    unresolved: dict[str, float] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@usage("solution = sp.solve(problem, sp.SPINN())")
class Solution:
    """A trained field together with its problem, its method and the record of the run.

    problem, method   as they were given to `solve`; the parameters of a family are the last coordinates of `problem`
    given             the problem before that
    reduced           of a family by a low-rank method: what queries need besides the trained field
    windows           the solutions of the windows in time, in order; none where time is solved at once. The model is
                      that of the last one
    begins, carried   of a window in time: the instant at which the time of its plan is 0, and what the window before
                      handed over
    run               iterations, losses, residuals on fresh points, seconds, history
    """

    def __init__(
        self,
        problem: Problem,
        method: Method,
        plan: Plan,
        model: Model,
        run: Run,
        reduced: Reduced | None = None,
        windows: Sequence["Solution"] = (),
    ):
        self.given, self.problem = problem, spanned(problem)
        self.method, self.plan, self.model, self.run = method, plan, model, run
        self.reduced, self.windows = reduced, tuple(windows)
        self.begins: float = 0.0
        self.pace: float = 1.0
        self.carried: Mapping[str, Any] = {}

    @usage("solution(x=0.5, y=[0.1, 0.2])` or `solution(u.diff(x), x=0.5, y=0.2)", name="solution")
    def __call__(self, expression=None, **coordinates) -> Any:
        """Values at points: `solution(x=0.5, y=[0.1, 0.2])`, coordinates broadcast together; NaN outside the domain.

        expression   an unknown, a derivative such as `u.diff(x)`, or any expression; default: the first unknown

        Of a family by a low-rank method, parameters alone give a member: `solution(nu=0.7, beta=2)`.
        """
        parameters = {p.name for p in ranging(self.problem)}
        if self.reduced is not None and expression is None and {*coordinates} <= parameters:
            return self.many(parameter_values(self.problem, coordinates, "solution"))[0]
        given = [_floats(f"coordinate {name}", v) for name, v in self._ordered(coordinates).items()]
        try:
            values = np.broadcast_arrays(*given)
        except ValueError as error:
            raise ProblemError(
                f"`solution(...)` was given coordinates of shapes {', '.join(str(v.shape) for v in given)}, which do "
                f"not broadcast together; give arrays of one shape, or use `solution.grid` for a tensor grid."
            ) from error
        points = np.stack([v.ravel() for v in values], axis=1)
        return self.evaluate(points, expression).reshape(values[0].shape)

    @usage("solution.many([[0.7, 2.0]])", name="solution.many")
    def many(self, rows, *, outside: str = "refuse") -> Members:
        """Members of a family for rows of parameter values (q, p), columns sorted by name; (q,) for one parameter.

        outside   what to do with values outside the trained ranges: "refuse", or "allow", where error estimates mean
                  nothing
        Each is tuned in one compiled call for all, by a low-rank method; the first call of a size q compiles.
        Raises ProblemError where rows are no numbers or outside, MethodError where the solution is of no such method.
        """
        if self.reduced is None and self.plan.reduction is not None:
            raise MethodError(
                f"`solution.many` needs a family that was trained to its end, and this run of `{self.problem.name}` "
                f"stopped before ({self.run.stopped_by}); continue it, `sp.resume(directory)`."
            )
        if self.reduced is None:
            raise MethodError(
                f"`solution.many` tunes the members of a family by a low-rank method, and this is a solution of "
                f"`{self.problem.name}` by {label(self.method)}; solve with `sp.FastLRNR()`, or evaluate at points, "
                f"`solution({', '.join(f'{c}=...' for c in self.problem.coordinates)})`."
            )
        values = checked_inside(self.problem, rows, outside)
        return Members(self, values, *self._query(values))

    @cached_property
    def _query(self):
        return self.plan.reduction.query(self.reduced)

    def with_model(self, model: Model) -> "Solution":
        """The same with another model; what was compiled is shared."""
        other = copy(self)
        other.model = model
        return other

    @usage("solution.evaluate(points)` or `solution.evaluate(points, u.diff(x))", name="solution.evaluate")
    def evaluate(self, points, expression=None) -> np.ndarray:
        """Values (n,) of an expression at points (n, d), columns in the order of the problem's coordinates.

        Points outside the domain are NaN: nothing is known of the field there.
        """
        points = _floats("points", points)
        d = len(self.problem.coordinates)
        if points.ndim != 2 or points.shape[1] != d:
            raise ProblemError(
                f"`solution.evaluate` was given points of shape {points.shape}; it needs (n, {d}), the columns being "
                f"{', '.join(map(str, self.problem.coordinates))}."
            )
        return np.where(self.problem.domain.contains(points), self._on(expression, points), np.nan)

    @usage("solution.grid(x=101, y=101)` or `solution.grid(u.diff(x), x=101, y=101)", name="solution.grid")
    def grid(self, expression=None, **axes) -> np.ndarray:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes.

        Points outside the domain are NaN.
        """
        nodes = self._nodes(axes)
        return np.where(self.problem.domain.contains_grid(nodes), self._on(expression, nodes), np.nan)

    @usage("solution.to_xarray(x=100, y=100)", name="solution.to_xarray")
    def to_xarray(self, **axes) -> xarray.Dataset:
        """A Dataset of all unknowns and quantities on a grid, `solution.to_xarray(x=100, y=100)`.

        Exact solutions that are known stand beside them, `u_exact`. Points outside the domain are NaN. Save it with
        `.to_netcdf(file, engine="h5netcdf")`.
        """
        nodes = self._nodes(axes)
        names = [c.name for c in self.problem.coordinates]
        inside = self.problem.domain.contains_grid(nodes)
        data = {}
        for name, u in self.problem.shown.items():
            data[name] = (names, np.where(inside, self._on(u, nodes), np.nan))
            if isinstance(self.problem.compared.get(u), sympy.Basic):
                data[f"{name}_exact"] = (names, np.where(inside, exact(self.problem, u, nodes), np.nan))
        attributes = {"problem": self.problem.name, "method": label(self.method), "loss": self.run.loss}
        return xarray.Dataset(data, dict(zip(names, nodes, strict=True)), attributes)

    def errors(self) -> dict[str, dict[str, float | None]]:
        """`{unknown or quantity: {"rel_l2", "rmse", "max"}}` against the reference.

        The relative error is None where the reference is zero everywhere.

        Closed forms are compared on an equidistant grid that includes the ends, of about a million points and at most
        201 an axis (100^3 in three dimensions), or at 20,000 random points beyond six axes, on shapes and of families
        beyond two; tabulated references on their own grid.
        """
        return {
            self.problem.name_of(u): self._measured(u, nodes, reference)
            for u, (nodes, reference) in self.references.items()
        }

    def _measured(self, u, nodes, reference) -> dict[str, float | None]:
        values = self._on(u, nodes)
        # Of windows that are not solved yet nothing is known.
        return _measured(values, np.where(np.isfinite(values), reference, np.nan) if self.windows else reference)

    def error(self) -> float:
        """Relative L2 error against the reference; the largest one where there are several unknowns."""
        errors = self.errors()
        if not errors:
            raise ProblemError(
                f"`solution.error()`: the problem `{self.problem.name}` has no reference solution to compare with; "
                f"pass `reference={{u: exact}}` to `sp.Problem`, or look at `solution.run.residuals`."
            )
        relative = [m["rel_l2"] for m in errors.values() if m["rel_l2"] is not None]
        if not relative:
            raise ProblemError(
                f"`solution.error()` is relative to the size of the reference, and that of {', '.join(errors)} is zero "
                f'everywhere; look at the absolute errors, `solution.errors()["{next(iter(errors))}"]["rmse"]`.'
            )
        return max(relative)

    @cached_property
    def references(self) -> dict:
        """Where each unknown or quantity with a reference is compared, and the reference there; see `references`."""
        return references(self.problem)

    def measure(self, model: Model) -> dict[str, float]:
        """Relative L2 errors of another model of this solution's plan, by unknown, where they exist."""
        found = {}
        for u, (nodes, reference) in self.references.items():
            values = self._evaluator(u).at(model, self._in_its_time(nodes), self.carried)
            relative = _measured(values, reference)["rel_l2"]
            if relative is not None:
                found[self.problem.name_of(u)] = relative
        return found

    @property
    def size(self) -> int:
        """Number of trained numbers."""
        return sum(own.model.field.parameters for own in self.windows or [self])

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters: constants, and estimates."""
        constants = {p.name: p.value for p in self.problem.parameters if p.value is not None}
        return constants | self.model.numbers

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
            "parameters": self.size,
            "values": self.parameters,
            "iterations": run["iterations"],
            "stopped_by": run["stopped_by"],
            "errors": run["errors"],
            "loss": run["loss"],
            "residuals": run["residuals"],
            **{n: run[n] for n in ("error_estimate", "classical", "windows", "reached", "averages") if run[n]},
            "verdict": self.verdict.as_dict(),
            "warnings": run["warnings"],
            "seconds": self.run.seconds.as_dict(),
            "peak_memory_bytes": run["peak_memory_bytes"],
            "settings": {
                k: str(v) if isinstance(v, sympy.Basic) else v for k, v in self.plan.settings.as_dict().items()
            },
            "choices": self.choices,
            **({"reduction": self.reduced.facts} if self.reduced else {}),
            "versions": run["versions"],
        }

    @property
    def choices(self) -> list[str]:
        """Sentences: what the method decided before training, while it trained, and after."""
        later = self.reduced.choices if self.reduced else []
        return [*self.plan.choices, *(entry["what"] for entry in self.run.grown), *later]

    @property
    def method_name(self) -> str:
        """The name under which the method is listed, such as `spinn`."""
        return label(self.method)

    @property
    def verdict(self) -> Verdict:
        """ "solved", "doubtful" or "not solved", with the reasons: `solution.verdict.word`, `solution.verdict.reasons`.

        It rests on the residuals on fresh points, each against its own terms, the estimate of the error where there is
        one, how training ended, what of time and of the axes was reached, and what is known of the problem.
        """
        return judge(self.run)

    @property
    def warnings(self) -> list[str]:
        """Sentences on what is to be doubted about the result; empty where nothing is known to be."""
        return self.run.warnings

    def summary(self) -> str:
        """What is known of the solution, one line a matter: errors, residuals, seconds, choices, warnings.

        It is what `sp.solve` prints at its end and what `print(solution)` shows.
        """
        return as_text(summary(self))

    def __str__(self):
        return self.summary()

    def _repr_html_(self) -> str:
        return as_html(summary(self))

    def __repr__(self):
        error = "".join(f", error {name} {error_in_words(measures)}" for name, measures in self.run.errors.items())
        return (
            f"<Solution of {self.problem.name} by {label(self.method)}: {self.run.iterations} steps in "
            f"{self.run.seconds.total:.1f} s, loss {self.run.loss:.1e}{error}>"
        )

    @usage('solution.save("runs/first")', name="solution.save")
    def save(self, directory) -> Path:
        """Write the run to a directory that `sp.load` reads; nothing in it is executable."""
        target = RunDirectory.at(directory)
        with Lock(target.path) as lock:
            lock.take()
            target.prepare(self.given, self.plan, self.run.seed)
            return self.store(target)

    def store(self, target: RunDirectory) -> Path:
        """Write the numbers into a directory that is prepared, those of each window into one of its own."""
        for number, own in enumerate(self.windows):
            own.store(target.window(number))
        if self.reduced is not None:
            arrays, meta = reduced_to_data(self.reduced)
            save_arrays(target.reduction, arrays, meta | {"mark": target.mark, "steps": self.run.iterations})
        return self.conclude(target)

    def conclude(self, target: RunDirectory) -> Path:
        """Write the run as a whole into a directory that holds its windows already, if it has any."""
        leaves = [] if self.windows else jax.tree.leaves(eqx.filter(self.model, eqx.is_inexact_array))
        target.finish({f"leaf{k}": np.asarray(leaf) for k, leaf in enumerate(leaves)}, self.run, self.record())
        return target.path

    def traced(self, expression, model: Model | None = None) -> Callable:
        """An expression as a function that JAX can trace: one array a coordinate, which broadcast together.

        Of a window in time, its time is that of its plan.
        """
        return self._evaluator(expression).traced(self.model if model is None else model)

    def values_on(self, expression, where) -> np.ndarray:
        """Values at points (n, d) or on the grid of a list of axes, wherever these lie."""
        return self._on(expression, where)

    def _on(self, expression, where) -> np.ndarray:
        if self.windows:
            axis = time_axis(self.problem)
            ends = [window.problem.domain.bounds[axis][1] for window in self.windows]
            return by_window(ends, axis, where, lambda number, own: self.windows[number]._on(expression, own))
        with precision(self.plan.dtype):
            return self._evaluator(expression).at(self.model, self._in_its_time(where), self.carried)

    def _in_its_time(self, where):
        """Points or axes in the time of the plan."""
        if not self.begins and self.pace == 1:
            return where
        axis = time_axis(self.problem)
        if isinstance(where, np.ndarray):
            moved = self.pace * (where[:, axis] - self.begins)
            return np.concatenate([where[:, :axis], moved[:, None], where[:, axis + 1 :]], axis=1)
        return [self.pace * (nodes - self.begins) if k == axis else nodes for k, nodes in enumerate(where)]

    def _evaluator(self, expression) -> Evaluator:
        expression = self.problem.unknowns[0] if expression is None else self._checked(expression)
        known = self.plan.evaluators
        if expression not in known:
            known[expression] = Evaluator(self.plan.problem, self.plan.constraints, self.plan.posed(expression))
        return known[expression]

    def _checked(self, expression):
        call = f"solution({shown(expression)})"
        if isinstance(expression, (numbers.Number, np.ndarray)):
            names = ", ".join(f"{c}=..." for c in self.problem.coordinates)
            raise ProblemError(
                f"`{call}` was given a number where an expression belongs; coordinates go by name, `solution({names})`."
            )
        if isinstance(expression, sympy.MatrixBase):
            raise ProblemError(
                f"`{call}` asks for {len(expression)} components at once; ask for one after the other, "
                f"`[solution(e, ...) for e in v]`."
            )
        found = by_name(expression_of(expression, call), self.problem.coordinates)
        known = [*self.problem.coordinates, *self.problem.parameters]
        constants = {p for p in found.atoms(Parameter) if p.value is not None}
        for stray in sorted(found.free_symbols - set(known) - constants, key=str):
            raise ProblemError(
                f"`{call}` contains `{stray}`, which is neither a coordinate nor a parameter of `{self.problem.name}`; "
                f"put a number in its place." + nearest(str(stray), map(str, known))
            )
        return found

    def _ordered(self, coordinates: Mapping) -> dict:
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
        return {name: coordinates[name] for name in names}

    def _nodes(self, axes) -> list[np.ndarray]:
        """The nodes of each axis, from numbers of nodes or the nodes themselves."""
        found = []
        for (name, value), (low, high) in zip(self._ordered(axes).items(), self.problem.domain.bounds, strict=True):
            if isinstance(value, (int, np.integer)):
                nodes = np.linspace(low, high, max(0, int(value)))
            else:
                nodes = np.atleast_1d(_floats(f"axis {name}", value))
            if nodes.ndim != 1 or not nodes.size:
                raise ProblemError(
                    f"`solution.grid({name}={shown(value)})` needs a number of nodes, at least 1, or a row of nodes; "
                    f"write `{name}=101`."
                )
            found.append(nodes)
        return found


def _measured(values, reference) -> dict[str, float | None]:
    """Error measures, without a relative one where the reference is zero everywhere."""
    with np.errstate(over="ignore", invalid="ignore"):  # of a field that is on its way to divergence
        found: dict[str, float | None] = {**error_measures(values, reference)}
    return found if np.any(reference[np.isfinite(reference)]) else found | {"rel_l2": None}


def _floats(what, value) -> np.ndarray:
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"The solution was asked for {what} = {shown(value)}, which are no numbers; give floats."
        ) from error
