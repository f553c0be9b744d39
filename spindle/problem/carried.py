"""Arrays that one window in time hands to the next, as arguments of the programs that all windows share.

The data of a later window are given functions of such arrays. While a program is made, the functions see its arguments
in their place; so the program serves every window, whatever its arrays are.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sympy.core.function import AppliedUndef

from spindle.problem.problem import Problem
from spindle.symbolic.symbols import given, is_given


class Carried:
    """The arrays that windows hand on, by name: a tree that JAX can take as an argument.

    now       those of the present window
    version   rises with every window
    """

    def __init__(self) -> None:
        self.now: Mapping[str, Any] = {}
        self.version = 0
        self._seen: Mapping[str, Any] | None = None

    def take(self, values: Mapping[str, Any]) -> None:
        """Go on to the next window, whose arrays these are."""
        self.now, self.version = values, self.version + 1

    def __getitem__(self, name: str) -> Any:
        return (self.now if self._seen is None else self._seen)[name]

    @contextmanager
    def holding(self, values: Mapping[str, Any]) -> Iterator[None]:
        """A context in which the functions see these arrays: the arguments of a program that is being traced."""
        before, self._seen = self._seen, values
        try:
            yield
        finally:
            self._seen = before

    def function(self, name: str, function: Callable, *coordinates, size: Callable[[], float] | None = None):
        """A given function of the coordinates that asks this object for arrays; `size` tells how large it is."""

        def read_carried(*arguments):
            return function(*arguments)

        read_carried.carried, read_carried.size = self, size  # type: ignore[attr-defined]
        return given(name, read_carried, *coordinates, smooth=True)


def carried_in(problem: Problem) -> Carried | None:
    """The `Carried` object that given functions of the problem read their arrays from; None where none do."""
    for expression in problem.expressions():
        for function in filter(is_given, expression.atoms(AppliedUndef)):
            carried = getattr(function.func.given, "carried", None)
            if carried is not None:
                return carried
    return None
