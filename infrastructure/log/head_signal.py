"""The position that a process knows the log has reached, and the waiting for more."""

import threading
from collections.abc import Callable
from time import monotonic


class HeadSignal:
    """The known head; whoever waits beyond a position wakes as soon as it is announced. Safe from any thread."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._closed = False
        self._changed = threading.Condition()
        self._listeners: tuple[Callable[[int], None], ...] = ()

    def listen(self, told: Callable[[int], None]) -> None:
        """Call it whenever the known head has risen, on the thread that announces it: it neither blocks nor raises."""
        self._listeners = (*self._listeners, told)

    def announce(self, head: int) -> None:
        """Raise the known head, never lower it, and wake those who wait."""
        with self._changed:
            if head <= self._head:
                return
            self._head = head
            self._changed.notify_all()
        for told in self._listeners:
            told(head)

    def wait_beyond(self, position: int, *, timeout_seconds: float) -> int:
        """Block until the head is beyond ``position``, time is up or the signal is closed; returns the known head."""
        until = monotonic() + timeout_seconds
        with self._changed:
            while self._head <= position and not self._closed:
                left = until - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return self._head

    def close(self) -> None:
        """Wake everybody; from now on nobody waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
