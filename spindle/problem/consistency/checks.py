"""What a problem may be but is hardly meant to be, known from its mathematics before any solving."""

from spindle.problem.consistency.coded import coded_jumps
from spindle.problem.consistency.counting import counted
from spindle.problem.consistency.doubt import Doubt
from spindle.problem.consistency.eigenvalues import resonances
from spindle.problem.consistency.jumps import assumed, kinks
from spindle.problem.consistency.levels import levels
from spindle.problem.consistency.overshoot import overshoots
from spindle.problem.consistency.references import unsatisfied
from spindle.problem.consistency.values import contradictions, running_starts

_QUESTIONS = (
    counted,
    contradictions,
    levels,
    resonances,
    kinks,
    assumed,
    coded_jumps,
    overshoots,
    running_starts,
    unsatisfied,
)


def doubted(problem) -> tuple[Doubt, ...]:
    """Every doubt about a problem, each with its weight; `Problem.doubted` keeps them."""
    return tuple(doubt for question in _QUESTIONS for doubt in question(problem))


def doubts(problem) -> list[str]:
    """One sentence for each doubt."""
    return [doubt.sentence for doubt in problem.doubted]


def fatal(problem) -> list[str]:
    """The sentences of those doubts that leave any solution without meaning."""
    return [doubt.sentence for doubt in problem.doubted if doubt.fatal]
