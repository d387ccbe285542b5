"""The eras of a log: one ends where the log was put back to an earlier state, and what it gave out may be out there."""

from typing import Protocol


class Eras(Protocol):
    """What a log knows of its own life. Calls block; they raise StoreUnavailable, OutcomeUnknown."""

    era: int
    """The high part of every token, as of when this object was made or began one: so none is handed out twice."""

    def begin_era(self, at_least: int = 0) -> int:
        """A later era begins, durably; to be called while nobody else has the log open. Answers its number.

        ``at_least`` is for what the log does not know, an earlier copy of itself: eras that began behind it.
        """
        ...
