"""Settings of methods: how they are declared, and what is said of values that they cannot have.

A method declares each of its settings once, as a field with its kind and its meaning,

    times: int | None = setting(Whole(2, 10**5), "instants for problems with time")

and what is accepted, the sentence that refuses other values, and the list in the docstring of the method follow.
"""

import inspect
import math
import numbers
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
import sympy

from spindle.errors import MethodError, nearest, shown

_LARGEST = 1e300  # of a setting that is no whole number
_LONGEST_LADDER = 100
_MOST_FEATURES = 10**7
_COLUMNS = 116  # of docstrings, indentation left out

Documented = TypeVar("Documented", bound=type)


# ------------------------------------------------------------------------------------------------------------- kinds


class SettingKind(ABC):
    """Interface of the kinds of values."""

    @abstractmethod
    def read(self, value: Any, given: str) -> Any:
        """The value in the type that the setting has; numbers of any library become those of Python.

        given   the call with this value, for messages
        Raises MethodError where the setting cannot have it.
        """

    @abstractmethod
    def described(self, doc: str) -> str:
        """The meaning of a setting of this kind, with the values that it takes."""


@dataclass(frozen=True)
class Words(SettingKind):
    """One of a few words.

    meanings   {word: what it means}, empty where the sentence of the setting says it
    """

    meanings: Mapping[str, str]

    def read(self, value, given):
        """The word; raises MethodError where it is none of them."""
        if not isinstance(value, str) or value not in self.meanings:
            raise MethodError(f"`{given}` is not known." + nearest(str(value)[:100], self.meanings))
        return value

    def described(self, doc):
        """Every word with its meaning."""
        if not any(self.meanings.values()):
            return f"{doc}: {alternatives(map(quoted, self.meanings))}"
        said = [quoted(word) + (f", {meaning}" if meaning else "") for word, meaning in self.meanings.items()]
        return f"{doc}: {'; '.join(said)}"


@dataclass(frozen=True)
class Whole(SettingKind):
    """A whole number.

    Beyond `most` even laying out a network fails, in ways that end Python, or no life is long enough.

    several   whether a tuple of such numbers will do, too
    """

    least: int
    most: int
    several: bool = False

    def read(self, value, given):
        """An int, or a tuple of them; raises MethodError where it is none, or out of range."""
        listed = self.several and isinstance(value, (tuple, list))
        counts = tuple(whole(number, self.least) for number in (value if listed else (value,)))
        if None in counts:
            raise refusal(given, f"a whole number of at least {self.least}")
        if any(count > self.most for count in counts if count is not None):
            raise refusal(given, f"a whole number of at most {self.most}")
        return counts if listed else counts[0]

    def described(self, doc):
        """With the range."""
        return f"{doc} ({self.least:,} to {self.most:,})"


@dataclass(frozen=True)
class Positive(SettingKind):
    """A positive number.

    several   whether a tuple of such numbers will do, too
    """

    several: bool = False

    def read(self, value, given):
        """A float, or a tuple of them; raises MethodError where it is none, or out of range."""
        listed = self.several and isinstance(value, (tuple, list))
        given_numbers = tuple(_positive(number) for number in (value if listed else (value,)))
        if None in given_numbers:
            raise refusal(given, f"a positive number of at most {_LARGEST:g}")
        return given_numbers if listed else given_numbers[0]

    def described(self, doc):
        """With the range."""
        return f"{doc} (positive)"


@dataclass(frozen=True)
class NotNegative(SettingKind):
    """Zero or a positive number."""

    def read(self, value, given):
        """A float; raises MethodError where it is none, or out of range."""
        if not (_is_number(value) and 0 <= _float(value) <= _LARGEST):
            raise refusal(given, f"a number from 0 to {_LARGEST:g}")
        return float(value)

    def described(self, doc):
        """With the range."""
        return f"{doc} (0 or positive)"


@dataclass(frozen=True)
class Flag(SettingKind):
    """True or false."""

    def read(self, value, given):
        """A bool; raises MethodError where it is none."""
        if not isinstance(value, (bool, np.bool_)):
            raise refusal(given, "true or false")
        return bool(value)

    def described(self, doc):
        """As it is."""
        return doc


@dataclass(frozen=True)
class Rule(SettingKind):
    """The name of a rule for points; rules differ by method, and are looked up where points are made."""

    def read(self, value, given):
        """The name."""
        return _word(value, given)

    def described(self, doc):
        """As it is."""
        return doc


@dataclass(frozen=True)
class Expression(SettingKind):
    """An expression in the space coordinates."""

    def read(self, value, given):
        """The expression; raises MethodError where it is none, or a constant."""
        if not isinstance(value, sympy.Expr) or value.is_number:
            raise refusal(given, "an expression in the space coordinates, such as 0.3 + x**2")
        return value

    def described(self, doc):
        """With an example."""
        return f"{doc}, such as 0.3 + x**2"


@dataclass(frozen=True)
class Features(SettingKind):
    """Count and deviation of random Fourier features."""

    def read(self, value, given):
        """A pair of an int and a float; raises MethodError where it is none."""
        pair = isinstance(value, (tuple, list)) and len(value) == 2
        count, deviation = (whole(value[0], 1), _positive(value[1])) if pair else (None, None)
        if count is None or count > _MOST_FEATURES or deviation is None:
            raise refusal(given, "a whole number and a positive one, such as (64, 2.0)")
        return count, deviation

    def described(self, doc):
        """With an example."""
        return f"{doc}, such as (64, 2.0)"


@dataclass(frozen=True)
class Ladder(SettingKind):
    """Positive numbers, one after the other."""

    def read(self, value, given):
        """A tuple of floats; raises MethodError where one of them is not positive."""
        steps = value if isinstance(value, (tuple, list)) else (value,)
        ladder = tuple(_positive(number) for number in steps[:_LONGEST_LADDER])
        if None in ladder:
            raise refusal(given, "positive tolerances, such as (0.01, 1)")
        return ladder

    def described(self, doc):
        """As it is."""
        return doc


@dataclass(frozen=True)
class Weights(SettingKind):
    """Numbers by name; which names and sizes make sense is known where the residuals are."""

    def read(self, value, given):
        """A dictionary of floats; raises MethodError where it is none."""
        fits = isinstance(value, Mapping) and all(
            isinstance(k, str) and _is_number(v) and abs(_float(v)) <= _LARGEST for k, v in value.items()
        )
        if not fits:
            raise refusal(given, "a number for each residual it names, such as {'equation': 10}")
        return {k: float(v) for k, v in value.items()}

    def described(self, doc):
        """As it is."""
        return doc


def refusal(given: str, wanted: str) -> MethodError:
    return MethodError(f"`{given}` needs {wanted}.")


def _word(value, given: str) -> str:
    if not isinstance(value, str):
        raise refusal(given, "a word")
    return value


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def whole(value, least: int) -> int | None:
    return int(value) if _is_number(value) and least <= value < math.inf and value == int(value) else None


def _float(value) -> float:
    """A number of any library in double precision; infinity where it is too large for that."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _positive(value) -> float | None:
    return float(value) if _is_number(value) and 0 < _float(value) <= _LARGEST else None


# ------------------------------------------------------------------------------------------------------ declarations


@dataclass(frozen=True)
class Setting:
    """What is declared of one setting.

    kind       what values it takes
    doc        what it means
    also       {word that it takes besides: what it means}
    per_axis   whether it may be a tuple with a value for each axis
    sizes      whether it says how large the network is
    trains     whether it says how many steps an optimizer takes; a method needs one such setting that is not zero
    """

    kind: SettingKind
    doc: str
    also: Mapping[str, str]
    per_axis: bool
    sizes: bool
    trains: bool

    def read(self, value: Any, given: str) -> Any:
        """See `Kind.read`; the words that it takes besides are left as they are."""
        return value if isinstance(value, str) and value in self.also else self.kind.read(value, given)

    def described(self, default: Any) -> str:
        """A paragraph on the meaning, the values, and the default; None: there is none."""
        one_each = "; one for all axes, or a tuple with one for each" if self.per_axis else ""
        besides = "".join(f"; {quoted(word)}, {meaning}" for word, meaning in self.also.items())
        usual = "" if default is None else f" [{shown(default)}]"
        return self.kind.described(self.doc) + one_each + besides + usual


def setting(
    kind: SettingKind,
    doc: str,
    *,
    also: Mapping[str, str] | None = None,
    per_axis: bool = False,
    sizes: bool = False,
    trains: bool = False,
) -> Any:
    """A field of a method: one setting, None unless it is given; see `Setting`."""
    return field(default=None, metadata={"setting": Setting(kind, doc, also or {}, per_axis, sizes, trains)})


def declared(cls: type) -> dict[str, Setting]:
    """The settings of a method by name, in the order of its fields."""
    return {f.name: f.metadata["setting"] for f in fields(cls) if "setting" in f.metadata}


def checked(cls: type, settings: Mapping[str, Any], axes: int) -> dict[str, Any]:
    """The settings of a method in the types that they have; raises MethodError where one has a value that it cannot.

    axes   number of axes of the problem
    """
    call, known = f"spd.{cls.__name__}", declared(cls)
    values = {
        name: value if value is None or name not in known else known[name].read(value, _given(call, name, value))
        for name, value in settings.items()
    }
    training = [name for name, declaration in known.items() if declaration.trains]
    if not any(values.get(name) for name in training):
        raise MethodError(
            f"`{call}({', '.join(f'{name}=0' for name in training)})` would not train at all; give one of them a "
            f"positive number."
        )
    for name, declaration in known.items():
        value = values.get(name)
        if declaration.per_axis and isinstance(value, tuple) and len(value) != axes:
            raise MethodError(
                f"`{_given(call, name, value)}` has {len(value)} numbers for a problem of {axes} axes; give one number "
                f"for all axes, or one for each."
            )
    return values


def _given(call: str, name: str, value) -> str:
    return f"{call}({name}={shown(value)})"


# ---------------------------------------------------------------------------------------------------- documentation


def documented(cls: Documented) -> Documented:
    """Decorate a method, so that its docstring ends with a list of its settings, those that only it has first."""
    if cls.__doc__ is not None:  # as under `python -OO`
        described = described_settings(cls)
        groups, listed = [], set[str]()
        for each in cls.__mro__:  # one that is declared anew belongs to the class that does so
            groups.append([n for n in vars(each).get("__annotations__", {}) if n in described and n not in listed])
            listed |= set(groups[-1])
        lists = [_listed({name: described[name] for name in names}) for names in groups if names]
        cls.__doc__ = "\n\n".join([inspect.cleandoc(cls.__doc__), _HOW, *lists])
    return cls


_HOW = (
    "Settings go by their names. One that is left at None takes the value of its recipe; that of the default is in []."
)


def described_settings(cls: type) -> dict[str, str]:
    """For each setting of a method its meaning, the values that it takes, and in [] the value of the default recipe."""
    usual = getattr(cls, "recipes", {}).get("default", {})
    return {name: setting.described(usual.get(name)) for name, setting in declared(cls).items()}


def _listed(described: Mapping[str, str]) -> str:
    """Names and paragraphs in two columns."""
    column = max(map(len, described)) + 3
    return "\n".join(
        textwrap.fill(
            text, _COLUMNS, initial_indent=f"{name:<{column}}", subsequent_indent=" " * column, break_on_hyphens=False
        )
        for name, text in described.items()
    )


def quoted(word: str) -> str:
    return f'"{word}"'


def alternatives(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
