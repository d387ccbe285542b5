"""A subscription of `eventsourcing` that follows our log: no thread, no second connection, on every store."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

PAGE_EVENTS: Final = 500
"""Events that are read at once."""
STOP_SECONDS_MAX: Final = 0.1
"""How long a stop from another thread may go unnoticed."""


class WaitBeyond(Protocol):
    """The log's own way to wait for more."""

    def __call__(self, position: int, *, timeout_seconds: float) -> int: ...


class LogSubscription(Subscription[ApplicationRecorder]):
    """Yields every event after a position, then waits for more, until it is stopped. Events of other types than
    ``topics`` are passed over without being read again."""

    def __init__(
        self, recorder: ApplicationRecorder, wait_beyond: WaitBeyond, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._wait_beyond = wait_beyond
        self._position = gt or 0
        self._read: deque[Notification] = deque()

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            if self._read or self._pull():
                return self._read.popleft()
            self._wait_beyond(self._position, timeout_seconds=STOP_SECONDS_MAX)
        raise StopIteration

    def _pull(self) -> bool:
        head = self._recorder.max_notification_id() or 0
        if head <= self._position:
            return False
        found = self._recorder.select_notifications(
            self._position, PAGE_EVENTS, stop=head, topics=self._topics, inclusive_of_start=False
        )
        self._read.extend(found)
        self._position = found[-1].id if len(found) == PAGE_EVENTS else head
        return bool(found)
