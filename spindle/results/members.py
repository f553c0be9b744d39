"""Members of a parametrised family, as its solution answers for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from spindle.errors import MethodError, ProblemError, shown
from spindle.networks.model import Model
from spindle.objective.errors import error_measures
from spindle.problem.families import checked_values, family_parameters
from spindle.problem.problem import Problem
from spindle.reduction.tuning import with_coefficients
from spindle.results.presented import Presented
from spindle.training.precision import precision

if TYPE_CHECKING:
    import xarray


def checked_inside(problem: Problem, rows, outside: str) -> np.ndarray:
    """Rows of parameter values (q, p); raises ProblemError where they are none, or outside what was trained."""
    if outside not in ("refuse", "allow"):
        raise MethodError(f'`solution.many(outside={shown(outside)})` is not known; write "refuse" or "allow".')
    values = checked_values(problem, rows, "solution.many")
    for k, p in enumerate(family_parameters(problem)):
        low, high = p.bounds
        slack = 1e-12 * (high - low)
        beyond = (values[:, k] < low - slack) | (values[:, k] > high + slack)
        if beyond.any() and outside == "refuse":
            raise ProblemError(
                f"The family was asked for {p.name}={values[beyond, k][0]:g}, outside the range ({low:g}, {high:g}) "
                f"that it was trained on, where neither the solution nor its error estimate means anything; train on a "
                f'wider range, or pass `outside="allow"` to `solution.many` and judge the residuals.'
            )
    return values


@dataclass(frozen=True, eq=False)
class Members:
    """Some members of a family, in the order in which they were asked for.

    solution       of the family
    values         parameters (q, p), columns sorted by name
    coefficients   of the low-rank layers, (q, n_s)
    residual       root mean square of the weighted residuals on points that were not looked at, (q,)
    start          the same with the hypernetwork's coefficients: where tuning gained nothing both agree
    """

    solution: Any
    values: np.ndarray
    coefficients: np.ndarray
    residual: np.ndarray
    start: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        """Estimated relative L2 error of each, (q,): the residual times the factor of the calibration members."""
        return self.residual * self.solution.reduced.factor

    def __len__(self):
        return len(self.values)

    def __getitem__(self, k: int) -> "Member":
        return Member(
            self.solution, self.values[k], self.coefficients[k], float(self.residual[k]), float(self.start[k])
        )

    def __iter__(self):
        return (self[k] for k in range(len(self)))


@dataclass(frozen=True, eq=False)
class Member(Presented):
    """One member of a family: call it at coordinates, or take it on a grid.

    values, coefficients, residual, start   see `Members`; only the values of a method that does not tune members
    """

    solution: Any
    values: np.ndarray
    coefficients: np.ndarray | None = None
    residual: float = math.nan
    start: float = math.nan

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        names = [p.name for p in family_parameters(self.solution.problem)]
        return dict(zip(names, map(float, self.values), strict=True))

    @property
    def estimate(self) -> float:
        """Estimated relative L2 error; NaN of a method that does not tune members."""
        return self.residual * self.solution.reduced.factor if self.solution.reduced else math.nan

    def __call__(self, expression=None, **coordinates) -> np.ndarray:
        """Values at points: `member(t=0.5, x=[0.1, 0.2])`, as `Solution` gives them."""
        self._refuse_parameters(coordinates)
        return self._tuned(expression, **coordinates, **self.parameters)

    def grid(self, expression=None, **axes) -> np.ndarray:
        """Values on a tensor grid; each axis is a number of equidistant points or an array of nodes."""
        self._refuse_parameters(axes)
        values = self._tuned.grid(expression, **axes, **self._fixed)
        return values.reshape(values.shape[: values.ndim - len(self.values)])

    def to_xarray(self, *, units: Mapping[str, str] | None = None, **axes) -> "xarray.Dataset":
        """A Dataset of all unknowns on a grid, with the exact solution if known; `units` as of `Solution`."""
        self._refuse_parameters(axes)
        return self._tuned.to_xarray(units=units, **axes, **self._fixed).squeeze(list(self.parameters))

    @cached_property
    def posed(self) -> Problem:
        """The problem with these parameters."""
        return self.solution.given.at(**self.parameters)

    @property
    def whole(self):
        """The solution of the family."""
        return self.solution

    def errors(self) -> dict[str, dict[str, float]]:
        """`{unknown: measures}` against the reference, where this member has one."""
        problem = self.posed
        errors = {}
        for u, reference in problem.compared.items():
            table = reference.table
            if table is not None:
                axes, wanted = dict(table.axes), np.asarray(table.values)
                values = self.grid(u, **axes)
            else:
                counts: Any = {c.name: 101 for c in problem.coordinates}
                data = self.to_xarray(**counts)
                values, wanted = (data[name].values for name in (problem.name_of(u), f"{problem.name_of(u)}_exact"))
            errors[problem.name_of(u)] = error_measures(values, wanted)
        return errors

    def error(self) -> float:
        """Relative L2 error against the reference; the largest of several unknowns.

        Raises ProblemError where this member has no reference.
        """
        errors = self.errors()
        if not errors:
            raise ProblemError(
                f"`member.error()`: the problem `{self.solution.problem.name}` has no reference at {self.parameters}; "
                f"look at `member.estimate`."
            )
        return max(measures["rel_l2"] for measures in errors.values())

    def __repr__(self):
        values = ", ".join(f"{name}={value:g}" for name, value in self.parameters.items())
        return f"<{self.solution.problem.name} at {values}: estimated relative error {self.estimate:.1e}>"

    @property
    def _fixed(self) -> dict[str, list[float]]:
        return {name: [value] for name, value in self.parameters.items()}

    @cached_property
    def _tuned(self):
        """The solution with these coefficients, whatever its parameter axes say."""
        if self.coefficients is None:
            return self.solution
        with precision(self.solution.plan.dtype):
            field = with_coefficients(self.solution.reduced.full, jnp.asarray(self.coefficients))
        return self.solution.with_model(Model(field, self.solution.model.estimated))

    def _refuse_parameters(self, given: Mapping) -> None:
        for name in given:
            if name in self.parameters:
                raise ProblemError(
                    f"`member({name}=...)`: a member has its parameters already, {self.parameters}; ask the family, "
                    f"`family({name}=...)`."
                )
