"""Functions of the user's that watch a training: what they are told, and how they may end it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import jax
import numpy as np

from spindle.errors import MethodError
from spindle.networks.model import Model
from spindle.training.history import HistoryEntry

# A lack of memory is no matter of the function that met it, and is said in a sentence of its own.
_OF_THE_MACHINE = (MemoryError, jax.errors.JaxRuntimeError)


class Moment:
    """What a callback is given: where training is, and what there is of the solution.

    step         steps so far
    phase        what takes them, "Adam"
    seconds      of training so far, without what callbacks take
    loss         at the last step
    errors       {unknown: relative L2 error}, at the steps where it was measured
    parts        {equation or condition: its weighted share of the loss}; to look at it evaluates the loss once more
    parameters   {name: the present value} of those that are estimated
    solution     the present solution, to be evaluated and saved; to look at it copies the parameters

    The last three are there as long as the callback runs; a solution that was looked at then stays.
    """

    def __init__(
        self,
        entry: HistoryEntry,
        model: Callable[[], Model],
        parts: Callable[[], Mapping[str, float]],
        solution: Callable[[Model, HistoryEntry], Any] | None,
    ):
        self.step, self.phase, self.seconds, self.loss = entry.step, entry.phase, entry.seconds, entry.loss
        self.errors = dict(entry.errors)
        self._entry, self._model, self._parts, self._solution = entry, model, parts, solution
        self._over = False

    def end(self) -> None:
        """From now on what was not looked at is gone: the next steps take its memory."""
        self._over = True

    @cached_property
    def parts(self) -> dict[str, float]:
        """The weighted share of each equation and condition in the loss."""
        return dict(self._while_it_lasts(self._parts)())

    @cached_property
    def parameters(self) -> dict[str, float]:
        """The present values of the parameters that are estimated."""
        return self._while_it_lasts(self._model)().numbers

    @cached_property
    def solution(self) -> Any:
        """The present solution; raises MethodError where it is not known."""
        build = self._while_it_lasts(self._solution)
        if build is None:
            raise MethodError("This training was started without a problem, so that its model makes no solution.")
        copied = jax.tree.map(_copied, self._model())
        return build(copied, self._entry)

    def _while_it_lasts(self, part: Any) -> Any:
        if self._over:
            raise MethodError(
                f"A callback was told of step {self.step} and looked at what there was of the solution after it had "
                f"returned, when the next steps had taken its memory; look at `moment.solution` within the callback."
            )
        return part


def _copied(leaf: Any) -> Any:
    return jax.device_put(leaf, may_alias=False) if isinstance(leaf, jax.Array) else leaf


def _is_true(answer: Any) -> bool:
    """Whether a callback returned True, of any library; other values mean nothing."""
    truth = isinstance(answer, bool) or (getattr(answer, "dtype", None) == np.dtype(bool) and np.size(answer) == 1)
    return truth and bool(answer)


class Watchers:
    """All callbacks of a training.

    callbacks   called with a `Moment` and the total number of steps; one that returns True ends training
    solution    (model, entry) -> the solution that the model makes; None: it makes none
    error       what one of them raised, which ends training, too
    stop        whether one of them ended training
    """

    def __init__(
        self, callbacks: Sequence[Callable] = (), solution: Callable[[Model, HistoryEntry], Any] | None = None
    ):
        self.callbacks, self.solution = tuple(callbacks), solution
        self.error: Exception | None = None
        self.stop = False

    def tell(
        self,
        entry: HistoryEntry,
        total: int,
        model: Callable[[], Model],
        parts: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        """Tell all of them, until one raises an error."""
        if not self.callbacks:
            return
        moment = Moment(entry, model, parts, self.solution)
        try:
            for watcher in self.callbacks:
                self.stop |= _is_true(watcher(moment, total))
        except _OF_THE_MACHINE:
            raise
        except Exception as error:
            self.error, self.stop = error, True
        finally:
            moment.end()
