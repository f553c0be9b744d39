"""Coefficients that jump where an equation differentiates them, so that the flux through the jump is lost."""

from collections.abc import Mapping

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.problem.consistency.doubt import Doubt, listed
from spindle.problem.consistency.linear import leading
from spindle.problem.consistency.switches import Switch, fixed_jumps, switches, switching
from spindle.problem.interfaces import flux_of, of_symbols
from spindle.symbolic.fluxes import fluxes_in
from spindle.symbolic.symbols import is_space, unknowns_in
from spindle.symbolic.words import shown

_WIDTH = 0.02  # of the domain: what a jump is smoothed over in the advice


def check_jumps(problem, written) -> None:
    """Raise ProblemError where an equation has lost what happens at a jump.

    written   the equations as they were handed in; `div` leaves derivatives of pieces in them that are not carried out
    """
    for derivative in _pending(written):
        for axis in _axes_of(derivative, problem):
            for switch in switches(derivative.expr, axis, problem):
                if switch.jumps:
                    raise _lost(problem, None, switch)
    for equation in problem.equations:
        for flux, axis, order in _differentiated(equation, problem):
            for switch in switches(flux, axis, problem):
                # A flux of order m - 1 holds m // 2 derivatives of the coefficient at least, counted from its value.
                if order // 2 >= (1 if switch.jumps else 2) and not _is_interface(switch, problem):
                    raise _lost(problem, equation, switch)


def _differentiated(equation, problem):
    """(expression, axis, order) of all that an equation differentiates or has differentiated, with switches in it."""
    for flux in fluxes_in(equation.with_fluxes):
        for axis in _axes_of(flux, problem):
            yield of_symbols(flux.expr), axis, 2
    yield from _leading(equation.residual, problem)


def _is_interface(switch: Switch, problem) -> bool:
    """Whether it is known what holds at a jump."""
    if switch.jumps and any(curve.holds(problem, switch.point) for curve in problem.curves):
        return True
    close = 1e-6 * np.ptp(problem.domain.bounds[switch.axis])
    places = [i.left for i in problem.interfaces if i.axis == switch.axis]
    return switch.jumps and switch.straight and any(abs(switch.point[switch.axis] - p) < close for p in places)


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


def assumed(problem) -> list[Doubt]:
    """Doubts about fluxes that nobody wrote down, but which follow from the coefficient of the highest derivative."""
    pairs = [(e, axis) for e in problem.equations for axis in problem.space] if problem.interfaces else []
    return [doubt for equation, axis in pairs for doubt in _assumed(equation, axis, problem)]


def _assumed(equation, axis: int, problem) -> list[Doubt]:
    """The doubt about the flux of one equation along one axis, if there is any."""
    here = [i for i in problem.interfaces if i.axis == axis and equation.name in i.fluxes]
    flux = flux_of(equation, axis, problem) if here else None
    jumps = [i for i in here if fixed_jumps(of_symbols(i.fluxes[equation.name]), axis, problem)]
    if flux is None or flux.written or not jumps:
        return []
    x = problem.coordinates[axis].name
    places = listed([f"{x} = {i.left:.4g}" for i in jumps], 2)
    return [
        Doubt(
            f"the coefficient `{jumps[0].what}` jumps at {places} before the highest derivative, and the flux "
            f"{shown(flux.expression)} is taken to be continuous there: write `spd.div(k*spd.grad(u))`, which says "
            f"so, or, where the slope is continuous, divide by the coefficient",
            fatal=False,
        )
    ]


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


def _lost(problem, equation, switch: Switch) -> ProblemError:
    which = f"The equation `{equation.name}` of" if equation else "An equation of"
    where, unknown = switch.where(problem.coordinates), problem.unknowns[0].func.__name__
    if not switch.jumps:
        return ProblemError(
            f"{which} `{problem.name}` has the coefficient `{switch.what}`, which has a kink at {where}, before "
            f"derivatives of fourth order or higher, and what holds there is lost when products are differentiated; "
            f"round the kink off, `sqrt(x**2 + w**2)` for `Abs(x)`, or use further unknowns for the inner derivatives."
        )
    return ProblemError(
        f"{which} `{problem.name}` has the coefficient `{switch.what}`, which jumps at {where} and is differentiated "
        f"or stands before the highest derivative across, where the flux through the jump is lost"
        f"{_why(problem, equation, switch)}; smooth the jump, `{_smoothed(problem, switch)}`, take the flux as a "
        f"further unknown, or, where no flux is meant, divide by the coefficient of the derivatives of {unknown}."
    )


def _why(problem, equation, switch: Switch) -> str:
    """Why the jump is no interface, as a part of a sentence; empty where that is not known."""
    if equation is None or not is_space(problem.coordinates[switch.axis]):
        return ""
    reason = flux_of(equation, switch.axis, problem).reason
    told = "; say it by `spd.div(k*spd.grad(u))`" if "cannot be seen" in reason else ""
    moves = problem.time is not None
    bent = "it moves" if moves else "no level in the coordinates of space, as of `Piecewise`, tells where"
    return f", since {reason}{told}" if reason else f", since {bent}" * (not switch.straight)


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
