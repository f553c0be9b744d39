"""Interfaces: places on the axes of space where coefficients under an outer derivative jump, and what holds there.

An equation `(k u_x)_x = f` with a jump of k says nothing at the jump but what its integral across says: the flux k u_x
is continuous, as u is. The flux of an equation is the sum of all that it differentiates last along the axis, each times
a factor that does not jump.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import sympy

from spindle.geometry.domain import Box
from spindle.problem.conditions.base import PrescribedStep
from spindle.problem.consistency.switches import fixed_jumps, switching
from spindle.symbolic.fluxes import fluxes_in, once_less
from spindle.symbolic.symbols import unknowns_in


@dataclass(frozen=True)
class Interface:
    """A place where fluxes are continuous, and all unknowns are, though coefficients jump.

    axis     the number of the axis of space that it lies across
    left     the place, as the end of what lies below it
    right    the place, as the beginning of what lies above it; another one only where a periodic axis is closed
    fluxes   {name of an equation: its flux, of unknowns and their first derivatives along the axis}
    what     what jumps
    steps    {unknown: what it is below the place, with what it grows by}, where conditions say so: then none is
             continuous by construction
    sources  {what is a flux: what it is below the place, with what it grows by}, in the place of those of equations
    """

    axis: int
    left: float
    right: float
    fluxes: dict[str, sympy.Expr]
    what: str
    steps: Mapping[sympy.Expr, sympy.Expr] = field(default_factory=dict)
    sources: Mapping[sympy.Expr, sympy.Expr] = field(default_factory=dict)


class Flux(NamedTuple):
    """The flux of an equation along an axis.

    expression   None where the equation has none, or none that can be known
    written      whether it stands in the equation; else the coefficient of the highest derivative tells it
    reason       why it cannot be known, else empty
    """

    expression: sympy.Expr | None
    written: bool = True
    reason: str = ""


def space_axes(problem) -> tuple[int, ...]:
    """The axes of space of a box; none for all other domains."""
    return problem.space if isinstance(problem.domain, Box) else ()


def interfaces(problem) -> tuple[Interface, ...]:
    """The interfaces of a problem, increasing along each axis; none where it has no jumps that can be treated."""
    stepped = any(c.role.across for c in problem.conditions)
    if not stepped and not any(switching(e.with_fluxes, problem.coordinates) for e in problem.equations):
        return ()
    return tuple(interface for axis in space_axes(problem) for interface in _across(axis, problem))


def _across(axis: int, problem) -> list[Interface]:
    """The interfaces across one axis."""
    fluxes = {e.name: flux_of(e, axis, problem).expression for e in problem.equations}
    known = {name: flux for name, flux in fluxes.items() if flux is not None}
    jumps: dict[float, str] = {}
    length = float(np.ptp(problem.domain.bounds[axis]))
    for flux in known.values():
        for place, what in fixed_jumps(of_symbols(flux), axis, problem) or []:
            place = 0.0 if abs(place) < 1e-15 * length else place
            if all(abs(place - other) > 1e-9 * length for other in jumps):
                jumps[place] = what
    said = [
        c.role.across for c in problem.conditions if c.role.across and c.role.across.axis == problem.coordinates[axis]
    ]
    for step in said:
        jumps.setdefault(
            next((p for p in jumps if abs(p - step.place) < 1e-9 * length), step.place), str(step.expression)
        )
    listed = [
        _with_steps(Interface(axis, place, place, known, jumps[place]), said, length, problem)
        for place in sorted(jumps)
    ]
    if listed and axis in problem.periodic_axes:
        low, high = map(float, problem.domain.bounds[axis])
        listed.append(Interface(axis, high, low, known, "the period"))
    return listed


def _with_steps(interface: Interface, said: Sequence[PrescribedStep], length: float, problem) -> Interface:
    """An interface with what conditions say of it; all unknowns of which they say nothing are continuous."""
    here = [step for step in said if abs(step.place - interface.left) < 1e-9 * length]
    if not here:
        return interface
    steps = {u: u for u in problem.unknowns}
    steps |= {step.expression: step.expression + step.jump + step.resistance * step.flux for step in here}
    sources = {step.flux: step.flux + step.source for step in here if step.flux != 0}
    x = problem.coordinates[interface.axis]
    told = {u for flux in sources for u in unknowns_in(flux)}
    left = {
        name: flux
        for name, flux in interface.fluxes.items()
        if not any(_order(d, x) and d.expr in told for d in _derivatives(flux))
    }
    return replace(interface, fluxes=left, steps=steps, sources=sources)


def flux_of(equation, axis: int, problem) -> Flux:
    """The flux of an equation along an axis."""
    x = problem.coordinates[axis]
    whole = equation.with_fluxes
    parts = {d: d.expr for d in fluxes_in(whole) if d.variables[0] == x}
    seconds = [
        d for d in whole.xreplace(dict.fromkeys(parts, sympy.S.Zero)).atoms(sympy.Derivative) if _order(d, x) > 1
    ]
    inner = [d for flux in parts.values() for d in _derivatives(flux)]
    if any(_order(d, x) > 2 for d in seconds) or any(_order(d, x) > 1 or fluxes_in(d) for d in inner):
        return Flux(None, reason="its derivatives along the axis are of an order above two")
    parts |= {d: once_less(d, x) for d in seconds}
    symbols = {d: sympy.Dummy(real=True) for d in parts}
    replaced = whole.xreplace(symbols)
    factors = {d: replaced.diff(symbol) for d, symbol in symbols.items()}
    if any(factor.free_symbols & set(symbols.values()) for factor in factors.values()):
        return Flux(None, reason="it is not linear in its highest derivatives")
    if not parts:
        return Flux(None)
    if not any(_slopes(flux, x) for flux in parts.values()):
        return Flux(None, reason="no slope stands in the flux, so that the unknown itself jumps")
    written = [d for d in parts if d not in seconds]
    if written:
        first = factors[written[0]]
        factors = {d: sympy.S.One if factor == first else sympy.cancel(factor / first) for d, factor in factors.items()}
        if any(_varies(factor, axis, problem) for factor in factors.values()):
            return Flux(None, reason="the factors of its fluxes jump, too")
    elif len(_jumping(factors, axis, problem)) > 1 or any(_slopes(f, x) for f in factors.values()):
        return Flux(None, reason="which coefficient stands under the outer derivative cannot be seen any more")
    return Flux(sympy.Add(*(factors[d] * parts[d] for d in parts)), written=bool(written))


def _derivatives(expression) -> list:
    return [d for d in expression.atoms(sympy.Derivative) if unknowns_in(d)]


def _order(derivative, x) -> int:
    return int(dict(derivative.variable_count).get(x, 0)) if unknowns_in(derivative) else 0


def _slopes(expression, x) -> bool:
    """Whether an expression contains what jumps itself: derivatives of unknowns along the axis."""
    return any(_order(d, x) for d in _derivatives(expression))


def _varies(factor, axis: int, problem) -> bool:
    """Whether a factor differs on both sides of some place."""
    return _slopes(factor, problem.coordinates[axis]) or fixed_jumps(of_symbols(factor), axis, problem) != []


def _jumping(factors, axis: int, problem) -> set:
    """The parts of some factors that jump along an axis, those within others left out."""
    parts = {p for f in factors.values() for p in switching(of_symbols(f), problem.coordinates)}
    jump = {p for p in parts if fixed_jumps(p, axis, problem) != []}
    return {p for p in jump if not any(p != other and other.has(p) for other in jump)}


def of_symbols(expression) -> sympy.Expr:
    """An expression with a symbol in the place of each unknown and each derivative of one."""
    symbols = {d: sympy.Dummy(f"d{k}", real=True) for k, d in enumerate(sorted(_derivatives(expression), key=str))}
    replaced = expression.xreplace(symbols)
    return replaced.xreplace({u: sympy.Dummy(f"u{k}", real=True) for k, u in enumerate(unknowns_in(replaced))})
