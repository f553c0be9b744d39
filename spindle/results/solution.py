"""`Solution`: what a solve returns. Evaluate it, differentiate it, compare, export, save."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np
import sympy

from spindle.errors import MethodError, ProblemError, usage
from spindle.methods.base import Method, Plan
from spindle.methods.registry import label
from spindle.networks.model import Model
from spindle.problem.families import family_parameters, parameter_values
from spindle.problem.problem import Problem
from spindle.problem.windows import by_window, time_axis
from spindle.reduction.build import Reduced
from spindle.results.axes import floats, nodes_of, ordered
from spindle.results.directory import RunDirectory
from spindle.results.evaluator import Evaluator, inside, measured
from spindle.results.members import Member, Members, checked_inside
from spindle.results.presented import Presented, attributes_of, with_units
from spindle.results.presenter import presenter
from spindle.results.record import record_of
from spindle.results.reduced import reduced_to_data
from spindle.results.references import exact
from spindle.results.run_record import RunRecord
from spindle.results.summary import as_html, as_text, error_in_words, summary
from spindle.results.uncertainty import Uncertainty, uncertainty
from spindle.results.verdict import Verdict, judge
from spindle.storage.arrays import save_arrays
from spindle.storage.lock import Lock
from spindle.storage.records import Measures
from spindle.symbolic.complex_parts import of_both_parts, split
from spindle.symbolic.symbols import unknowns_in

if TYPE_CHECKING:  # it takes a third of a second, and few ask for it
    import xarray


@usage("solution = spd.solve(problem, spd.SPINN())")
@dataclass(frozen=True, eq=False, repr=False)
class Solution(Presented):
    """A trained field together with its problem, its method and the record of the run. Nothing in it changes.

    method      as it was given to `solve`
    evaluator   problem and plan, and how expressions are evaluated
    model       what was trained
    run         iterations, losses, residuals on fresh points, seconds, history
    reduced     of a family by a low-rank method: what queries need besides the trained field
    windows     the solutions of the windows in time, in order; none where time is solved at once. The model is that of
                the last one
    """

    method: Method
    evaluator: Evaluator
    model: Model
    run: RunRecord
    reduced: Reduced | None = None
    windows: tuple["Solution", ...] = ()

    @property
    def given(self) -> Problem:
        """The problem as it was given to `solve`."""
        return self.evaluator.given

    @property
    def problem(self) -> Problem:
        """The problem; the parameters of a family are its last coordinates."""
        return self.evaluator.problem

    @property
    def plan(self) -> Plan:
        """What the method decided before training."""
        return self.evaluator.plan

    def with_model(self, model: Model) -> "Solution":
        """The same with another model; what was compiled is shared."""
        return replace(self, model=model)

    def with_method(self, method: Method) -> "Solution":
        """The same with the method as it was handed in, where only its settings in full are on record."""
        return replace(self, method=method)

    def with_record(self, **numbers) -> "Solution":
        """The same with other numbers in its record, for what is known of it later."""
        return replace(self, run=replace(self.run, **numbers))

    @usage("solution(x=0.5, y=[0.1, 0.2])` or `solution(u.diff(x), x=0.5, y=0.2)", name="solution")
    def __call__(self, expression=None, **coordinates) -> Any:
        """Values at points: `solution(x=0.5, y=[0.1, 0.2])`, coordinates broadcast together; NaN outside the domain.

        expression   an unknown, a derivative such as `u.diff(x)`, or any expression; default: the first unknown

        Values of a complex unknown are complex, and `I`, `Abs`, `conjugate`, `re` and `im` may be used with it.
        Of a family, parameters alone give a `Member`, which takes coordinates in turn: `family(nu=0.7, beta=2)`.
        """
        parameters = {p.name for p in family_parameters(self.problem)}
        if parameters and expression is None and {*coordinates} <= parameters:
            return self._member(parameter_values(self.problem, coordinates, "solution"))
        coordinates = self._unneeded(expression) | coordinates
        given = [floats(f"coordinate {name}", v) for name, v in ordered(self.problem, coordinates).items()]
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
                f"stopped before ({self.run.stopped_by}); continue it, `spd.resume(directory)`."
            )
        if self.reduced is None:
            raise MethodError(
                f"`solution.many` tunes the members of a family by a low-rank method, and this is a solution of "
                f"`{self.problem.name}` by {label(self.method)}; solve with `spd.FastLRNR()`, or evaluate at points, "
                f"`solution({', '.join(f'{c}=...' for c in self.problem.coordinates)})`."
            )
        values = checked_inside(self.problem, rows, outside)
        return Members(self, values, *self._query(values))

    def _member(self, values: np.ndarray) -> Member:
        """The member with these parameters (1, p), tuned where the method tunes."""
        if self.plan.reduction is not None:
            return self.many(values)[0]
        return Member(self, checked_inside(self.problem, values, "refuse")[0])

    @cached_property
    def _query(self):
        return self.plan.reduction.query(self.reduced)

    @usage("solution.evaluate(points)` or `solution.evaluate(points, u.diff(x))", name="solution.evaluate")
    def evaluate(self, points, expression=None) -> np.ndarray:
        """Values (n,) of an expression at points (n, d), columns in the order of the problem's coordinates.

        Points outside the domain are NaN: nothing is known of the field there.
        Raises ProblemError where points are no such array, or the expression contains other symbols.
        """
        points = floats("points", points)
        d = len(self.problem.coordinates)
        if points.ndim != 2 or points.shape[1] != d:
            raise ProblemError(
                f"`solution.evaluate` was given points of shape {points.shape}; it needs (n, {d}), the columns being "
                f"{', '.join(map(str, self.problem.coordinates))}."
            )
        return inside(self.problem, points, self.values_on(expression, points))

    @usage("solution.grid(x=101, y=101)` or `solution.grid(u.diff(x), x=101, y=101)", name="solution.grid")
    def grid(self, expression=None, **axes) -> np.ndarray:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes.

        Points outside the domain are NaN.
        """
        nodes = nodes_of(self.problem, axes)
        return inside(self.problem, nodes, self.values_on(expression, nodes))

    @usage("solution.to_xarray(x=100, y=100)", name="solution.to_xarray")
    def to_xarray(self, *, units: Mapping[str, str] | None = None, **axes) -> "xarray.Dataset":
        """A Dataset of all unknowns and quantities on a grid, `solution.to_xarray(x=100, y=100)`.

        units   {name of a coordinate or field: its unit}, kept as attributes

        Exact solutions that are known stand beside them, `u_exact`. Points outside the domain are NaN. The attributes
        say which problem and method it is, with all settings, seed, verdict and versions. `to_netcdf` writes it.
        """
        import xarray

        nodes = nodes_of(self.problem, axes)
        names = [c.name for c in self.problem.coordinates]
        masked = partial(inside, self.problem, nodes)
        data = {}
        for name, u in self.problem.fields.items():
            data[name] = (names, masked(self.values_on(u, nodes)))
            if u in self.problem.compared and self.problem.compared[u].closed is not None:
                data[f"{name}_exact"] = (names, masked(exact(self.problem, u, nodes)))
        dataset = xarray.Dataset(data, dict(zip(names, nodes, strict=True)), attributes_of(self))
        return with_units(dataset, units or {})

    @property
    def posed(self) -> Problem:
        """The problem, as `problem`: what its fields are drawn and exported over."""
        return self.problem

    @property
    def whole(self) -> "Solution":
        """The solution itself."""
        return self

    @usage('solution.report("a.html")', name="solution.report")
    def report(self, path) -> Path:
        """Write the report of the solution, one HTML file that needs no network, and return its path.

        path   of the file; missing folders are made, and an older report is replaced whole

        Pictures are computed anew, which takes a few seconds.

            solution.report("heat.html")
        """
        return presenter().report(self, path)

    def explore(self):
        """A widget for a notebook: a slider for each parameter, coordinate or instant, the picture redrawn as it moves.

        Needs the extra `explore` (ipywidgets); `spindle explore` shows a saved family in the browser.
        Raises RunError where it is missing.
        """
        return presenter().explore(self)

    def __copy__(self) -> "Solution":
        """The solution itself: nothing in it changes."""
        return self

    def __deepcopy__(self, memory) -> "Solution":
        """The solution itself: nothing in it changes."""
        return self

    def errors(self) -> dict[str, Measures]:
        """`{unknown or quantity: {"rel_l2", "rmse", "max"}}` against the reference.

        The relative error is None where the reference is zero everywhere.

        Closed forms are compared on an equidistant grid that includes the ends, of about a million points and at most
        201 an axis (100^3 in three dimensions), or at 20,000 random points beyond six axes, on shapes and of families
        beyond two; tabulated references on their grid.
        """
        if self.windows:
            return errors_in_windows(self.evaluator, self.windows)
        return self.evaluator.errors(self.model)

    def error(self) -> float:
        """Relative L2 error against the reference; the largest one where there are several unknowns.

        Raises ProblemError where there is no reference, or where it is zero everywhere.
        """
        errors = self.errors()
        if not errors:
            raise ProblemError(
                f"`solution.error()`: the problem `{self.problem.name}` has no reference solution to compare with; "
                f"pass `reference={{u: exact}}` to `spd.Problem`, or look at `solution.run.residuals`."
            )
        relative = [m["rel_l2"] for m in errors.values() if m["rel_l2"] is not None]
        if not relative:
            raise ProblemError(
                f"`solution.error()` is relative to the size of the reference, and that of {', '.join(errors)} is zero "
                f'everywhere; look at the absolute errors, `solution.errors()["{next(iter(errors))}"]["rmse"]`.'
            )
        return max(relative)

    @property
    def references(self) -> dict:
        """Where each unknown or quantity with a reference is compared, and the reference there; see `references`."""
        return self.evaluator.references

    @property
    def size(self) -> int:
        """Number of trained numbers."""
        return sum(part.model.field.parameters for part in self.windows or [self])

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters: constants, and estimates."""
        constants = {p.name: p.value for p in self.problem.parameters if p.value is not None}
        return constants | self.model.numbers

    def uncertainty(self) -> Uncertainty:
        """Standard errors and correlations of estimated parameters, by the noise of the measurements; seconds.

        `print(solution.uncertainty())` shows `k = 0.3000 ± 0.0021`; see `Uncertainty`. Of parameters that training has
        not found it says nothing.
        Raises MethodError where nothing is estimated from measurements, or too much is trained.
        """
        return uncertainty(self.evaluator, self.model, self.run.grown, self.run.seed)

    def record(self) -> dict:
        """The run as one JSON-ready object, as the command line prints it."""
        return record_of(self)

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

        It rests on the residuals on fresh points, each against its terms, the estimate of the error where there is
        one, how training ended, what of time and of the axes was reached, and what is known of the problem.
        """
        return judge(self.run)

    @property
    def warnings(self) -> list[str]:
        """Sentences on what is to be doubted about the result; empty where nothing is known to be."""
        return list(self.run.warnings)

    def summary(self) -> str:
        """What is known of the solution, one line a matter: errors, residuals, seconds, choices, warnings.

        It is what `spd.solve` prints at its end and what `print(solution)` shows.
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
        """Write the run to a directory that `spd.load` reads; nothing in it is executable."""
        target = RunDirectory.at(directory)
        with Lock(target.path) as lock:
            lock.acquire()
            target.prepare(self.given, self.plan, self.run.seed)
            return self.store(target)

    def store(self, target: RunDirectory) -> Path:
        """Write the numbers into a directory that is prepared, those of each window into one of its own."""
        for number, part in enumerate(self.windows):
            part.store(target.window(number))
        if self.reduced is not None:
            arrays, meta = reduced_to_data(self.reduced)
            save_arrays(target.reduction, arrays, meta | {"mark": target.fingerprint, "steps": self.run.iterations})
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
        used = self.model if model is None else model

        def of(real) -> Callable:
            return self.evaluator.compiled(real).traced(used)

        real, imaginary = split(self.evaluator.meant(expression))
        if imaginary == 0:
            return of(real)
        return lambda *where: of(real)(*where) + 1j * of(imaginary)(*where)

    def values_on(self, expression, where) -> np.ndarray:
        """Values at points (n, d) or on the grid of a list of axes, wherever these lie."""
        if self.windows:
            return values_in_windows(self.problem, self.windows, self.evaluator.meant(expression), where)
        return self.evaluator.values(self.model, expression, where)

    def _unneeded(self, expression) -> dict[str, float]:
        """Some value for each coordinate on which an expression of unknowns of fewer coordinates does not depend."""
        fields = unknowns_in(expression) if isinstance(expression, sympy.Expr) else []
        if not fields or not all(u in self.problem.spread for u in fields):
            return {}
        ends = zip(self.problem.coordinates, self.problem.domain.bounds, strict=True)
        return {c.name: (a + b) / 2 for c, (a, b) in ends if c not in expression.free_symbols}


def values_in_windows(problem: Problem, windows: Sequence[Solution], expression, where) -> np.ndarray:
    """Values at points (n, d) or on the grid of a list of axes, NaN beyond the last window."""
    axis = time_axis(problem)
    ends = [window.problem.domain.bounds[axis][1] for window in windows]

    def values(real) -> np.ndarray:
        return by_window(ends, axis, where, lambda number, queried: windows[number].values_on(real, queried))

    return of_both_parts(expression, values)


def errors_in_windows(evaluator: Evaluator, windows: Sequence[Solution]) -> dict[str, Measures]:
    """The errors of all windows together, as `Solution.errors` gives them."""
    problem, errors = evaluator.problem, {}
    for u, (nodes, reference) in evaluator.references.items():
        values = values_in_windows(problem, windows, u, nodes)
        # Of windows that are not solved yet nothing is known.
        errors[problem.name_of(u)] = measured(values, np.where(np.isfinite(values), reference, np.nan))
    return errors
