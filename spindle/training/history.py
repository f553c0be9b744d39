"""What happened during training, as plain numbers."""

from dataclasses import asdict, dataclass, field


@dataclass
class HistoryEntry:
    """One look at the run: step, phase, training seconds so far, loss, and errors where they were measured.

    estimated   {parameter: value} of those that are estimated
    parts       the weighted share of each residual in the loss, where somebody watches; they are not kept
    """

    step: int
    phase: str
    seconds: float
    loss: float
    errors: dict[str, float] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)

    def to_data(self) -> dict:
        """JSON-ready."""
        kept = asdict(self)
        del kept["parts"]
        if not self.estimated:
            del kept["estimated"]
        return kept


@dataclass
class Clock:
    """Seconds spent, apart: set-up, compilation, training steps, evaluation, and the reduction of a family."""

    setup: float = 0.0
    compile: float = 0.0
    train: float = 0.0
    evaluate: float = 0.0
    reduce: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.setup + self.compile + self.train + self.evaluate + self.reduce

    def as_dict(self) -> dict[str, float]:
        """`{"total", "setup", "compile", "train", "evaluate"}`, and "reduce" where there was something to reduce."""
        spent = asdict(self)
        if not self.reduce:
            del spent["reduce"]
        return {"total": self.total, **spent}


class History(list[HistoryEntry]):
    """All records, in order."""

    def to_data(self) -> list[dict]:
        """JSON-ready."""
        return [record.to_data() for record in self]

    @classmethod
    def from_data(cls, data) -> "History":
        """What `to_data` wrote."""
        return cls(HistoryEntry(**item) for item in data)
