"""What training tells whoever watches."""

from abc import ABC, abstractmethod

from spindle.training.history import HistoryEntry


class Display(ABC):
    """Interface of where a solve says what it does (never built itself).

    window        of those in time that follow one another, which one it is
    shows_parts   whether the parts of the loss are wanted, which cost an evaluation each time
    """

    window = ""
    shows_parts = False

    @abstractmethod
    def stage(self, words: str) -> None:
        """What is being done, where that has no steps: "compiling Gauss-Newton"."""

    @abstractmethod
    def step(self, record: HistoryEntry, total: int) -> None:
        """Where training is, and the number of steps that there may be."""


class Silent(Display):
    """Nobody watches."""

    def stage(self, words: str) -> None:
        """Nothing is said."""

    def step(self, record: HistoryEntry, total: int) -> None:
        """Nothing is said."""
