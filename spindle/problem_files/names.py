"""What the names in a file's formulas mean, and which names may be given."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from spindle.errors import nearest
from spindle.geometry.domain import Domain
from spindle.problem_files.hints import VECTOR_CALCULUS, of_name
from spindle.problem_files.source import Entry
from spindle.symbolic.growth_limits import GrowthLimits
from spindle.symbolic.sampled import COMPLEX_FUNCTIONS, FUNCTIONS, POINTS, SampledValues
from spindle.symbolic.symbols import Parameter, is_space, normal

RESERVED = (*FUNCTIONS, *VECTOR_CALCULUS, "piecewise", "and", "or", "not", "pi", "normal", "manufactured")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class Names:
    """The names of a problem file with their meanings; what is declared later in the file is known earlier in it.

    known         name -> symbol, field, or tabulated function
    definitions   name -> formula that is read when it is first used
    functions     name -> function of SymPy
    """

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"pi": sympy.pi}
        self.definitions: dict[str, Entry] = {}
        self.reading: list[str] = []
        self.coordinates: tuple[sympy.Symbol, ...] = ()
        self.space: tuple[sympy.Symbol, ...] = ()
        self.limits = GrowthLimits(SampledValues({}))
        self.functions: dict[str, Callable] = dict(FUNCTIONS)

    def allow_complex(self) -> None:
        """Give `I`, `re`, `im` and `conjugate` their meanings: of files with complex unknowns."""
        self.known["I"] = sympy.I
        self.functions |= COMPLEX_FUNCTIONS

    def claim(self, name: str, entry: Entry) -> str:
        """The name, which may now get a meaning. Raises ProblemError where it is no name, or taken."""
        if _NAME.match(name) and name.endswith(")") and "(" in name:
            raise entry.key_error(
                f"`{_short(name)}` is written without its arguments, `{name.partition('(')[0]}`; unknowns depend on "
                f"all coordinates."
            )
        if not _NAME.fullmatch(name):
            raise entry.key_error(
                f"`{_short(name)}` is no name; a name has at most 40 letters, digits and underscores, a letter first."
            )
        if name in RESERVED or name in self.functions:
            raise entry.key_error(f"`{name}` has a meaning of its own in formulas; choose another name.")
        if name in self.known or name in self.definitions:
            raise entry.key_error(f"`{name}` is declared twice, and it can mean one thing only; rename one.")
        return name

    def constants(self) -> "Names":
        """New names with the same definitions, which know no coordinates, unknowns or parameters."""
        names = Names()
        names.definitions = dict(self.definitions)
        return names

    def settle(self, domain: Domain) -> None:
        """Learn the domain, and with it `normal`, the axes of `grad`, and sample points."""
        self.coordinates = domain.coordinates
        self.space = tuple(c for c in domain.coordinates if is_space(c))
        if self.space:
            self.known["normal"] = normal(*self.space)
        parameters = [p for p in self.known.values() if isinstance(p, Parameter)]
        self.limits.samples = SampledValues(sample_points(domain.coordinates, domain.bounds, parameters))

    def unknown(self, name: str) -> str:
        """The refusal of a name without a meaning, as a sentence."""
        meant = of_name(name, self.known, self.coordinates)
        if meant:
            return f"`{name}` has no meaning here; {meant}"
        return f"`{name}` has no meaning here.{nearest(name, [*self.known, *self.definitions])}"


def sample_points(coordinates: Sequence, bounds, parameters: Sequence[Parameter]) -> Mapping[sympy.Symbol, np.ndarray]:
    """{symbol: values at a few points} inside the domain's box and the parameters' ranges, always the same ones."""
    random = np.random.default_rng(0)

    def inside(low, high):
        return low + (high - low) * random.uniform(0.003, 0.997, POINTS)

    points = {c: inside(*ends) for c, ends in zip(coordinates, bounds, strict=True)}
    for p in parameters:
        ends = (1.0, 2.0) if p.eigenvalue else p.bounds
        points[p] = inside(*ends) if ends else np.full(POINTS, p.value)
    return points


def words(entry: Entry, example: str) -> Iterator[tuple[str, Entry]]:
    """The words of a text or of a list of texts, each with its place.

    Raises ProblemError where a text is empty.
    """
    for item in entry.one_or_more():
        listed = item.text(example).split()
        if not listed:
            raise item.error(f"this names nothing; write `{example}`.")
        yield from ((word, item) for word in listed)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
