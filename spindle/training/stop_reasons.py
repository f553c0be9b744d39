"""Why a training stopped: the reasons, and what each of them means for what comes after it."""

from enum import StrEnum


class StopReason(StrEnum):
    """Why a training stopped; each member equals the word that files and users have for it.

    sentence   what a report says of it
    doubt      what is to be doubted then; empty where nothing is
    ended      whether training came to its end: a family may be reduced, the next window in time may begin
    resumes    whether more time would have let it go on
    as_asked   whether it ended as the user asked
    """

    sentence: str
    doubt: str
    ended: bool
    resumes: bool

    STEPS = "steps", "all steps done", "", True
    CONVERGED = "converged", "stopped when the loss fell no more", "", True
    TARGET = "target", "stopped when the loss was small enough", "", True
    BUDGET = "budget", "stopped when the time was spent", "the budget ended training", False, True
    INTERRUPTED = "interrupted", "interrupted", "training was interrupted", False, True
    CALLBACK = "callback", "stopped by a callback", "a callback ended training", False, True
    DIVERGED = "diverged", "diverged; this is the last finite state", "training diverged"
    UNTRAINED = "", "not trained"

    def __new__(cls, word: str, sentence: str = "", doubt: str = "", ended: bool = False, resumes: bool = False):
        """The member of that word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence, member.doubt, member.ended, member.resumes = sentence, doubt, ended, resumes
        return member

    @property
    def as_asked(self) -> bool:
        """Whether it ended as the user asked: within the seconds allowed, before they were spent, or by a callback."""
        return self.ended or self in (StopReason.BUDGET, StopReason.CALLBACK)
