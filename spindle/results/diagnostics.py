"""Doubts of a record: sentences on runs whose numbers say less than they seem to, with the usual fix.

fresh       root mean square of each residual on points that training never saw
terms       how large the terms of each residual are for the solution
trained     the same as `fresh`, on the last training points
"""

from collections.abc import Mapping, Sequence

from spindle.methods.base import Method
from spindle.methods.optimizers import KINDS, setting_of_steps
from spindle.results.verdict import UNFULFILLED, is_local
from spindle.training.history import HistoryEntry
from spindle.training.loop import Outcome
from spindle.training.stop_reasons import StopReason

_FIRST_ORDER = tuple(label for label, kind in KINDS.items() if kind.first_order)
_LARGE = 0.1  # residual, relative to its terms, above which training that stands still has failed
_SOLVED = 1e-4  # ... and below which more steps are a luxury
_STEPS = 10  # fewer have no tenths to speak of


def unfulfilled(
    fresh: Mapping[str, float], terms: Mapping[str, float], medians: Mapping[str, float], *, stuck: bool = False
) -> list[str]:
    """Sentences on residuals that are hardly smaller than their terms: the trivial solution among them.

    medians   of residuals relative to their terms, where known: what is large in few places may be a solution elsewhere
    stuck     whether more steps would not help
    """
    longer = "" if stuck else "train longer, or "
    return [
        f"`{name}` is hardly fulfilled: its residual is {fresh[name]:.1e}, and its terms are "
        f"{terms[name]:.1e}, so this is no solution; {longer}raise its weight, "
        f"`weights={{{name!r}: 1000}}`"
        for name in fresh
        if name in terms and fresh[name] > UNFULFILLED * terms[name] and not is_local(name, medians)
    ]


def cut_short(outcome: Outcome, seconds: float | None, missing: Sequence[str]) -> list[str]:
    """Sentences where the budget of so many seconds ended training, or left no time for all checks after it.

    missing   what was not looked at
    """
    sentences = []
    if outcome.stopped_by == StopReason.BUDGET:
        done = f"after {outcome.steps} steps" if outcome.steps else "before the first step, so that nothing was trained"
        sentences.append(
            f"the budget of {seconds:g} s ended training {done}; more seconds would help, or continue the run, "
            f"`spd.resume(directory)`, where it has one"
        )
    if missing:
        sentences.append(f"the budget left no time for {', '.join(missing)}, so that the loss is all that is known")
    return sentences


def overfit(fresh: Mapping[str, float], trained: Mapping[str, float], method: Method) -> list[str]:
    """Sentences on residuals that are small at the training points only."""
    smaller = ["`frequency`"] if method.activation == "sin" and not method.is_basis else []
    smaller += method.smaller
    advice = f"raise {method.denser}" + (f", or lower {' or '.join(smaller)}" if smaller else "")
    return [
        f"the residual `{name}` is {fresh[name]:.1e} on fresh points but {trained[name]:.1e} on the training points: "
        f"the loss says too much, {advice}"
        for name in trained
        if name in fresh and fresh[name] > 3 * trained[name] and fresh[name] > 1e-8
    ]


def stagnated(
    history: Sequence[HistoryEntry], began: int, fresh: Mapping[str, float], terms: Mapping[str, float]
) -> list[str]:
    """A sentence where the last phase, of first order, stood still over its second half, far from a solution.

    began   the step at which that phase began
    """
    last = [record for record in history if record.step > began]
    if not last or not last[-1].phase.startswith(_FIRST_ORDER) or last[-1].step - began < _STEPS:
        return []
    half = began + (last[-1].step - began) / 2
    earlier, later = (_least(last, lambda step, side=side: (step > half) == side) for side in (False, True))
    name, share = _worst(fresh, terms)
    if later < 0.95 * earlier or share < _LARGE:
        return []
    return [
        f"training stood still: over the second half of its {last[-1].step - began} steps of {last[-1].phase} the loss "
        f"fell from {earlier:.1e} to {later:.1e} only, and `{name}` is still {share:.0%} of its "
        f"own terms, so more steps alone would not help; try Gauss-Newton, `newton_steps=200`, or another "
        f"`learning_rate` or `seed`"
    ]


def unfinished(
    history: Sequence[HistoryEntry], began: int, fresh: Mapping[str, float], terms: Mapping[str, float]
) -> list[str]:
    """A sentence where the last phase ended while its loss was falling fast, before the problem was solved.

    began   the step at which that phase began
    """
    last = [record for record in history if record.step > began]
    if not last or last[-1].step - began < _STEPS or _worst(fresh, terms)[1] < _SOLVED:
        return []
    tenth = began + 9 * (last[-1].step - began) // 10
    before, after = _least(last, lambda step: step <= tenth), last[-1].loss
    if not 0 <= after < 0.5 * before:
        return []
    return [
        f"the last tenth of the steps still brought the loss from {before:.1e} to {after:.1e}: more steps would help, "
        f"raise `{setting_of_steps(last[-1].phase)}`"
    ]


def _least(records: Sequence[HistoryEntry], chosen) -> float:
    return min((record.loss for record in records if chosen(record.step)), default=float("inf"))


def _worst(fresh: Mapping[str, float], terms: Mapping[str, float]) -> tuple[str, float]:
    """The residual that is largest relative to its terms, and its share."""
    shares = {name: fresh[name] / terms[name] for name in fresh if terms.get(name, 0) > 0}
    return max(shares.items(), key=lambda item: item[1], default=("", 0.0))
