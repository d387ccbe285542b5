"""An agent's life for programs that wait for each answer: a session that beats by itself, its tasks and its locks."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from signalbox.client import work as asks
from signalbox.client.asks import Accepted, ProjectToken
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.lease import AGAIN_SECONDS, Lease, seconds_since_boot
from signalbox.client.work import Assignment, FailureKind, LocksHeld, LocksWaited, Mode

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

NOTHING_READY: Final = "nothing_ready"
LEFT_WITHOUT_REPORT: Final = "left without a report"


class Session:
    """One life of a session, kept alive by a thread until it is ended; usable from any number of threads."""

    def __init__(self, client: "Client", project: str, said: Mapping[str, object]) -> None:
        sent_at = seconds_since_boot()
        life = asks.life_of(client.ask(asks.open_session([project], said)))
        self.project = project
        self.lease = Lease(life, sent_at)
        self._client = client
        self._ended = threading.Event()
        self._wanted = threading.Event()
        self._beating = threading.Thread(target=self._beat, name=f"signalbox {life.session}", daemon=True)
        self._beating.start()

    @property
    def id(self) -> str:
        return self.lease.life.session

    @property
    def incarnation(self) -> int:
        return self.lease.life.incarnation

    def claim(self, task: str | None = None, *, wait_seconds: float = 0.0) -> "Work | None":
        """The next task with every lock of its scope, or the one named; None where nothing is ready in time.

        Raises Refused where asking again cannot mend it, and at once for a task that is named and not free.
        """
        if task is not None:
            return self._taken(self._client.ask(asks.claim_named(self.project, self.lease.life, task)))
        ends_at = time.monotonic() + wait_seconds
        while True:
            left = max(0.0, ends_at - time.monotonic())
            ask = asks.claim(self.project, self.lease.life, 1, wait_seconds=min(left, asks.WAIT_SECONDS_MAX))
            try:
                return self._taken(self._client.ask(ask))
            except Refused as refused:
                if refused.code != NOTHING_READY:
                    raise
            if time.monotonic() >= ends_at:
                return None
            time.sleep(min(0.5, left))

    def acquire(
        self,
        *claims: str,
        mode: Mode = "exclusive",
        purpose: str = "",
        attempt: str | None = None,
        wait_seconds: float | None = None,
    ) -> LocksHeld:
        """All of the claims or none; with ``wait_seconds``, in the queue for what is not free. Raises Refused.

        ``attempt`` is the token of the work that they are for, which they end with.
        """
        life = self.lease.life
        ask = asks.acquire(
            self.project, life, claims, mode=mode, purpose=purpose, attempt=attempt, queued_seconds=wait_seconds
        )
        found = asks.locks_of(self._client.ask(ask))
        try:
            while isinstance(found, LocksWaited):
                ask = asks.await_locks(self.project, life, found.request, asks.WAIT_SECONDS_MAX)
                found = asks.locks_of(self._client.ask(ask))
        except BaseException:
            if isinstance(found, LocksWaited):
                with suppress(SignalboxError):
                    self._client.ask(asks.withdraw(self.project, life, found.request))
            raise
        return found

    def release(self, held: LocksHeld) -> None:
        """Give back locks that were acquired."""
        self._client.ask(asks.release_locks(self.project, self.lease.life, held.token))

    def say(self, signal: str, **fields: object) -> Accepted:
        """What it does now, see docs/sessions.md: ``tool_started``, ``waiting_for_person``, ``quota_refused``, …"""
        life = {"session": self.id, "incarnation": self.incarnation}
        return self._client.command("signal_session", **life, signal=signal, **fields)

    def end(self) -> None:
        """Stop beating and give back everything. Ending twice does nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._wanted.set()
        self._beating.join()
        if not self.lease.over:
            self._client.ask(asks.end_session(self.lease.life))
            self.lease.end("ended")

    def _taken(self, accepted: Accepted) -> "Work":
        (assignment,) = asks.assignments_of(self.project, accepted)
        self.lease.name(assignment)
        self._wanted.set()
        return Work(self._client, self, assignment)

    def _beat(self) -> None:
        while not self._ended.is_set() and not self.lease.over:
            self._wanted.clear()
            pause = self._beaten()
            self._wanted.wait(pause)

    def _beaten(self) -> float:
        """One heartbeat; seconds until the next."""
        ask, named, sent_at = self.lease.beat()
        try:
            self.lease.heard(self._client.ask_once(ask), named, sent_at)
        except Refused as refused:
            self.lease.refused(refused)
        except SignalboxError:
            return min(AGAIN_SECONDS, self.lease.life.beat_seconds)
        return self.lease.life.beat_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Work:
    """A task in this session's hands. As a context it is failed by what is raised in it, and given back otherwise."""

    def __init__(self, client: "Client", session: Session, assignment: Assignment) -> None:
        self.assignment = assignment
        self.settled = False
        self._client = client
        self._session = session

    @property
    def key(self) -> str:
        return self.assignment.key

    @property
    def token(self) -> ProjectToken:
        return self.assignment.project_token

    def check(self) -> None:
        """Raises NotOurs where the work must stop; ask before each thing that cannot be taken back."""
        self._session.lease.check(self.assignment)

    def progress(
        self, percent: float | None = None, note: str = "", *, checkpoint: str | None = None, **left: object
    ) -> None:
        """``left`` is what the work has made and spent so far: ``artifacts``, ``usage``."""
        said = {"percent": percent, "note": note, "checkpoint": checkpoint, **left}
        self._client.ask(asks.report("report_progress", self.assignment, **said))

    def acquire(
        self, *claims: str, mode: Mode = "exclusive", purpose: str = "", wait_seconds: float | None = None
    ) -> LocksHeld:
        """Further locks for this work, which end with it."""
        attempt = self.assignment.token
        return self._session.acquire(*claims, mode=mode, purpose=purpose, attempt=attempt, wait_seconds=wait_seconds)

    def complete(self, summary: str = "", **left: object) -> None:
        """Done; ``left``: ``evidence``, ``artifacts``, ``usage``. Completing again changes nothing."""
        self._settle("complete_task", summary=summary[-asks.SUMMARY_CHARACTERS_MAX :], **left)

    def fail(self, reason: str, *, kind: FailureKind = "agent", checkpoint: str | None = None, **left: object) -> None:
        """It did not work; it is tried again as its retry rule says."""
        said = reason[-asks.REASON_CHARACTERS_MAX :]
        self._settle("fail_task", kind=kind, reason=said, checkpoint=checkpoint, **left)

    def release(self, note: str = "", *, checkpoint: str | None = None, **left: object) -> None:
        """Give it back for somebody else, with a note for them."""
        self._settle("release_task", note=note[-asks.REASON_CHARACTERS_MAX :], checkpoint=checkpoint, **left)

    def _settle(self, name: str, **fields: object) -> None:
        self._client.ask(asks.report(name, self.assignment, **fields))
        self.settled = True
        self._session.lease.forget(self.assignment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.settled:
            return
        if error is None:
            self.release(LEFT_WITHOUT_REPORT)
            return
        with suppress(SignalboxError):
            self.fail(f"{type(error).__name__}: {error}")
