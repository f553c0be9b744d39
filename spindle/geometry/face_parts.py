"""Parts of the faces of boxes: cut out by relations between coordinates, and laid over each other."""

from collections.abc import Sequence

import numpy as np
import scipy.optimize
import sympy
from sympy.core.relational import Eq, Ne, Relational

from spindle.errors import ProblemError, nearest
from spindle.geometry.cells import cells_of, rectangles
from spindle.geometry.supports import Bounds, BoxFace
from spindle.symbolic.functions import evaluate
from spindle.symbolic.sides import Side, in_words, is_part, sides_in, truth
from spindle.symbolic.symbols import is_space
from spindle.symbolic.words import shown

_NODES = 257  # along an axis, between which a relation is looked at for where it switches
_CLOSE = 1e-12  # of an axis: ends that near to each other are one


def is_cut(on, coordinates) -> bool:
    """Whether `on` is logic of sides and of relations between these coordinates."""
    return is_part(on) and on.free_symbols <= set(coordinates) and bool(on.free_symbols or on.atoms(Side))


def face_parts(domain, on, call: str) -> tuple[BoxFace, ...]:
    """The parts of the faces of a domain of boxes on which `on` is true, whole faces as they are.

    Faces in space are meant, and those in time where `on` names their plane.
    Raises ProblemError where a side is unknown, or an end of a part is no bound of a single coordinate.
    """
    names = list(dict.fromkeys(face.name for face in domain.faces))
    for name in sides_in(on):
        if name.replace(" ", "") not in names:
            raise ProblemError(
                f"`{call}` was given `on={in_words(on)}`, and this domain has no side `{name}`." + nearest(name, names)
            )
    planes = {e.lhs for e in on.atoms(Eq)} | {e.rhs for e in on.atoms(Eq)}
    parts: list[BoxFace] = []
    for face in domain.faces:
        across = domain.coordinates[face.axis]
        if is_space(across) or across in planes:
            parts += _Cut(domain, face, on, call).parts()
    return tuple(parts)


class _Cut:
    """One face, cut where the relations of a part switch."""

    def __init__(self, domain, face: BoxFace, on, call: str):
        self.domain, self.face, self.on, self.call = domain, face, on, call
        self.cuts = [[low] if low == high else [low, high] for low, high in face.bounds]
        for relation in on.atoms(Relational):
            self._cut_by(relation)

    def parts(self) -> list[BoxFace]:
        """The face itself where the part is all of it, else as few rectangles as make it up."""
        free = [k for k, ends in enumerate(self.cuts) if len(ends) > 1]
        cuts = [sorted(self.cuts[k]) for k in free]
        middles = np.meshgrid(*[(np.array(c[:-1]) + c[1:]) / 2 for c in cuts], indexing="ij")
        self.at = dict(zip(self.domain.coordinates, (low for low, _ in self.face.bounds), strict=True))
        self.at |= {self.domain.coordinates[k]: middle for k, middle in zip(free, middles, strict=True)}
        self.shape = tuple(len(c) - 1 for c in cuts)
        filled = np.broadcast_to(truth(self.on, self._holds, self._lies_on), self.shape)
        if filled.all():
            return [self.face]
        return [_part(self.face, self.domain, free, rectangle) for rectangle in rectangles(cuts, filled)]

    def _cut_by(self, relation: Relational) -> None:
        gap = self._gap(relation)
        free = list(gap.free_symbols)
        if not free or isinstance(relation, (Eq, Ne)):
            return
        if len(free) > 1:
            raise ProblemError(
                f"`{self.call}` was given `on={in_words(self.on)}`, and on the face {self.face.name} the part "
                f"`{shown(relation)}` ends along no axis; parts of the faces of boxes are cut out by bounds on single "
                f"coordinates, `x > 0.3`: let the data change there, or pose the problem on a shape in the plane."
            )
        axis = self.domain.coordinates.index(free[0])
        low, high = self.face.bounds[axis]
        for end in _ends(gap, free[0], low, high):
            if min(abs(end - cut) for cut in self.cuts[axis]) > _CLOSE * (high - low):
                self.cuts[axis].append(end)

    def _gap(self, relation: Relational):
        """Left side minus right side, with the coordinate across the face put in."""
        across = self.domain.coordinates[self.face.axis]
        return sympy.sympify(relation.lhs - relation.rhs).subs(across, sympy.Float(self.face.value, 17))

    def _holds(self, relation: Relational) -> np.ndarray:
        gap = self._gap(relation)
        if isinstance(relation, (Eq, Ne)):
            # On a line across the face, which has no area, an equation does not count.
            size = max(high - low for low, high in self.domain.bounds)
            met = not gap.free_symbols and abs(float(gap)) <= _CLOSE * max(1.0, size)
            return np.full(self.shape, met == isinstance(relation, Eq))
        value = np.asarray(evaluate(gap, self.at), float)
        return np.broadcast_to(value > 0 if relation.rel_op in (">", ">=") else value < 0, self.shape) | (
            np.broadcast_to(value == 0, self.shape) & (relation.rel_op in (">=", "<="))
        )

    def _lies_on(self, name: str) -> np.ndarray:
        return np.full(self.shape, self.face.name == name.replace(" ", ""))


def _ends(gap, coordinate: sympy.Symbol, low: float, high: float) -> list[float]:
    """Where an expression of one coordinate changes its sign between two ends: exactly where it is linear."""
    slope = gap.diff(coordinate)
    if not slope.free_symbols:
        ends = [float(-gap.subs(coordinate, 0) / slope)] if slope != 0 else []
        return [end for end in ends if low < end < high]
    nodes = np.linspace(low, high, _NODES)
    there = np.broadcast_to(np.asarray(evaluate(gap, {coordinate: nodes}), float), nodes.shape)
    pairs = [(nodes[k], nodes[k + 1]) for k in range(_NODES - 1) if there[k] * there[k + 1] < 0]
    roots = [scipy.optimize.brentq(lambda x: float(evaluate(gap, {coordinate: x})), *p, xtol=1e-15) for p in pairs]
    return [*roots, *(float(x) for x, value in zip(nodes[1:-1], there[1:-1], strict=True) if value == 0)]


def _part(face: BoxFace, domain, free: Sequence[int], rectangle: Bounds) -> BoxFace:
    """The part of a face on a rectangle of its free axes, called after its bounds: `y=1 (0.3<x<0.7)`."""
    bounds, words = list(face.bounds), []
    for k, (low, high) in zip(free, rectangle, strict=True):
        if (low, high) == face.bounds[k]:
            continue
        along, bounds[k] = domain.coordinates[k].name, (low, high)
        below = "" if low == face.bounds[k][0] else f"{low:.6g}<"
        above = "" if high == face.bounds[k][1] else f"<{high:.6g}"
        words.append(below + along + above if above else f"{along}>{low:.6g}")
    name = f"{face.name} ({', '.join(words)})" if words else face.name
    return BoxFace(name, face.axis, face.value, face.outward, tuple(bounds), face.shape)


def covers(place: BoxFace, part: BoxFace) -> bool:
    """Whether all of a part of a face lies on another part of the same side of the domain."""
    if (place.axis, place.value, place.outward) != (part.axis, part.value, part.outward):
        return False
    return all(a <= c and d <= b for (a, b), (c, d) in zip(place.bounds, part.bounds, strict=True))


def common(one: BoxFace, other: BoxFace) -> BoxFace | None:
    """What two parts of faces share, by the name of the smaller one; None where they meet in an edge, or not at all."""
    if (one.axis, one.value, one.outward) != (other.axis, other.value, other.outward):
        return None
    bounds = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one.bounds, other.bounds, strict=True))
    if not all(a < b or k == one.axis for k, (a, b) in enumerate(bounds)):
        return None
    smaller = min(one, other, key=lambda f: f.support.measure)
    return BoxFace(smaller.name, one.axis, one.value, one.outward, bounds, one.shape)


def divided(face: BoxFace, places: Sequence[BoxFace], domain) -> list[BoxFace]:
    """A face cut into rectangles, on each of which the same of some parts of faces hold; one alone is the face."""
    met = [part for place in dict.fromkeys(places) if (part := common(face, place)) is not None]
    free = [k for k, (low, high) in enumerate(face.bounds) if low < high]
    if all(part.bounds == face.bounds for part in met) or not free:
        return [face]
    boxes = [tuple(part.bounds[k] for k in free) for part in (face, *met)]
    cuts, _ = cells_of(boxes)
    middles = np.stack(np.meshgrid(*[(np.array(c[:-1]) + c[1:]) / 2 for c in cuts], indexing="ij"), -1)
    held = [np.all((a < middles) & (middles < b), axis=-1) for a, b in (np.array(box).T for box in boxes[1:])]
    _, numbers = np.unique(np.stack(held, -1).reshape(-1, len(held)), axis=0, return_inverse=True)
    numbers = numbers.reshape(middles.shape[:-1])
    alike = [rectangle for k in range(numbers.max() + 1) for rectangle in rectangles(cuts, numbers == k)]
    return [_part(face, domain, free, rectangle) for rectangle in alike]
