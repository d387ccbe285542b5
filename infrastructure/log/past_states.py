"""States of long streams on the way to now, kept so that one of the past does not cost the whole stream."""

from typing import Final, NamedTuple, Protocol

SPACING_EVENTS_MIN: Final = 2_000
"""So many events are folded in a few hundredths of a second."""
STRETCHES_MIN: Final = 64
"""A long stream has a kept state at least so often: what lies between two is at most this part of it."""
BYTES_AN_EVENT_MAX: Final = 100
"""For each so many bytes of a state one more event comes before the next that is kept: a third of what events weigh."""


class PastState(NamedTuple):
    """A stream's state after one of its events."""

    stream: str
    version: int
    position: int
    """The log ended here when it was so, or a little later."""
    kind: str
    """Name and version of the state's shape."""
    state: bytes


class PastStates(Protocol):
    """What keeps them; a log is one. Calls block; they raise StoreUnavailable."""

    def keep_state(self, state: PastState, *, spacing_events: int) -> None:
        """Keep it, unless one of the same shape is kept that is at most so many events older, or newer."""
        ...

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        """The last one of a shape that is neither beyond a version of its stream nor beyond a position."""
        ...


def spacing_events(version: int, state_bytes: int) -> int:
    """Events between one kept state and the next, for a stream of that length and a state of that size."""
    return max(version // STRETCHES_MIN, state_bytes // BYTES_AN_EVENT_MAX, SPACING_EVENTS_MIN)
