"""What training tells whoever watches."""

from spindle.training.history import Record


class Display:
    """Where a solve says what it does; this one says nothing.

    window        of those in time that follow one another, which one it is
    shows_parts   whether the parts of the loss are wanted, which cost an evaluation each time
    """

    shows_parts = False
    window = ""

    def stage(self, words: str) -> None:
        """What is being done, where that has no steps: "compiling Gauss-Newton"."""

    def step(self, record: Record, total: int) -> None:
        """Where training is, and the number of steps that there may be."""
