"""A doubt about a problem."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Doubt:
    """One sentence on what is probably wrong with a problem.

    fatal   whether no solution of the problem as posed can mean anything: a condition is missing, or two exclude each
            other
    """

    sentence: str
    fatal: bool = True


def listed(words, most: int = 4) -> str:
    """The words joined, `a, b and 3 more` where there are more than `most`."""
    words = list(words)
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
