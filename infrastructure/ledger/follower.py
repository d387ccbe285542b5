"""Follows the log into the ledger in a thread of its own, on one node at a time, behind whoever waits for a command."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from infrastructure.ledger.copies import CheckpointCopies
from infrastructure.ledger.outlet import LAST_SECONDS_MAX, Outlet
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.scribe import Scribe
from infrastructure.log.port import Log
from infrastructure.runtime.projector_pace import Pace

DUTY: Final = "ledger"
DUTY_SECONDS: Final = 5
DUTY_RENEWED_SECONDS: Final = 1.0
SIGN_SECONDS: Final = 1.0
"""Between two checkpoints of a log that grows."""
GATHERED_EVENTS: Final = 1_000
GATHER_SECONDS: Final = 0.25
"""Nobody waits for the ledger: fewer events than these are taken in so often only."""
_WAIT_SECONDS: Final = 0.25
_TROUBLE_SECONDS_MAX: Final = 5.0
_logger = structlog.get_logger("signalbox.ledger")


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """What a node may choose."""

    node: str = "node"
    busy: Callable[[], bool] = field(default=lambda: False)
    """Whether commands are being written: then the ledger comes later, and in larger pages."""
    copies: CheckpointCopies | None = None
    outlets: tuple[Outlet, ...] = ()
    """What each copied checkpoint is offered to; the follower starts and stops them."""


class LedgerFollower:
    """``start`` and ``stop`` once; everything else from any thread."""

    def __init__(self, log: Log, scribe: Scribe, options: LedgerOptions | None = None) -> None:
        self._log = log
        self._scribe = scribe
        self._options = options or LedgerOptions()
        self._stopping = threading.Event()
        self._pace = Pace(self._options.busy, self._stopping.is_set)
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._leads = not log.shared
        self._renewed_at = self._signed_at = -DUTY_SECONDS * 1.0
        self.error = ""

    def start(self) -> None:
        """Begin to follow."""
        for outlet in self._options.outlets:
            outlet.start()
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """End after the page in hand, with a checkpoint of what is in the ledger."""
        self._stopping.set()
        self._pace.hurry()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        ends_at = time.monotonic() + LAST_SECONDS_MAX
        for outlet in self._options.outlets:
            outlet.end()
        for outlet in self._options.outlets:
            outlet.join(timeout_seconds=max(0.0, ends_at - time.monotonic()))

    def troubles(self) -> tuple[str, ...]:
        """What is wrong now with the ledger and with where its checkpoints are handed on to, in words."""
        own = (self.error,) if self.error else ()
        return own + tuple(outlet.trouble for outlet in self._options.outlets if outlet.trouble)

    def checkpoint(self) -> SignedCheckpoint | None:
        """A checkpoint of everything that is in the log now, signed by this node; blocking."""
        return self._scribe.current()

    def _run(self) -> None:
        trouble_seconds = 0.0
        while not self._stopping.is_set():
            try:
                self._round()
                trouble_seconds, self.error = 0.0, ""
            except Exception as problem:  # the thread must outlive whatever happens; health shows it
                words = f"{type(problem).__name__}: {problem}"
                if words != self.error:
                    _logger.warning("the ledger does not follow the log and tries again", trouble=words)
                self.error = words
                trouble_seconds = min(_TROUBLE_SECONDS_MAX, trouble_seconds * 2 or 0.05)
                self._stopping.wait(trouble_seconds)
        self._end()

    def _round(self) -> None:
        if not self._on_duty():
            self._stopping.wait(DUTY_RENEWED_SECONDS)
            return
        size = self._scribe.size()
        lag = self._log.wait_beyond(size, timeout_seconds=_WAIT_SECONDS) - size
        if lag > 0:
            self._page(lag)
        elif self._log.head() < size:
            self._scribe.grow()  # which says what is wrong
        self._sign(quiet=lag <= 0)

    def _page(self, lag_events: int) -> None:
        self._pace.begin_page(max(0, lag_events - GATHERED_EVENTS))
        began = time.perf_counter()
        self._scribe.grow(self._pace.breathe)
        self._pace.end_page(time.perf_counter() - began - self._pace.yielded_seconds)
        if lag_events < GATHERED_EVENTS:
            self._stopping.wait(GATHER_SECONDS)

    def _sign(self, *, quiet: bool) -> None:
        if time.monotonic() - self._signed_at < SIGN_SECONDS:
            return
        if self._scribe.unsigned:
            self._signed_at = time.monotonic()
            self._scribe.sign()
        self._copy(at_once=quiet)

    def _copy(self, *, at_once: bool) -> None:
        copies, signed = self._options.copies, self._scribe.signed
        if copies is not None and signed is not None and copies.keep(signed, at_once=at_once):
            for outlet in self._options.outlets:
                outlet.offer(signed)

    def _on_duty(self) -> bool:
        if self._log.shared and time.monotonic() - self._renewed_at >= DUTY_RENEWED_SECONDS:
            now = self._log.now()
            self._leads = self._log.hold_duty(DUTY, self._options.node, now=now, seconds=DUTY_SECONDS)
            self._renewed_at = time.monotonic()
        return self._leads

    def _end(self) -> None:
        try:
            if self._leads:
                self._scribe.sign()
                self._copy(at_once=True)
        except Exception as problem:
            _logger.warning("no last checkpoint", trouble=repr(problem))
