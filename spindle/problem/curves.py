"""Interfaces that are shapes: zeros of a level, such as x^2 + y^2 - r^2, at which coefficients jump.

As at the interfaces across an axis, u is continuous there, and so is the flux along the normal, the gradient of the
level over its length. Which coefficient holds on which side the sign of the level decides.
"""

from dataclasses import dataclass

import numpy as np
import sympy
from sympy.core.function import AppliedUndef

from spindle.geometry.levels import gradient_of, on_level, value_of
from spindle.problem.interfaces import flux_of
from spindle.symbolic.functions import shortened
from spindle.symbolic.levels import beside_level, levels_in
from spindle.symbolic.symbols import is_space

_SAMPLES = 40  # points along the longest side, between which a level is looked for
_AT = 1e-6  # of the size of the domain: so near to a level a point counts as on it
_JUMP = 1e-8  # relative difference of two fluxes that is none


@dataclass(frozen=True)
class LevelInterface:
    """A curve, or a surface, where fluxes along the normal are continuous, and all unknowns are.

    level    an expression in the coordinates of space that vanishes there
    fluxes   {name of an equation: its flux along the normal, where the level is negative and where it is positive}
    what     what jumps
    """

    level: sympy.Expr
    fluxes: dict[str, tuple[sympy.Expr, sympy.Expr]]
    what: str

    def holds(self, problem, point) -> bool:
        """Whether a point (d,) of the problem's coordinates lies on it."""
        points = np.array([point])[:, [problem.coordinates.index(c) for c in _axes(problem)]]
        axes = _axes(problem)
        slope = float(np.linalg.norm(gradient_of(self.level, axes, points)))
        return abs(float(value_of(self.level, axes, points)[0])) <= _AT * slope * float(
            np.ptp(problem.domain.bounds, axis=1).max()
        )

    def size(self, name: str, problem) -> float:
        """The size of a flux, of fields and slopes of size one: the larger one of both sides."""
        axes = _axes(problem)
        points = _on_curve(self.level, axes, problem)
        return max(float(np.sqrt(np.mean(v**2))) for v in _numbers(self.fluxes[name], axes, points)) or 1.0


def _axes(problem) -> list[sympy.Symbol]:
    return [c for c in problem.coordinates if is_space(c)]


def curves(problem) -> tuple[LevelInterface, ...]:
    """The interfaces of a problem in two or three dimensions of space that its levels tell of, straight ones included.

    None where an equation has no flux that can be known.
    """
    axes = _axes(problem)
    if len(axes) not in (2, 3):
        return ()
    known = {e.name: flux for e in problem.equations if (flux := _fluxes(e, axes, problem)) is not None}
    levels = dict.fromkeys(level for flux in known.values() for part in flux for level in levels_in(part, axes))
    listed = [_curve(level, known, axes, problem) for level in levels]
    return tuple(curve for curve in listed if curve is not None)


def oblique_curves(problem) -> tuple[LevelInterface, ...]:
    """Those that are no interfaces across axes: they bend, lie at an angle, or the domain is no box."""
    return tuple(curve for curve in problem.curves if not _is_straight(curve, problem))


def _is_straight(curve: LevelInterface, problem) -> bool:
    axes = _axes(problem)
    points = _on_curve(curve.level, axes, problem)
    met = np.zeros(len(points), bool)
    for interface in problem.interfaces:
        away = np.abs(points[:, axes.index(problem.coordinates[interface.axis])] - interface.left)
        met |= away <= _AT * np.ptp(problem.domain.bounds[interface.axis])
    return bool(met.all())


def _fluxes(equation, axes, problem) -> list[sympy.Expr] | None:
    """The flux of an equation along each axis; None where it has none along some, or none that can be known."""
    if not levels_in(equation.with_fluxes, axes):
        return None
    fluxes = [flux_of(equation, problem.coordinates.index(c), problem).expression for c in axes]
    return None if any(flux is None for flux in fluxes) else fluxes


def _curve(level, known, axes, problem) -> LevelInterface | None:
    """The curve of one level; None where it does not pass through the domain, or nothing jumps there."""
    points = _on_curve(level, axes, problem)
    if not len(points):
        return None
    slopes = [level.diff(c) for c in axes]
    length = sympy.sqrt(sympy.Add(*(s**2 for s in slopes)))
    fluxes = {}
    for name, parts in known.items():
        normal = sympy.Add(*(part * slope for part, slope in zip(parts, slopes, strict=True))) / length
        fluxes[name] = beside_level(normal, level, -1), beside_level(normal, level, 1)
    if not any(_differ(*sides, axes, points) for sides in fluxes.values()):
        return None
    return LevelInterface(level, fluxes, _culprit(level, known, axes))


def _on_curve(level, axes, problem) -> np.ndarray:
    """Points of the domain where a level vanishes."""
    bounds = [problem.domain.bounds[problem.coordinates.index(c)] for c in axes]
    points = on_level(level, axes, bounds, max(high - low for low, high in bounds) / _SAMPLES)
    return points[_inside(problem, axes, points)] if len(points) else points


def points_on(curve: LevelInterface, problem) -> np.ndarray:
    """Points (n, d) of the problem's coordinates on a curve, those beside space in the middle of their intervals."""
    axes = _axes(problem)
    return _whole(problem, axes, _on_curve(curve.level, axes, problem))


def _inside(problem, axes, points) -> np.ndarray:
    """Whether points of space lie in the domain."""
    return problem.domain.contains(_whole(problem, axes, points))


def _whole(problem, axes, points) -> np.ndarray:
    """Points of space (n, s) with the middle of all other coordinates beside them, (n, d)."""
    whole = np.tile([(float(low) + float(high)) / 2 for low, high in problem.domain.bounds], (len(points), 1))
    whole[:, [problem.coordinates.index(c) for c in axes]] = points
    return whole


def _differ(below, above, axes, points) -> bool:
    """Whether two fluxes differ at some points, derivatives and unknowns being any numbers."""
    first, second = _numbers((below, above), axes, points)
    return bool(np.max(np.abs(first - second)) > _JUMP * np.max(np.abs([first, second])))


def _numbers(sides, axes, points) -> list[np.ndarray]:
    """The values of both fluxes at points, of derivatives, unknowns and parameters near one, always the same."""
    random = np.random.default_rng(0)
    symbols: dict[sympy.Basic, sympy.Dummy] = {}
    for kind in (sympy.Derivative, AppliedUndef):
        parts = sorted(set().union(*(s.xreplace(symbols).atoms(kind) for s in sides)), key=str)
        symbols |= {p: sympy.Dummy(f"d{len(symbols) + k:03}", real=True) for k, p in enumerate(parts)}
    plain = [s.xreplace(symbols) for s in sides]
    free = sorted(set().union(*(s.free_symbols for s in plain)) - set(axes), key=str)
    fixed = {s: float(random.uniform(0.5, 1.5)) for s in free}
    return [value_of(s.xreplace(fixed), axes, points) for s in plain]


def _culprit(level, known, axes) -> str:
    """What switches at a level, as text."""
    kinds = (sympy.Piecewise, sympy.Heaviside, sympy.sign)
    parts = {p for flux in known.values() for part in flux for p in part.atoms(*kinds) if level in levels_in(p, axes)}
    return shortened(min(parts, key=lambda p: (len(str(p)), str(p))))
