"""`Family`: a parametrised problem solved once, and its members by the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import xarray

from spindle.errors import MethodError, ProblemError
from spindle.networks.lowrank import FamilyField
from spindle.objective.errors import error_measures
from spindle.objective.objective import Model
from spindle.problem.families import checked_values, parameter_values, ranging
from spindle.reduction.build import Reduced
from spindle.reduction.stored import reduced_from_data, reduced_to_data
from spindle.reduction.tuning import with_coefficients
from spindle.rundir import RunDirectory
from spindle.solution import Solution
from spindle.training.checkpoint import load_arrays, reading, save_arrays
from spindle.training.precision import precision
from spindle.types import Tabulated


class Family(Solution):
    """A family after training and reduction: evaluate it like any solution, or ask for members.

    reduced   the reduced network, the points of a query and the calibration of its error estimate
    """

    reduced: Reduced

    @classmethod
    def of(cls, solution: Solution, reduced: Reduced | None = None) -> "Family":
        """The family of a trained solution; reduced now, unless that was done before."""
        assert solution.plan.reduction is not None
        family = cls(solution.given, solution.method, solution.plan, solution.model, solution.run)
        with precision(solution.plan.dtype):
            family.reduced = reduced or solution.plan.reduction.reduce(family.field)
        return family

    @classmethod
    def stored(cls, solution: Solution, directory: RunDirectory) -> "Family":
        """The family of a trained solution, as `save` left it in a run directory."""
        arrays, meta = load_arrays(directory.reduction)
        with reading(directory.reduction), precision(solution.plan.dtype):
            field = solution.model.field
            assert isinstance(field, FamilyField)
            return cls.of(solution, reduced_from_data(field, arrays, meta))

    @property
    def field(self) -> FamilyField:
        """The trained network of the whole family."""
        assert isinstance(self.model.field, FamilyField)
        return self.model.field

    def save(self, directory):
        """Write the run and its reduction to a directory that `sp.load` reads."""
        path = super().save(directory)
        save_arrays(RunDirectory.at(path).reduction, *reduced_to_data(self.reduced))
        return path

    def record(self) -> dict:
        """The run as one JSON-ready object, with what was decided in the reduction."""
        return super().record() | {"reduction": self.reduced.facts}

    def __call__(self, expression=None, **given):
        """A member, `family(nu=0.7, beta=2)`; with coordinates besides, values as given by the hypernetwork alone."""
        names = {p.name for p in ranging(self.problem)}
        if expression is None and given and set(given) <= names:
            return self.many(parameter_values(self.problem, given, "family"))[0]
        return super().__call__(expression, **given)

    def many(self, rows, *, outside: str = "refuse") -> "Members":
        """Members for rows of parameter values (q, p), columns sorted by name; (q,) where there is one parameter.

        outside   what to do with values outside the trained ranges: "refuse", or "allow", where error estimates mean
                  nothing
        Raises ProblemError where rows are no numbers or outside.
        """
        values = checked_values(self.problem, rows, "family.many")
        self._refuse_outside(values, outside)
        return Members(self, values, *self._query(values))

    def _refuse_outside(self, values: np.ndarray, outside: str) -> None:
        if outside not in ("refuse", "allow"):
            raise MethodError(f'`family.many(outside={outside!r})` is not known; write "refuse" or "allow".')
        parameters = ranging(self.problem)
        for k, p in enumerate(parameters):
            low, high = p.bounds
            slack = 1e-12 * (high - low)
            beyond = (values[:, k] < low - slack) | (values[:, k] > high + slack)
            if beyond.any() and outside == "refuse":
                raise ProblemError(
                    f"`family({p.name}={values[beyond, k][0]:g})` is outside the range ({low:g}, {high:g}) that the "
                    f"family was trained on, where neither the solution nor its error estimate means anything; train "
                    f'on a wider range, or pass `outside="allow"` to `family.many` and judge the residuals.'
                )

    @cached_property
    def _query(self):
        assert self.plan.reduction is not None
        return self.plan.reduction.query(self.field, self.reduced)


@dataclass(frozen=True, eq=False)
class Members:
    """Members of a family, in the order in which they were asked for.

    values         parameters (q, p), columns sorted by name
    coefficients   of the low-rank layers, (q, n_s)
    residual       root mean square of the weighted residuals on points that were not looked at, (q,)
    start          the same with the hypernetwork's coefficients: where tuning gained nothing both agree
    """

    family: Family
    values: np.ndarray
    coefficients: np.ndarray
    residual: np.ndarray
    start: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        """Estimated relative L2 error of each, (q,): the residual times the factor of the calibration members."""
        return self.residual * self.family.reduced.factor

    def __len__(self):
        return len(self.values)

    def __getitem__(self, k: int) -> "Member":
        return Member(self.family, self.values[k], self.coefficients[k], float(self.residual[k]), float(self.start[k]))

    def __iter__(self):
        return (self[k] for k in range(len(self)))


@dataclass(frozen=True, eq=False)
class Member:
    """One member of a family: call it at coordinates, or take it on a grid.

    values, coefficients, residual, start   see `Members`
    """

    family: Family
    values: np.ndarray
    coefficients: np.ndarray
    residual: float
    start: float

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        names = [p.name for p in ranging(self.family.problem)]
        return dict(zip(names, map(float, self.values), strict=True))

    @property
    def estimate(self) -> float:
        """Estimated relative L2 error."""
        return self.residual * self.family.reduced.factor

    def __call__(self, expression=None, **coordinates) -> np.ndarray:
        """Values at points: `member(t=0.5, x=[0.1, 0.2])`, as `Solution` gives them."""
        self._refuse_parameters(coordinates)
        return Solution.__call__(self._solution, expression, **coordinates, **self.parameters)

    def grid(self, expression=None, **axes) -> np.ndarray:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes."""
        self._refuse_parameters(axes)
        values = self._solution.grid(expression, **axes, **self._fixed)
        return values.reshape(values.shape[: values.ndim - len(self.values)])

    def to_xarray(self, **axes) -> xarray.Dataset:
        """A Dataset of all unknowns on a grid, with the exact solution if known."""
        self._refuse_parameters(axes)
        return self._solution.to_xarray(**axes, **self._fixed).squeeze(list(self.parameters))

    def errors(self) -> dict[str, dict[str, float]]:
        """`{unknown: measures}` against the reference, where this member has one."""
        problem = self.family.given.at(**self.parameters)
        found = {}
        for u, reference in problem.reference.items():
            if isinstance(reference, Tabulated):
                axes, wanted = dict(reference.axes), np.asarray(reference.values)
                values = self.grid(self._wide(u), **axes)
            else:
                data = self.to_xarray(**{c.name: 101 for c in problem.coordinates})
                values, wanted = (data[name].values for name in (u.func.__name__, f"{u.func.__name__}_exact"))
            found[u.func.__name__] = error_measures(values, wanted)
        return found

    def error(self) -> float:
        """Relative L2 error against the reference; the largest of several unknowns."""
        errors = self.errors()
        if not errors:
            raise ProblemError(
                f"`member.error()`: the problem `{self.family.problem.name}` has no reference at {self.parameters}; "
                f"look at `member.estimate`."
            )
        return max(measures["rel_l2"] for measures in errors.values())

    def __repr__(self):
        values = ", ".join(f"{name}={value:g}" for name, value in self.parameters.items())
        return f"<{self.family.problem.name} at {values}: estimated relative error {self.estimate:.1e}>"

    @property
    def _fixed(self) -> dict[str, list[float]]:
        return {name: [value] for name, value in self.parameters.items()}

    @cached_property
    def _solution(self) -> Solution:
        """The family with these coefficients, whatever its parameter axes say; it shares what is compiled."""
        copy = Solution.__new__(Solution)
        copy.__dict__ |= {k: v for k, v in self.family.__dict__.items() if k != "references"}
        with precision(self.family.plan.dtype):
            field = with_coefficients(self.family.field, jnp.asarray(self.coefficients))
        copy.model = Model(field, self.family.model.parameters)
        return copy

    def _wide(self, u):
        """The unknown of one member as the unknown of the family."""
        return next(v for v in self.family.problem.unknowns if v.func.__name__ == u.func.__name__)

    def _refuse_parameters(self, given: Mapping) -> None:
        for name in given:
            if name in self.parameters:
                raise ProblemError(
                    f"`member({name}=...)`: a member has its parameters already, {self.parameters}; ask the family, "
                    f"`family({name}=...)`."
                )
