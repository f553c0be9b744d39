"""What a problem may be but is hardly meant to be, known from its mathematics before any solving."""

from spindle.problem.consistency.counting import wrong_counts
from spindle.problem.consistency.crossings import crossings
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.eigenvalues import resonances
from spindle.problem.consistency.given_coefficients import given_jumps
from spindle.problem.consistency.jumps import assumed, kinks
from spindle.problem.consistency.levels import undetermined_constants
from spindle.problem.consistency.overshoot import overshoots
from spindle.problem.consistency.references import unsatisfied_references
from spindle.problem.consistency.values import contradictions, running_starts

_QUESTIONS = (
    wrong_counts,
    contradictions,
    undetermined_constants,
    resonances,
    kinks,
    assumed,
    crossings,
    given_jumps,
    overshoots,
    running_starts,
    unsatisfied_references,
)


def doubted(problem) -> tuple[Doubt, ...]:
    """Every doubt about a problem, each with its weight; `Problem.doubted` keeps them."""
    if problem.eigenvalue is not None:  # multiples of eigenfunctions are ones too: it has no single solution to doubt
        return ()
    return tuple(doubt for question in _QUESTIONS for doubt in question(problem))


def doubts(problem) -> list[str]:
    """One sentence for each doubt."""
    return [doubt.sentence for doubt in problem.doubted]


def fatal(problem) -> list[str]:
    """The sentences of those doubts that leave any solution without meaning."""
    return [doubt.sentence for doubt in problem.doubted if doubt.fatal]
