"""The seconds that a call may take, and how they are shared out."""

import math
import time
from dataclasses import dataclass, field

_CHECKS = 0.2  # share of a budget that is kept for what follows training, at most ...
_CHECKS_AT_MOST = 10.0  # ... so many seconds
_OVERTIME = 1.2  # of a budget, at which whatever still runs is left out, and not before ...
_SHORTEST = 6.0  # ... so many seconds: less suffices for nothing that is worth having


@dataclass(frozen=True)
class Budget:
    """Seconds of wall clock for one call: planning, compilation, training, checks and an estimate of the error.

    seconds   None: as many as it takes
    began     when the call began, an instant of `time.perf_counter`
    """

    seconds: float | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def training_ends(self) -> float:
        """The instant at which training stops, so that the result can be checked within the budget."""
        if self.seconds is None:
            return math.inf
        return self.began + self.seconds - min(_CHECKS * self.seconds, _CHECKS_AT_MOST)

    @property
    def ends(self) -> float:
        """The instant at which everything is left out that is not done."""
        return math.inf if self.seconds is None else self.began + max(_OVERTIME * self.seconds, _SHORTEST)

    def left(self) -> "Budget":
        """A budget for what follows training, by the same end."""
        now = time.perf_counter()
        return self if self.seconds is None else Budget(max(self.ends - now, 0.0), now)

    @property
    def spent(self) -> bool:
        """Whether all seconds are gone."""
        return self.seconds is not None and time.perf_counter() > self.began + self.seconds
