"""The position that a process knows the log has reached, and the waiting for more."""

import threading
from time import monotonic


class HeadSignal:
    """The known head; whoever waits beyond a position wakes as soon as it is announced. Safe from any thread."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._closed = False
        self._changed = threading.Condition()

    def announce(self, head: int) -> None:
        """Raise the known head, never lower it, and wake those who wait."""
        with self._changed:
            if head > self._head:
                self._head = head
                self._changed.notify_all()

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
