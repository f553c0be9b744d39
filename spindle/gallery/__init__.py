"""Problems to try, one family a file: equation, domain, conditions, exact or reference solution, citation."""

import functools
from collections.abc import Callable

from spindle.gallery.registry import GALLERY, gallery
from spindle.problem.problem import Problem

__all__ = sorted(GALLERY)


def _posed(name: str) -> Callable[..., Problem]:
    """`gallery(name)` as a function of the problem's options."""

    @functools.wraps(GALLERY[name])
    def pose(**options) -> Problem:
        return gallery(name, **options)

    return pose


globals().update({name: _posed(name) for name in __all__})


def __dir__():
    return __all__
