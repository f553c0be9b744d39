"""The source of an equation in divergence form against the flux that its conditions set on the whole boundary."""

import itertools
from dataclasses import dataclass

import numpy as np

from spindle.geometry.face_parts import covers, divided
from spindle.problem.consistency.linear import Linear, has_code, inside, values_at
from spindle.symbolic.symbols import Normal

_NODES = 6  # of Gauss's rule on each panel
_PANELS = {1: 32, 2: 12, 3: 4}  # along each axis, by the number of axes
_POINTS = 20_000  # inside a shape


@dataclass(frozen=True)
class Balance:
    """The integrals of a source and of the flux outwards, the size of both, and how exactly they are known."""

    source: float
    flux: float
    size: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether source and flux agree within the tolerance."""
        return abs(self.source - self.flux) <= self.tolerance * self.size


def flux_balance(problem, row: Linear) -> Balance | None:
    """Source and flux of `sum of (a_k u_k)_k = source`; None where they are not known.

    A balance needs numbers for everything, and a single Neumann condition on each part of the boundary, or periodicity.
    """
    count = len(problem.coordinates)
    if has_code(row.rest) or problem.parameters:
        return None
    second = [row.of(tuple(2 * (j == k) for j in range(count))) for k in range(count)]
    if not _is_divergence(problem, row, second):
        return None
    if not problem.domain.boxes:
        return _in_shape(problem, row, second)
    return _in_box(problem, row, second) if len(problem.domain.boxes) == 1 and count in _PANELS else None


def _in_box(problem, row: Linear, second) -> Balance | None:
    ends = _fluxes(problem, second)
    if ends is None:
        return None
    source, size = _integral(-row.rest, problem, problem.domain.boxes[0])
    total = 0.0
    for face, flux in ends:
        through, absolute = _integral(flux, problem, face.bounds)
        total, size = total + through, size + absolute
    # Jumps in the data cost a thousandth.
    return Balance(source, total, size, 2e-3) if np.isfinite([source, total, size]).all() else None


def _in_shape(problem, row: Linear, second) -> Balance | None:
    """The balance of a shape: the flux by evenly spaced samples of its boundary, the source by random points inside."""
    shape, axes = problem.domain.shape, problem.coordinates
    if any(a != second[0] for a in second):
        return None
    points, (low, high) = shape.sampled.points, np.array(shape.bounds).T
    normals = {Normal(c.name): n for c, n in zip(axes, shape.sampled.normals.T, strict=True)}
    flux, times = np.zeros(len(points)), np.zeros(len(points), int)
    for place, residual in (term for pieces in problem.pieces.values() for p in pieces for term in p.terms):
        linear = Linear(residual, problem)
        weights = {linear.of(tuple(int(j == k) for j in range(len(axes)))) / Normal(c.name) for k, c in enumerate(axes)}
        if len(weights) != 1 or len(linear.coefficients) != len(axes) or has_code(residual):
            return None
        held = place.holds(*shape.sampled.arrays)
        flux += held * values_at(-second[0] * linear.rest / weights.pop(), problem, points, normals)
        times += held
    drawn = np.random.default_rng(0).uniform(low, high, size=(_POINTS, len(axes)))
    source = shape.volume * values_at(-row.rest, problem, drawn[shape.contains(drawn)])
    through = shape.surface * flux
    if np.mean(times != 1) > 0.01 or not len(source) or not np.isfinite([*source, *through]).all():
        return None
    size = float(np.mean(np.abs(source)) + np.mean(np.abs(through)))
    return Balance(float(np.mean(source)), float(np.mean(through)), size, 3e-2)


def _is_divergence(problem, row, second) -> bool:
    points, count = inside(problem), len(problem.coordinates)
    allowed = {tuple(n * (j == k) for j in range(count)) for k in range(count) for n in (1, 2)}
    if not {o for _, o in row.coefficients} <= allowed or any(has_code(c) for c in row.coefficients.values()):
        return False
    for k, (a, c) in enumerate(zip(second, problem.coordinates, strict=True)):
        gap = values_at(row.of(tuple(int(j == k) for j in range(count))) - a.diff(c), problem, points)
        if not np.all(np.abs(gap) <= 1e-9 * (1 + np.abs(values_at(a, problem, points)))):
            return False
    return True


def _fluxes(problem, second) -> list | None:
    """(face, outward flux) of all faces that are not periodic; None unless each has a single Neumann condition."""
    count, fluxes, periodic = len(problem.coordinates), {}, set()
    for pieces in problem.pieces.values():
        for place, residual in itertools.chain.from_iterable(p.terms for p in pieces if len(p.terms) == 1):
            linear = Linear(residual, problem)
            across = tuple(int(j == place.axis) for j in range(count))
            if place in fluxes or set(linear.coefficients) != {(problem.unknowns[0], across)} or has_code(residual):
                return None
            fluxes[place] = -place.outward * second[place.axis] * linear.rest / linear.of(across)
        periodic |= {place.axis for p in pieces if len(p.terms) == 2 for place, _ in p.terms}
    faces = [f for f in problem.domain.faces if f.axis not in periodic]
    parts = [part for f in faces for part in divided(f, list(fluxes), problem.domain)]
    given = [[flux for place, flux in fluxes.items() if covers(place, part)] for part in parts]
    return [(p, flux) for p, (flux,) in zip(parts, given, strict=True)] if all(len(g) == 1 for g in given) else None


def _integral(expression, problem, bounds) -> tuple[float, float]:
    """The integral of an expression and of its absolute value over the axes of a box that are not fixed."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    panels = _PANELS[len(bounds)]
    axes = []
    for low, high in bounds:
        if low == high:
            axes.append((np.array([low]), np.ones(1)))
            continue
        cuts = np.linspace(low, high, panels + 1)
        half = (high - low) / panels / 2
        middles = (cuts[:-1] + cuts[1:]) / 2
        axes.append(((middles[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)))
    points = np.stack([m.ravel() for m in np.meshgrid(*[x for x, _ in axes], indexing="ij")], axis=1)
    weight = np.prod(np.stack([m.ravel() for m in np.meshgrid(*[w for _, w in axes], indexing="ij")]), axis=0)
    values = values_at(expression, problem, points)
    return float(np.sum(weight * values)), float(np.sum(weight * np.abs(values)))
