"""Problems to try, one family a file: equation, domain, conditions, exact or reference solution, citation."""

import functools
from collections.abc import Callable

from spindle.errors import ProblemError
from spindle.gallery.registry import GALLERY, gallery, options
from spindle.problem.problem import Problem

__all__ = sorted(GALLERY)


def _posed(name: str) -> Callable[..., Problem]:
    """`gallery(name)` as a function of the problem's options."""

    known = list(options(name))

    @functools.wraps(GALLERY[name])
    def pose(*values, **named) -> Problem:
        given = dict(zip(known, values, strict=False))
        if len(values) > len(known) or set(given) & set(named):
            form = f"spd.gallery.{name}({', '.join(f'{option}=...' for option in known)})"
            raise ProblemError(
                f"`spd.gallery.{name}` takes {len(known)} options, each once, and was given {len(values)} values "
                f"without a name beside {len(named)} with one; write `{form}`."
            )
        return gallery(name, **given, **named)

    return pose


globals().update({name: _posed(name) for name in __all__})


def __dir__():
    return __all__
