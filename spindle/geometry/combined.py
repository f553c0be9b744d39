"""What combinations of shapes have in common: the rules of set algebra, how they are written, names of their sides."""

from collections.abc import Callable

import numpy as np

from spindle.errors import ProblemError

# (inside the one, inside the other) -> inside the combination
RULES: dict[str, Callable] = {"|": np.logical_or, "-": lambda a, b: a & ~b, "&": np.logical_and}

_SHOWN = 6  # shapes of a row of equal operations that are written out


def formula(shape) -> str:
    """`a - b - c`; of a long row the first few and the last."""
    row, operation = [shape.other], shape.operation
    while getattr(shape.one, "operation", None) == operation:
        shape = shape.one
        row.append(shape.other)
    row = [shape.one, *reversed(row)]
    texts = [_bracketed(s) for s in (row if len(row) <= _SHOWN else [*row[: _SHOWN - 1], row[-1]])]
    if len(row) > _SHOWN:
        texts.insert(-1, f"... {len(row) - _SHOWN} more ...")
    return f" {operation} ".join(texts)


def _bracketed(shape) -> str:
    text = repr(shape)
    return f"({text})" if hasattr(shape, "operation") or " | " in text else text


def is_empty(shape) -> ProblemError:
    """What to raise where nothing is left of a combination."""
    return ProblemError(
        f"`{shape}` is empty, or thinner than can be told apart, and nothing can be solved there; check the sizes."
    )


def numbered(taken, names) -> dict[str, str]:
    """{name: new name} for names that are taken already: "circle 2", "circle 3"."""
    taken, renamed = set(taken), {}
    for name in names:
        number, new = 2, name
        while new in taken:
            number, new = number + 1, f"{name} {number}"
        taken.add(new)
        renamed[name] = new
    return renamed
