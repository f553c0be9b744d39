"""What a problem says of a publication: a name, under which methods know its settings."""

import warnings
from collections.abc import Mapping

from spindle.errors import ProblemError, shown


class StoredSettings(dict):
    """Settings of a publication by method, as run directories hold them in the problem itself."""


def publication(given: str | Mapping) -> str | StoredSettings:
    """The name of a publication, or settings that are stored in the problem.

    Raises ProblemError where it is neither; settings in any other mapping are taken, with a DeprecationWarning.
    """
    if isinstance(given, (str, StoredSettings)):
        return given
    if not isinstance(given, Mapping):
        raise ProblemError(
            f"`spd.Problem(published={shown(given)})` is no name of published settings; leave it out, and give "
            "settings "
            f'to the method, `spd.SPINN(recipe="paper", points=64)`.'
        )
    if given:
        warnings.warn(
            "`spd.Problem(published={...})` is deprecated, since a problem knows no methods; give the settings to the "
            'method, `spd.SPINN(recipe="paper", points=64)`, and leave conditions out by `problem.without(names)`.',
            DeprecationWarning,
            stacklevel=5,
        )
    return StoredSettings(given)
