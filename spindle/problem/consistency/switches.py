"""Where functions of the coordinates switch from one formula to another, and whether their values jump there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from spindle.problem.consistency.linear import SAMPLES, inside, values_at
from spindle.symbolic.functions import shortened
from spindle.symbolic.tables import table_of

_LINES = 12
_NODES = 801
_HALVINGS = 45
_MOST = 60  # switches looked at
_PLACES = 200  # on one line, where they are the same on all lines
_CLOSE, _NEAR = 1e-7, 1e-5  # of the length of the axis: where values and slopes on both sides are taken
_JUMP, _KINK = 1e-5, 1e-2  # of the size of the values, and of the slopes


@dataclass(frozen=True)
class Switch:
    """A point where an expression is not smooth along an axis.

    what       the part of the expression that switches, as text
    straight   whether that part switches at the same place on all lines along the axis
    jumps      whether its values jump; else its slope does
    sides      the values, or slopes, on both sides
    """

    what: str
    point: tuple[float, ...]
    axis: int
    straight: bool
    jumps: bool
    sides: tuple[float, float]

    def where(self, coordinates) -> str:
        """The place in words: `x = 0.5`, or all coordinates where the line of switches is not straight."""
        chosen = [self.axis] if self.straight else range(len(coordinates))
        return ", ".join(f"{coordinates[k].name} = {self.point[k]:.4g}" for k in chosen)


def switching(expression, coordinates) -> list:
    """The parts of an expression that switch where coordinates pass a value, such as `Piecewise`, sorted by text."""
    kinds = (sympy.Piecewise, *_LEVELS)
    known = [a for a in expression.atoms(*kinds) if a.free_symbols & set(coordinates) and not _has_fields(a)]
    applied = expression.atoms(AppliedUndef)
    tables = [f for f in applied if (t := table_of(f)) is not None and t.interpolation != "cubic"]
    return sorted([*known, *tables], key=str)


def _has_fields(atom) -> bool:
    """Whether fields decide where a part switches; they may stand in the formulas of a `Piecewise`."""
    decide = [c for _, c in atom.args] if isinstance(atom, sympy.Piecewise) else [atom]
    symbols = set().union(*(e.free_symbols for e in decide))
    functions = set().union(*(e.atoms(AppliedUndef) for e in decide))
    return any(isinstance(s, sympy.Dummy) for s in symbols) or any(table_of(f) is None for f in functions)


def _relations(piecewise) -> list:
    """The relations of a piecewise function, one by one: two that hold in a thin layer only would be missed."""
    return sorted(set().union(*(c.atoms(Relational) for _, c in piecewise.args)), key=str)


def _extremes(atoms, problem) -> np.ndarray:
    """Points where sides of relations differ most, (n, d): in the middle of small inclusions, which few lines meet."""
    relations = [r for a in atoms if isinstance(a, sympy.Piecewise) for r in _relations(a)][:_LINES]
    random, size = np.random.default_rng(5), np.ptp(problem.domain.bounds, axis=1)
    everywhere, extremes = inside(problem, 20 * SAMPLES), []
    for gap in (sign * (r.lhs - r.rhs) for r in relations for sign in (-1, 1) if len(r.free_symbols) > 1):
        best, spread = everywhere, 0.1
        while spread > 1e-4:
            top = best[np.argmax(values_at(gap, problem, best))]
            around = top + spread * size * random.normal(size=(4 * SAMPLES, len(top)))
            best, spread = np.vstack([top, around[problem.domain.contains(around)]]), spread / 3
        extremes.append(best[0])
    return np.array(extremes).reshape(-1, len(size))


def _pairs(e) -> list:
    return [sympy.StrictGreaterThan(a, b) for k, a in enumerate(e.args) for b in e.args[:k]]


# What changes its value exactly where a function switches.
_LEVELS: dict[type, Callable] = {
    sympy.Heaviside: lambda e: [sympy.StrictGreaterThan(e.args[0], 0)],
    sympy.sign: lambda e: [sympy.StrictGreaterThan(e.args[0], 0)],
    sympy.Abs: lambda e: [sympy.StrictGreaterThan(e.args[0], 0)],
    sympy.floor: lambda e: [e],
    sympy.ceiling: lambda e: [e],
    sympy.frac: lambda e: [sympy.floor(e.args[0])],
    sympy.Mod: lambda e: [sympy.floor(e.args[0] / e.args[1])],
    sympy.Max: _pairs,
    sympy.Min: _pairs,
}


def switches(expression, axis: int, problem) -> list[Switch]:
    """The jumps and kinks of an expression along an axis, inside the domain; the first ones where they are many."""
    atoms = switching(expression, problem.coordinates)
    if not atoms:
        return []
    low, high = problem.domain.bounds[axis]
    length, bases = high - low, np.concatenate([inside(problem, _LINES), _extremes(atoms, problem)])
    symbols = {s: np.float64(0.9) for s in expression.free_symbols if isinstance(s, sympy.Dummy)}
    lines = [(base, p) for base in bases for p in _changes(atoms, base, axis, (low, high), problem)]
    lines = lines[:: max(1, len(lines) // _MOST)]
    if not lines:
        return []
    places = np.array([np.r_[base[:axis], p, base[axis + 1 :]] for base, p in lines])

    def at(e, steps: float) -> np.ndarray:
        moved = places.copy()
        moved[:, axis] += steps * length
        return values_at(e, problem, moved, {s: np.full(len(moved), v) for s, v in symbols.items()})

    jumps, slopes = _jumps(expression, at), _kinks(expression, at, length)
    beside = np.eye(len(problem.coordinates))[axis] * _NEAR * length
    inner = problem.domain.contains(places + beside) & problem.domain.contains(places - beside)
    straight = _is_straight(places[:, axis], length)
    listed = []
    for k in np.flatnonzero(inner & (jumps | slopes)):
        what, sides = _culprit(atoms, expression, at, int(k))
        listed.append(Switch(what, tuple(places[k]), axis, straight, bool(jumps[k]), sides))
    return listed


def fixed_jumps(expression, axis: int, problem) -> list[tuple[float, str]] | None:
    """The places on an axis where an expression jumps, each with what jumps there; None where they move.

    Fields in the expression are symbols of SymPy's class Dummy.
    """
    atoms, (low, high) = switching(expression, problem.coordinates), problem.domain.bounds[axis]
    lines = [_changes(atoms, base, axis, (low, high), problem, most=_PLACES) for base in inside(problem, 4)]
    length, places = high - low, lines[0]
    if any(len(other) != len(places) or not np.allclose(other, places, rtol=0, atol=1e-9 * length) for other in lines):
        return None
    found = []
    for place in (p for k, p in enumerate(places) if not k or p - places[k - 1] > 1e-9 * length):
        jumping = [a for a in (*atoms, expression) if _jumps_at(a, place, axis, problem)]
        if expression in jumping:
            found.append((place, shortened(jumping[0])))
    return found


def _jumps_at(expression, place: float, axis: int, problem) -> bool:
    length, points = np.ptp(problem.domain.bounds[axis]), inside(problem)

    def at(e, steps: float) -> np.ndarray:
        moved = points.copy()
        moved[:, axis] = place + steps * length
        return values_at(e, problem, moved)

    return bool(_jumps(expression, at).any())


def _jumps(e, at) -> np.ndarray:
    before, after = (2 * at(e, s * _CLOSE) - at(e, 2 * s * _CLOSE) for s in (-1, 1))
    size = np.nanmax(np.abs([before, after]), initial=0)
    return np.abs(after - before) > _JUMP * size


def _kinks(e, at, length) -> np.ndarray:
    step = _NEAR * length
    before, after = (s * (at(e, 2 * s * _NEAR) - at(e, s * _NEAR)) / step for s in (-1, 1))
    size = np.nanmax(np.abs([at(e, -_NEAR), at(e, _NEAR)]), initial=0)
    gap = np.abs(after - before)
    return (gap > _KINK * np.maximum(np.abs(before), np.abs(after))) & (gap * length > _KINK * size)


def _is_straight(values, length) -> bool:
    """Whether an expression switches at the same places on all lines."""
    return len(np.unique(np.round(values / length, 6))) <= max(1, len(values) // 4)


def _culprit(atoms, expression, at, k: int) -> tuple[str, tuple[float, float]]:
    for atom in [*atoms, expression]:
        before, after = at(atom, -_CLOSE)[k], at(atom, _CLOSE)[k]
        if abs(after - before) > _JUMP * max(abs(after), abs(before)):
            break
    else:
        atom = atoms[0]
    name = atom.func.__name__ if isinstance(atom, AppliedUndef) else shortened(atom)
    return name, (float(before), float(after))


def _changes(atoms, base, axis: int, ends, problem, most: int = 8) -> list[float]:
    """The places where the parts switch along the line through a point, increasing."""
    places, levels = [], []
    coordinate = problem.coordinates[axis]
    for atom in atoms:
        if isinstance(atom, AppliedUndef):
            places += [p for p in _of_table(atom, coordinate) if ends[0] < p < ends[1]]
        else:
            rule = _LEVELS.get(atom.func, _relations)
            levels += [e for e in rule(atom) if coordinate in e.free_symbols]
    for level in levels:
        places += _bisected(level, base, axis, ends, problem, most)
    return sorted(places)


def _of_table(function, coordinate) -> list[float]:
    table = table_of(function)
    if table is None or coordinate not in function.args:
        return []
    nodes = table.axes[function.args.index(coordinate)]
    return list((nodes[:-1] + nodes[1:]) / 2 if table.interpolation == "nearest" else nodes[1:-1])


def _bisected(level, base, axis: int, ends, problem, most: int) -> list[float]:
    def at(p):
        points = np.repeat(base[None], len(p), axis=0)
        points[:, axis] = p
        # One truth for each line: random symbols would switch by themselves.
        return values_at(level, problem, points)

    nodes = np.linspace(ends[0], ends[1], _NODES)
    values = at(nodes)
    changed = np.flatnonzero(np.diff(values) != 0)[:most]
    low, high, first = nodes[changed], nodes[changed + 1], values[changed]
    for _ in range(_HALVINGS if len(changed) else 0):
        middle = (low + high) / 2
        same = at(middle) == first
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return list((low + high) / 2)
