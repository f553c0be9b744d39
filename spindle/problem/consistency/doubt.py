"""A doubt about a problem."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Doubt:
    """One sentence.

    fatal   whether no solution of the problem as posed can mean anything: a condition is missing, or two exclude each
            other
    """

    sentence: str
    fatal: bool = True


def listed(words, most: int = 4) -> str:
    """`a, b and 3 more`."""
    words = list(words)
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
