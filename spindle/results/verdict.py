"""Whether a solution is one: a word that a scientist can believe, and the reasons for it in order of weight."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spindle.training.stop_reasons import StopReason

SOLVED, DOUBTFUL, NOT_SOLVED = "solved", "doubtful", "not solved"
_WORDS = (SOLVED, DOUBTFUL, NOT_SOLVED)

# Residual on fresh points relative to its terms, and estimated relative error: above the first of the two numbers a
# solution is doubtful, above the second it is none.
_RESIDUAL = LOCAL, UNFULFILLED = (0.05, 0.5)
_ERROR = (0.008, 0.3)  # an estimate is right to some tens of per cent: what is solved is right to a hundredth
_TAIL = (1e-3, 5e-2)  # share of the last features of an axis
_APART = (0.01, 0.5)  # relative distance from the classical solution
_MISSED = (2.0, 10.0)  # root mean square distance from measurements, in units of their noise
_SMALL = 1e-3  # residual, relative to its terms, that is enough where no estimate was made


_EXPLAINS_LITTLE = "explains little of the residuals"


@dataclass(frozen=True)
class Verdict:
    """What is to be believed of a solution.

    word      "solved", "doubtful" or "not solved"
    reasons   sentences, the weightiest first; empty where it is solved
    """

    word: str
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word}: {'; '.join(self.reasons)}" if self.reasons else self.word

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"word": self.word, "reasons": list(self.reasons)}


def judge(run) -> Verdict:
    """The verdict on the record of a run."""
    questions = (_ended, _reached, _resolved, _measured, _estimated, _added_up, _residuals, _classical, _known)
    reasons = [reason for question in questions for reason in question(run)]
    reasons.sort(key=lambda reason: -reason[0])
    worst = reasons[0][0] if reasons else 0
    return Verdict(_WORDS[worst], tuple(sentence for _, sentence in reasons))


def _grade(value: float, limits: tuple[float, float]) -> int:
    """0: good; 1: doubtful; 2: bad."""
    return 2 if not value <= limits[1] else 1 if value > limits[0] else 0


def _ended(run) -> list[tuple[int, str]]:
    """How training ended."""
    reason = run.stopped_by
    if reason == StopReason.DIVERGED:
        return [(2, reason.doubt)]
    if reason.resumes and not run.iterations:
        return [(2, "nothing was trained")]
    # What training would still have gained is in the estimate, where there is a good one.
    return [(1, reason.doubt)] if reason.doubt and not _near(run) else []


def _trusted(run) -> bool:
    """Whether there is an estimate that explains the residuals."""
    return run.error_estimate.errors is not None and not run.error_estimate.bound


def _near(run) -> bool:
    """Whether such an estimate says that the error is small."""
    return _trusted(run) and max(run.error_estimate.errors.values(), default=0.0) <= _ERROR[0]


def _reached(run) -> list[tuple[int, str]]:
    """How much of time was solved, in windows."""
    reached = run.reached
    if reached is None or reached.to >= reached.of:
        return []
    return [(2, f"it reaches {reached.coordinate} = {reached.to:.4g} of {reached.of:.4g} only")]


def _resolved(run) -> list[tuple[int, str]]:
    """Axes whose features do not suffice."""
    return [
        (grade, f"axis {axis} is not resolved: its last features still hold {share:.1e} of the solution")
        for axis, share in run.unresolved.items()
        if (grade := _grade(share, _TAIL))
    ]


def _measured(run) -> list[tuple[int, str]]:
    """Measurements, whose noise the user knows: a solution that is right misses them by that."""
    return [
        (
            grade,
            f"the measurements `{name}` are missed by {times:.1f} times their noise: parameters that are estimated are "
            f"far from what they should be, the equations are not those of the measurements, or the noise is larger",
        )
        for name, times in run.misfits.items()
        if (grade := _grade(times, _MISSED))
    ]


def _estimated(run) -> list[tuple[int, str]]:
    """The estimate of the error."""
    estimate = run.error_estimate
    if estimate.errors is None:
        return []
    name, error = max(estimate.errors.items(), key=lambda item: item[1], default=("", 0.0))
    grade = _grade(error, _ERROR)
    if estimate.bound and _local(run):
        # What is sharp in few places misleads an estimate that cannot see it, either way.
        grade = min(grade, 1)
    atleast = "at least " if estimate.bound else ""
    if grade:
        return [(grade, f"the estimated error of {name} is {atleast}{error:.1e}")]
    if estimate.bound or _grade(max((estimate.upper or {}).values(), default=0.0), _ERROR):
        noisy = "what noise leaves open of the parameters is not in it"
        but = noisy if estimate.noise else _EXPLAINS_LITTLE if estimate.left else "small errors grow as fast as it does"
        return [(1, f"the estimated error of {name} is {error:.1e} at least, and {but}")]
    return []


def _added_up(run) -> list[tuple[int, str]]:
    """What the residuals of a march add up to, carried through time, where no estimate tells more.

    Residuals alone do not tell: where small errors grow, as in chaos, those of a wrong solution are as small as any.
    """
    if _trusted(run) or not run.accumulated:
        return []
    if None in run.accumulated.values():
        return [(1, "there was no time to find out what its residuals add up to")]
    name, error = max(run.accumulated.items(), key=lambda item: item[1])
    grade = _grade(error, _ERROR)
    size = f"an error of {error:.1e} in {name}" if error < 1 else f"more than {name} itself"
    said = f"its residuals add up to {size}, as the equations carry them on"
    return [(grade, said)] if grade else []


def _residuals(run) -> list[tuple[int, str]]:
    """Residuals on fresh points, relative to their terms."""
    small = _near(run)
    near = 0.0 <= _apart(run) <= _APART[0]
    reasons = []
    for name, share in sorted(run.shares.items(), key=lambda item: -item[1]):
        grade = _grade(share, _RESIDUAL)
        # What the residual means for the solution is the matter of the estimate, or of the classical solution, where
        # there is a good one: at a corner the residual of a solution with an error of a hundredth exceeds its terms.
        local = is_local(name, run.medians)
        grade = min(grade, 1) if small or near or local else grade
        if grade:
            where = f", {run.medians[name]:.0%} in half of the points" if local else ""
            reasons.append((grade, f"the residual of `{name}` is {share:.0%} of its own terms{where}"))
    if not run.shares:
        reasons.append((1, "residuals on fresh points are not known"))
    if not reasons and not _trusted(run) and not near and max(run.shares.values(), default=0.0) > _SMALL:
        why = run.error_estimate.reason or "it was not asked for: `estimate=True`"
        reasons.append((1, f"there is no estimate of the error ({why})"))
    return reasons


def is_local(name: str, medians: Mapping[str, float]) -> bool:
    """Whether a residual is large in few places only, as far as the medians relative to its terms are known."""
    return medians.get(name, math.inf) <= LOCAL


def _local(run) -> bool:
    """Whether residuals are as large as their terms, and in few places only."""
    wild = [name for name, share in run.shares.items() if not share <= UNFULFILLED]
    return bool(wild) and all(is_local(name, run.medians) for name in wild)


def _apart(run) -> float:
    """The relative distance from the classical solution on the same nodes; -1 where there is none to rely on."""
    classical = run.classical
    if classical is None or classical.distance is None or classical.note is not None:
        return -1.0
    return max(classical.distance.values(), default=-1.0)


def _classical(run) -> list[tuple[int, str]]:
    """The distance from the classical solution of the same discrete equations."""
    grade = _grade(_apart(run), _APART)
    return [(grade, f"it is {_apart(run):.1e} away from the classical solution on the same nodes")] if grade else []


def _known(run) -> list[tuple[int, str]]:
    """What is known of the problem itself."""
    return [(2, sentence) for sentence in run.fatal] + [(1, sentence) for sentence in run.doubts]
