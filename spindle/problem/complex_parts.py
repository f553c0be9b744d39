"""Complex equations, conditions and references as real ones: what a problem consists of once it is posed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import sympy

from spindle.errors import ProblemError
from spindle.problem.conditions.base import Condition, Periodicity, Piece, PrescribedStep, PrescribedValue, Role
from spindle.problem.references import Reference
from spindle.symbolic.complex_parts import PARTS, has_complex, split, written_by_parts
from spindle.symbolic.words import shown


@dataclass(frozen=True, repr=False)
class PartOfCondition(Condition, stored_as="PartOfCondition"):
    """The real or the imaginary part of a condition of any kind on complex unknowns.

    condition   with `psi_re + I*psi_im` for every complex unknown `psi`
    part        "re" or "im"
    """

    condition: Condition
    part: str

    def __post_init__(self):
        if self.part not in PARTS or not isinstance(self.condition, Condition):
            raise ProblemError(f"A part of a condition is one of {PARTS}, and not {shown(self.part)}; choose one.")

    def _of(self, expression):
        if isinstance(expression, sympy.Eq):
            return sympy.Eq(*(self._of(side) for side in expression.args), evaluate=False)
        return split(expression)[PARTS.index(self.part)]

    def pieces(self, domain):
        """The places of the whole condition, with the part of what vanishes there."""
        whole = self.condition.pieces(domain)
        return tuple(Piece(tuple((place, self._of(e)) for place, e in piece.terms)) for piece in whole)

    def texts(self, printer):
        """The part in formulas."""
        return self.condition.texts(lambda expression: printer(self._of(expression)))

    @property
    def role(self):
        """The role of the whole condition, taken by parts."""
        whole = self.condition.role
        fixes, starts = (value and PrescribedValue(*map(self._of, value)) for value in (whole.fixes, whole.starts))
        periodic = whole.periodic and Periodicity(self._of(whole.periodic.expression), whole.periodic.axis)
        return Role(
            fixes=fixes,
            starts=starts,
            periodic=periodic,
            is_on_parts=whole.is_on_parts,
            has_slopes=whole.has_slopes,
            is_sum=whole.is_sum,
            across=self._across(whole.across),
        )

    def _across(self, step: PrescribedStep | None) -> PrescribedStep | None:
        """The part of what steps at a place; what a resistance adds is a part of the jump."""
        if step is None:
            return None
        jump = self._of(step.jump + step.resistance * step.flux)
        parts = self._of(step.expression), self._of(step.flux), self._of(step.source)
        return PrescribedStep(parts[0], step.axis, step.place, jump, parts[1], parts[2], sympy.S.Zero)

    def data(self, size, length):
        """The size of the whole data, which both parts share."""
        known = self.condition.data(lambda e: float(np.hypot(*map(size, split(e)))), length)
        return known and (self._of(known[0]), known[1])

    def homogeneous(self):
        """The part of the homogeneous condition."""
        return replace(self, condition=self.condition.homogeneous())

    def shifted(self, near):
        """The part of the condition for the error."""
        return replace(self, condition=self.condition.shifted(near))

    def in_window(self, moved):
        """The part of the condition in the time of the window."""
        return replace(self, condition=self.condition.in_window(moved))


def real_conditions(condition: Condition) -> list[Condition]:
    """A condition as real ones: itself, the one part that does not vanish by itself, or both."""
    written = {f.name: v for f in fields(condition) if isinstance(v := getattr(condition, f.name), sympy.Expr)}
    if not any(map(has_complex, written.values())):
        return [condition]
    pairs = {name: split(e) for name, e in written.items()}
    if all(imaginary == 0 for _, imaginary in pairs.values()):
        return [replace(condition, **{name: real for name, (real, _) in pairs.items()})]
    whole = replace(condition, **{name: written_by_parts(e) for name, e in written.items()})
    return [PartOfCondition(f"{condition.name} {part}", whole, part) for part in PARTS]


def real_equations(name: str, equation: sympy.Eq) -> list[tuple[str, sympy.Eq]]:
    """(name, equation) of the real and the imaginary part of an equation; itself where it is real."""
    if not has_complex(equation):
        return [(name, equation)]
    left, right = map(split, equation.args)
    made = [sympy.Eq(a, b, evaluate=False) for a, b in zip(left, right, strict=True)]
    if made[1].args == (0, 0):
        return [(name, made[0])]
    return [(f"{name} {part}", eq) for part, eq in zip(PARTS, made, strict=True)]


def real_references(reference: Mapping) -> dict:
    """References by real unknowns and quantities; raises ProblemError for tables of a complex unknown."""
    real: dict = {}
    for u, value in reference.items():
        if not (has_complex(u) if isinstance(u, sympy.Basic) else False):
            real[u] = value
            continue
        if isinstance(value, Reference):
            raise ProblemError(
                f"`spd.Problem(reference={{{shown(u)}: ...}})` has tables for a complex unknown, which are real; give "
                f'those of a quantity, `quantities={{"density": Abs({shown(u)})**2}}`, or a closed form.'
            )
        left, right = split(u), split(value)
        real |= {a: b for a, b in zip(left, right, strict=True) if a != 0}
    return real


def real_quantities(quantities: Mapping[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """Quantities by name; of a complex one both parts."""
    real: dict[str, sympy.Expr] = {}
    for name, expression in quantities.items():
        pair = split(expression)
        real |= {name: pair[0]} if pair[1] == 0 else {f"{name}_{part}": e for part, e in zip(PARTS, pair, strict=True)}
    return real
