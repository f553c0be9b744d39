"""Coefficients that jump where an equation differentiates them, so that the flux through the jump is lost."""

from collections.abc import Mapping

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.linear import leading
from spindle.problem.consistency.switches import Switch, switches, switching
from spindle.symbolic.symbols import unknowns_in

_WIDTH = 0.02  # of the domain: what a jump is smoothed over in the advice


def check_jumps(problem, written) -> None:
    """Raise ProblemError where an equation has lost what happens at a jump.

    written   the equations as they were handed in; `div` leaves derivatives of pieces in them that are not carried out
    """
    for derivative in _pending(written):
        for axis in _axes_of(derivative, problem):
            for switch in switches(derivative.expr, axis, problem):
                if switch.jumps:
                    raise _lost(problem, "", switch)
    for equation in problem.equations:
        for coefficient, axis, order in _leading(equation.residual, problem):
            for switch in switches(coefficient, axis, problem):
                # A flux of order m - 1 holds m // 2 derivatives of the coefficient at least, counted from its value.
                if order // 2 >= (1 if switch.jumps else 2):
                    raise _lost(problem, equation.name, switch)


def kinks(problem) -> list[Doubt]:
    """Doubts about coefficients that are just smooth enough for the equation to hold, but not for its solution."""
    by_switch: dict[tuple, dict] = {}
    for equation in problem.equations:
        for coefficient, axis, order in _leading(equation.residual, problem):
            for switch in switches(coefficient, axis, problem):
                # In a system, a first derivative of one field may define another one: no flux is lost there.
                if (order == 1 and len(problem.unknowns) == 1) if switch.jumps else order in (2, 3):
                    places = by_switch.setdefault((switch.what, switch.jumps), {})
                    places.setdefault(switch.where(problem.coordinates), (switch, order))
    return [_product(problem, places) if jumps else _kink(problem, places) for (_, jumps), places in by_switch.items()]


def _leading(residual, problem):
    """The coefficients that switch, of those before the highest derivatives along each axis."""
    if switching(residual, problem.coordinates):
        for coefficient, axis, order in leading(residual, problem):
            if switching(coefficient, problem.coordinates):
                yield coefficient, axis, order


def _pending(written) -> list:
    """Derivatives of switching functions, anywhere in the equations as written."""
    parts = list(written.values()) if isinstance(written, Mapping) else written
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    pending = set()
    for part in parts:
        if isinstance(part, sympy.MatrixBase):
            part = sympy.Tuple(*part)
        if isinstance(part, sympy.Basic):
            inner = [d for d in part.atoms(sympy.Derivative) if d.expr.has(sympy.Piecewise)]
            pending |= {d for d in inner if not unknowns_in(d.expr)}
    return sorted(pending, key=str)


def _axes_of(derivative, problem) -> list[int]:
    names = [c.name for c in problem.coordinates]
    return [names.index(v.name) for v in derivative.variables if v.name in names]


def _lost(problem, name: str, switch: Switch) -> ProblemError:
    which = f"The equation `{name}` of" if name else "An equation of"
    where, unknown = switch.where(problem.coordinates), problem.unknowns[0].func.__name__
    if not switch.jumps:
        return ProblemError(
            f"{which} `{problem.name}` has the coefficient `{switch.what}`, which has a kink at {where}, before "
            f"derivatives of fourth order or higher, and what holds there is lost when products are differentiated; "
            f"round the kink off, `sqrt(x**2 + w**2)` for `Abs(x)`, or use further unknowns for the inner derivatives."
        )
    return ProblemError(
        f"{which} `{problem.name}` has the coefficient `{switch.what}`, which jumps at {where} and is differentiated "
        f"or stands before the highest derivative across, where the flux through the jump is lost; smooth the jump, "
        f"`{_smoothed(problem, switch)}`, take the flux as a further unknown, or, where no flux is meant, divide by "
        f"the coefficient of the derivatives of {unknown}."
    )


def _smoothed(problem, switch: Switch) -> str:
    (a, b), axis = switch.sides, switch.axis
    low, high = problem.domain.bounds[axis]
    place, width = switch.point[axis], _WIDTH * (high - low)
    name = problem.coordinates[axis].name
    if not switch.straight or not np.isfinite([a, b]).all():
        return f"tanh(({name} - place)/{width:.2g})"
    return f"{(a + b) / 2:.4g} + {(b - a) / 2:.4g}*tanh(({name} - {place:.4g})/{width:.2g})"


def _kink(problem, places: dict) -> Doubt:
    (switch, order), u = next(iter(places.values())), problem.unknowns[0].func.__name__
    return Doubt(
        f"the coefficient `{switch.what}` has a kink at {listed(places, 2)}, so derivatives of order {order} of {u} "
        f"jump there and smooth networks converge slowly: round the kink off over a width if that matters",
        fatal=False,
    )


def _product(problem, places: dict) -> Doubt:
    switch, _ = next(iter(places.values()))
    u, name = problem.unknowns[0].func.__name__, problem.coordinates[switch.axis].name
    return Doubt(
        f"`{switch.what}` jumps at {listed(places, 2)} and multiplies the derivative of {u} along {name}; if their "
        f"product was differentiated, the jump is lost: smooth it, `{_smoothed(problem, switch)}`",
        fatal=False,
    )
