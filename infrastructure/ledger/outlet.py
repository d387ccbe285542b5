"""Hands the newest copied checkpoint on to a place that may be slow or away, in a thread that nobody waits for."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from infrastructure.ledger.outlet_pace import Attempts
from infrastructure.ledger.port import SignedCheckpoint

LAST_SECONDS_MAX: Final = 15.0
"""A stop waits so long, for all outlets together, for the last checkpoint to be handed on."""
_logger = structlog.get_logger("signalbox.ledger")


class OutletError(Exception):
    """Fault: the place did not take a checkpoint; its words may be shown to everybody."""


class Outlet:
    """``start`` and ``stop`` once; everything else from any thread. The newest checkpoint replaces one that waits.

    What was not taken is tried again, ever more rarely, until it is taken or a newer one is there. After a kill the
    next follower offers its last checkpoint again, so each place gets the newest one at least once.
    """

    def __init__(self, name: str, deliver: Callable[[SignedCheckpoint], None], *, between_seconds: float) -> None:
        """``deliver`` raises OutletError, and bounds the time it takes."""
        self._name: Final = name
        self._deliver: Final = deliver
        self._changed = threading.Condition()
        self._attempts = Attempts(between_seconds)
        self._offered: SignedCheckpoint | None = None
        self._delivered: SignedCheckpoint | None = None
        self._stopping = self._last_tried = False
        self._thread = threading.Thread(target=self._run, name=f"ledger-{name}", daemon=True)
        self.trouble = ""
        """Why the last attempt failed, behind the outlet's name; empty where it did not."""

    def start(self) -> None:
        """Begin to hand on."""
        self._thread.start()

    def offer(self, checkpoint: SignedCheckpoint) -> None:
        """Have it handed on, in place of one that waits."""
        with self._changed:
            self._offered = checkpoint
            self._changed.notify_all()

    def end(self) -> None:
        """Try what is left once more, at once, and stop; ``join`` waits for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def join(self, *, timeout_seconds: float) -> None:
        """Wait for the end."""
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (checkpoint := self._due()) is not None:
            began = time.monotonic()
            try:
                self._deliver(checkpoint)
                trouble = ""
            except OutletError as problem:
                trouble = f"{self._name}: {problem}"
            except Exception as problem:  # the thread must outlive whatever happens; the words may hold a secret
                trouble = f"{self._name}: {type(problem).__name__}"
            self._tell(trouble)
            with self._changed:
                self._attempts = self._attempts.after(began, failed=bool(trouble))
                if not trouble:
                    self._delivered = checkpoint

    def _due(self) -> SignedCheckpoint | None:
        """The next checkpoint as soon as it may go; None at the end."""
        with self._changed:
            while not self._stopping:
                waits = self._waiting()
                seconds = None if waits is None else self._attempts.wait_seconds(time.monotonic())
                if seconds == 0:
                    return waits
                self._changed.wait(seconds)
            tried, self._last_tried = self._last_tried, True
            return None if tried else self._waiting()

    def _waiting(self) -> SignedCheckpoint | None:
        return self._offered if self._offered != self._delivered else None

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _logger.warning("checkpoints are not handed on; it is tried again", trouble=trouble)
        elif self.trouble and not trouble:
            _logger.info("checkpoints are handed on again", outlet=self._name)
        self.trouble = trouble
