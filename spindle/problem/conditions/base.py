"""What every condition answers: where it holds, which expression vanishes there, and what else follows from it.

A condition is a list of `Piece`s, one a face; a piece is a sum of expressions, each taken on its own support, so that
periodicity (a difference across the domain) is the same thing as a boundary value. Whoever knows more to do with some
conditions than to leave their residual to the loss asks for their `Role`; a kind that plays none is a residual alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, NamedTuple

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.geometry.domain import Domain
from spindle.geometry.supports import BoundaryPart, BoxFace, PointSet
from spindle.symbolic.words import text


@dataclass(frozen=True)
class Piece:
    """`sum of expression_k at place_k` vanishes; places of one piece differ in the fixed axis only."""

    terms: tuple[tuple[BoxFace | BoundaryPart | PointSet, sympy.Expr], ...]

    @property
    def on_faces(self) -> list[tuple[BoxFace, sympy.Expr]]:
        """The terms at faces of a box, where one coordinate is fixed."""
        return [(place, expression) for place, expression in self.terms if isinstance(place, BoxFace)]


class PrescribedValue(NamedTuple):
    """`expression = value`."""

    expression: sympy.Expr
    value: sympy.Expr


class Periodicity(NamedTuple):
    """`expression` takes the same value at both ends of an axis."""

    expression: sympy.Expr
    axis: sympy.Symbol


class Measurement(NamedTuple):
    """`expression = values` up to errors of measurement.

    values   (n,)
    noise    standard deviation of the errors, in the units of the values; None: not known
    """

    expression: sympy.Expr
    values: np.ndarray
    noise: float | None


class PrescribedStep(NamedTuple):
    """At a place inside, `expression` grows by `jump + resistance*flux`, and `flux`, unless it is zero, by `source`."""

    expression: sympy.Expr
    axis: sympy.Symbol
    place: float
    jump: sympy.Expr
    flux: sympy.Expr
    source: sympy.Expr
    resistance: sympy.Expr


@dataclass(frozen=True)
class Role:
    """What a condition is beside a residual; by default nothing.

    fixes         what it sets on whole faces of the domain, so that a field can be built that fulfils it
    starts        what it sets at the first instant
    periodic      what it makes periodic
    measurement   what was measured, which stands in for conditions
    is_on_parts   whether it says the same at all points of parts of the boundary, so that it can be posed between two
                  instants, in stretched coordinates and for all members of a family, where others are refused
    has_slopes    whether it contains the derivative along the outward normal
    is_sum        whether it is exact and sums values at points, so that it takes the place of no condition on parts
    across        what steps at a place inside the domain
    """

    fixes: PrescribedValue | None = None
    starts: PrescribedValue | None = None
    periodic: Periodicity | None = None
    measurement: Measurement | None = None
    is_on_parts: bool = False
    has_slopes: bool = False
    is_sum: bool = False
    across: PrescribedStep | None = None

    @property
    def noise(self) -> float | None:
        """The standard deviation of what was measured, where that is known."""
        return None if self.measurement is None else self.measurement.noise


class Approximation(ABC):
    """A field u_h near the solution u = u_h + e, for whose error e a problem is posed anew.

    coordinates   of the problem
    errors        {unknown: its error e, an unknown}
    """

    coordinates: tuple[sympy.Symbol, ...]
    errors: Mapping

    @abstractmethod
    def beyond(self, expression: sympy.Expr) -> sympy.Expr:
        """An expression in the unknowns at u_h + e."""

    @abstractmethod
    def moved(self, data: sympy.Expr) -> sympy.Expr:
        """Data, which contain no unknown, in the coordinates of e."""

    @abstractmethod
    def values(self, points: np.ndarray, expression: sympy.Expr) -> np.ndarray:
        """The values (n,) of an expression at u_h and points (n, d)."""


@dataclass(frozen=True)
class Condition(ABC):
    """Interface of all conditions.

    A kind is a frozen dataclass in a file of its own: what it was given is its fields, from which it is stored, read
    again and exchanged. Its class is exported beside the call that builds it, and files know it by a name that stays
    when the class is renamed: `class AtStart(Condition, stored_as="AtStart")`, by default the name of the class.

    kinds       {name in files: class} of all that were defined
    stored_as   the name in files
    """

    name: str

    kinds: ClassVar[dict[str, type["Condition"]]] = {}
    stored_as: ClassVar[str]

    def __init_subclass__(cls, *, stored_as: str | None = None, **options):
        """Enter a kind by its name in files; raises ProblemError where another class has that name."""
        super().__init_subclass__(**options)
        cls.stored_as = stored_as or cls.__name__
        other = Condition.kinds.get(cls.stored_as, cls)
        # A cell of a notebook that runs again, and `dataclass(slots=True)`, define the same class anew.
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ProblemError(
                f"`class {cls.__name__}(Condition)` would be stored as `{cls.stored_as}`, as conditions of "
                f"`{other.__module__}.{other.__qualname__}` are, and a file could not tell them apart; give it a name "
                f'of its own, `class {cls.__name__}(Condition, stored_as="{cls.__module__}.{cls.__name__}")`.'
            )
        Condition.kinds[cls.stored_as] = cls

    @abstractmethod
    def pieces(self, domain: Domain) -> tuple[Piece, ...]:
        """Where the condition holds, and what vanishes there; raises ProblemError where it cannot hold."""

    @abstractmethod
    def texts(self, printer: Callable[[object], str]) -> list[str]:
        """The condition in words and formulas, each formula printed by `printer`."""

    @property
    @abstractmethod
    def role(self) -> Role:
        """What it is beside a residual."""

    @abstractmethod
    def data(self, size: Callable[[sympy.Expr], float], length: float) -> tuple[sympy.Expr, float] | None:
        """An expression in an unknown and the size that the data give it; None of conditions without data.

        size     the root mean square of an expression in the coordinates
        length   the longest side of the domain, by which sizes of slopes become those of values
        """

    @abstractmethod
    def homogeneous(self) -> "Condition":
        """The same condition with zero for its data."""

    @abstractmethod
    def shifted(self, near: Approximation) -> "Condition":
        """The same condition for the error of an approximation."""

    @abstractmethod
    def in_window(self, moved: Callable[[sympy.Expr], sympy.Expr]) -> "Condition":
        """The same condition in a time of its own, in which `moved` writes expressions; parts of the boundary stay."""

    def terms(self, pieces: Sequence[Piece]) -> list[tuple[sympy.Expr, ...]]:
        """What its residual is a sum of, and is to be compared with: one sum for each place of its pieces.

        Of a difference between two places, or from what was measured, that is the one expression that is taken twice.
        """
        whole = self.role.periodic or self.role.measurement
        if whole is not None:
            return [(whole.expression,)]
        return [sympy.Add.make_args(expression) for piece in pieces for _, expression in piece.terms]

    def exchanged(self, swap: Mapping) -> "Condition":
        """The same condition with SymPy symbols or unknowns exchanged."""
        kept = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(
            self,
            **{k: _exchanged(v, swap) for k, v in kept.items() if isinstance(v, (sympy.Basic, list, tuple, Condition))},
        )

    def __repr__(self):
        return f"<{self.name}: {', '.join(self.texts(text))}>"

    def expressions(self) -> list[sympy.Expr]:
        """All expressions that it was given."""
        kept = [getattr(self, f.name) for f in fields(self)]
        parts = [part for v in kept for part in (v if isinstance(v, (list, tuple)) else [v])]
        within = [e for part in parts if isinstance(part, Condition) for e in part.expressions()]
        return [part for part in parts if isinstance(part, sympy.Expr)] + within

    def symbols(self) -> set[sympy.Symbol]:
        """The symbols in all of its expressions."""
        kept = [getattr(self, f.name) for f in fields(self)]
        parts = [part for v in kept for part in (v if isinstance(v, (list, tuple)) else [v])]
        within = (part.symbols() for part in parts if isinstance(part, Condition))
        return set().union(*within, *(part.free_symbols for part in parts if isinstance(part, sympy.Basic)))


def _exchanged(value, swap):
    if isinstance(value, (list, tuple)):
        return type(value)(_exchanged(item, swap) for item in value)
    if isinstance(value, Condition):
        return value.exchanged(swap)
    return value.xreplace(swap) if isinstance(value, sympy.Basic) else value
