"""References that are formulas, and what was given as a reference as what answers for itself."""

from dataclasses import dataclass

import sympy

from spindle.errors import ProblemError
from spindle.problem.references import Reference
from spindle.symbolic.symbols import Parameter
from spindle.symbolic.words import shown


@dataclass(frozen=True)
class ClosedForm(Reference):
    """A formula in the coordinates and parameters."""

    closed: sympy.Expr
    table = None
    members = ()

    @property
    def written(self):
        """The formula."""
        return self.closed

    def compared(self, parameters):
        """None: it is known everywhere."""

    def of_member(self, values, swap):
        """The formula with the parameters of the member."""
        return ClosedForm(self.closed.xreplace(swap))

    def during(self, t, low, high):
        """The formula, which holds at all times."""
        return self

    def stored(self, keep, encode):
        """The encoded formula."""
        return {"expression": encode(self.closed)}

    def described(self, number):
        """What it is."""
        return "closed form"

    def check(self, name, coordinates):
        """Whether it contains coordinates and parameters only.

        Raises ProblemError where it contains others.
        """
        stray = sympy.sympify(self.closed).free_symbols - set(coordinates)
        if any(not isinstance(s, Parameter) for s in stray):
            raise ProblemError(
                f"The reference of `{name}` contains {shown(sorted(stray, key=str))}, which is no coordinate and no "
                f"parameter; a closed form may use "
                f"{coordinates} and parameters only."
            )


def reference_of(value) -> Reference:
    """What users write for a reference, a formula or tables, as a reference."""
    return value if isinstance(value, Reference) else ClosedForm(value)
