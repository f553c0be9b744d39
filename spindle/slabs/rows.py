"""Which rows of a least-squares problem residuals become on a slab of time, and where they are taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from spindle.geometry.supports import Support
from spindle.lowering.compile import ArrayFunction
from spindle.lowering.residuals import ResidualForms, beside_interface
from spindle.problem.problem import Problem
from spindle.slabs.materials import Materials, materials_of
from spindle.symbolic.symbols import is_time


class SlabPart(Enum):
    """Where rows are taken: inside, at an end of the first, second or third axis of space, or at the first instant."""

    INSIDE = "inside"
    LOW = "low"
    HIGH = "high"
    BOTTOM = "bottom"
    TOP = "top"
    FRONT = "front"
    BACK = "back"
    START = "start"


# Of the first, the second and the third axis of space.
SIDES = ((SlabPart.LOW, SlabPart.HIGH), (SlabPart.BOTTOM, SlabPart.TOP), (SlabPart.FRONT, SlabPart.BACK))


@dataclass(frozen=True)
class Rows:
    """One residual at one place.

    function   the expression, compiled
    weight     of its mean square in the loss
    materials  by which residuals inside are multiplied besides; None: by nothing
    between    (low, high) along a side of two axes at rest, which is a break point of the mesh each; None: all of it
    """

    name: str
    place: SlabPart
    function: ArrayFunction
    weight: float
    materials: Materials | None = None
    between: tuple[float, float] | None = None

    def counts(self, middle):
        """Whether it is taken in an element with this middle (2,); break points of a mesh lie at the ends of parts."""
        if self.between is None:
            return True
        along = middle[1 if self.place in SIDES[0] else 0]
        return (self.between[0] < along) & (along < self.between[1])


@dataclass(frozen=True)
class Joint:
    """An interface, where two elements join with less continuity: fluxes agree there, and not the slopes.

    left     the place, as the end of the element below
    right    the place, as the beginning of the element above: the first one, where the ends of the axis are joined
    fluxes   (on the left, on the right, weight of the square of their difference)
    axis     that it lies across
    steps    whether unknowns may jump there, so that no value is shared
    """

    left: float
    right: float
    fluxes: tuple[tuple[ArrayFunction, ArrayFunction, float], ...]
    axis: int
    steps: bool = False


@dataclass(frozen=True)
class SlabRows:
    """All rows of a problem of time, of coordinates of space, or of both.

    time       the axis of time; None: there is none, or nothing starts there
    others     all other axes
    periodic   those of them that are periodic
    given      for each unknown how many of its value, rate, .. are known at the start
    order      the highest derivative along space
    joints     the interfaces on the axes of space
    """

    rows: tuple[Rows, ...]
    time: int | None
    others: tuple[int, ...]
    periodic: tuple[int, ...]
    given: tuple[int, ...]
    order: int
    joints: tuple[Joint, ...] = ()

    @property
    def space(self) -> int | None:
        """The one axis besides time; None where time is the only coordinate."""
        return self.others[0] if self.others else None

    def at(self, *places: SlabPart) -> tuple[Rows, ...]:
        """The rows at some places."""
        return tuple(row for row in self.rows if row.place in places)

    def joints_across(self, axis: int) -> tuple[Joint, ...]:
        """The interfaces across one axis."""
        return tuple(joint for joint in self.joints if joint.axis == axis)

    def order_along(self, axis: int) -> int:
        """The highest derivative along one axis inside."""
        return _order(self.rows, (axis,))


def axes_of(problem: Problem) -> tuple[int | None, tuple[int, ...]]:
    """The axis along which a problem marches, None where nothing starts, and all others."""
    times = [k for k, c in enumerate(problem.coordinates) if is_time(c)]
    time = times[0] if len(times) == 1 and problem.starts else None
    return time, tuple(k for k in range(len(problem.coordinates)) if k != time)


def slab_rows(forms: ResidualForms, weights: Mapping[str, float]) -> SlabRows:
    """The rows of a problem that fits."""
    problem = forms.problem
    time, others = axes_of(problem)
    rows = []
    for form in forms.forms:
        if form.name in problem.periodic:
            continue  # the ends of the axis are one node
        total = sum(form.sizes)
        for (term,), size in zip(form.pieces, form.sizes, strict=True):
            place = place_of(forms.supports[term.support], problem, time)
            assert place is not None
            # On a part of a side the mean is one over the part, and rows are weighed by lengths of the whole side.
            between, share = _between(forms.supports[term.support], problem, place)
            weight = weights[form.name] * form.scale**2 * size / total / share
            inside = place is SlabPart.INSIDE
            materials = materials_of(problem, term.function, others) if inside else None
            rows.append(Rows(form.name, place, term.function, weight, materials, between))
    periodic = tuple(sorted(problem.periodic_axes))
    given, joints = _given(problem, rows, time), _joints(forms, weights)
    return SlabRows(tuple(rows), time, others, periodic, given, _order(rows, others), joints)


def _joints(forms: ResidualForms, weights: Mapping[str, float]) -> tuple[Joint, ...]:
    """The interfaces of a problem; a difference of fluxes counts as a residual that is spread over the axis."""
    scales = {form.name: form.scale for form in forms.forms}
    joints = []
    for interface in forms.problem.interfaces:
        low, high = forms.problem.domain.bounds[interface.axis]
        fluxes = [
            (*beside_interface(forms, flux, interface), weights[name] * (scales[name] / (high - low)) ** 2)
            for name, flux in interface.fluxes.items()
        ]
        usual = max(weights[name] * scales[name] ** 2 for name in (e.name for e in forms.problem.equations))
        said = [(interface.sources, 1), (interface.steps, 2)]
        fluxes += [
            (*beside_interface(forms, above, interface, below), usual / (high - low) ** (2 * order))
            for pairs, order in said
            for above, below in pairs.items()
        ]
        joints.append(Joint(interface.left, interface.right, tuple(fluxes), interface.axis, bool(interface.steps)))
    return tuple(joints)


def place_of(support: Support, problem: Problem, time: int | None) -> SlabPart | None:
    """Where a support lies; None where it is no side of the first axes, or the last instant.

    Parts of sides are taken where both axes are at rest.
    """
    if not support.is_region or support.shape is not None:
        return None
    bounds = [(float(low), float(high)) for low, high in problem.domain.bounds]
    fixed = {k: low for k, (low, high) in enumerate(support.bounds) if low == high}
    whole = all(k in fixed or tuple(map(float, b)) == bounds[k] for k, b in enumerate(support.bounds))
    if not (whole or (time is None and len(bounds) == 2)) or len(fixed) > 1:
        return None
    if not fixed:
        return SlabPart.INSIDE
    ((axis, where),) = fixed.items()
    if axis == time:
        return SlabPart.START if where == bounds[axis][0] else None
    number = axes_of(problem)[1].index(axis)
    return SIDES[number][where != bounds[axis][0]] if number < len(SIDES) else None


def _between(support: Support, problem: Problem, place: SlabPart) -> tuple[tuple[float, float] | None, float]:
    """The part of a side in the plane that a support is, None for a whole one, and its share of the side."""
    for k, (low, high) in enumerate(support.bounds):
        first, last = map(float, problem.domain.bounds[k])
        if place is not SlabPart.INSIDE and low < high and (low, high) != (first, last):
            return (low, high), (high - low) / (last - first)
    return None, 1.0


def _given(problem: Problem, rows, time: int | None) -> tuple[int, ...]:
    """For each unknown the number of derivatives by time, its value first, that conditions set at the start."""
    known = [0] * len(problem.unknowns)
    for row in rows:
        if row.place is SlabPart.START and time is not None:
            for partial in (p for need in row.function.needs for p, _ in need.terms):
                known[partial.unknown] = max(known[partial.unknown], partial.orders[time] + 1)
    return tuple(known)


def _order(rows, others) -> int:
    partials = [p for row in rows if row.place is SlabPart.INSIDE for need in row.function.needs for p, _ in need.terms]
    return max((p.orders[k] for p in partials for k in others), default=0)
