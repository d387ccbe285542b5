"""Turns rows of the log into events for some projections: each once, and only what one of them folds."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from domain.kernel.decider import Recorded
from domain.kernel.registry import UnknownEventType
from infrastructure.log.port import LogRow
from infrastructure.runtime.projector_fold import SLICE_EVENTS
from projections.catalogue import AnyProjection

Decode = Callable[[LogRow], Recorded]
_NUL: Final = b"\\u0000"


class Decoded(NamedTuple):
    """The events of some rows, up to ``end``."""

    events: Sequence[Recorded]
    end: int
    """Position up to which the rows were read, whether they held anything to fold or not."""
    plain: bool
    """No text in it can hold a NUL character, which only JSON may carry: nothing has to be made fit for storage."""

    def half(self) -> "Decoded":
        """The earlier half, of two events or more."""
        events = self.events[: len(self.events) // 2]
        return Decoded(events, events[-1].position, self.plain)


class UnreadableRow(Exception):
    """A stored row that cannot be decoded, although its name is known."""

    def __init__(self, row: LogRow, problem: Exception) -> None:
        super().__init__(f"@{row.position} {row.type}: {type(problem).__name__}: {problem}")
        self.row = row
        self.problem = problem


class Decoder:
    """Knows which names none of its projections folds, once it has met them; rows of those are passed."""

    def __init__(self, decode: Decode, projections: Sequence[AnyProjection]) -> None:
        self._decode = decode
        self._handled = frozenset[type]().union(*(projection.handles for projection in projections))
        self._passed: set[str] = set()

    def decoded(self, rows: Sequence[LogRow], breathe: Callable[[], None]) -> Decoded:
        """The events, up to the first row that cannot be read; where that is the very first, raises.

        UnknownEventType: this program is older than the log, so it has to wait for another. UnreadableRow: anything
        else.
        """
        events: list[Recorded] = []
        passed, end, plain = self._passed, 0, True
        for number, row in enumerate(rows):
            if number % SLICE_EVENTS == 0:
                breathe()
            if row.type not in passed:
                try:
                    recorded = self._decode(row)
                except Exception as problem:
                    if end:
                        break
                    if isinstance(problem, UnknownEventType):
                        raise
                    raise UnreadableRow(row, problem) from problem
                plain = plain and _NUL not in row.state
                if type(recorded.event) in self._handled:
                    events.append(recorded)
                else:
                    passed.add(row.type)
            end = row.position
        return Decoded(events, end, plain)
