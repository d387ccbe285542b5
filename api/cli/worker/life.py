"""One life of the worker's session: its lease, the heartbeats that renew it, and the work that lives by it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from api.cli.worker.held import Held, Stop
from api.cli.worker.journal import Journal
from api.cli.worker.settings import WorkerSettings
from signalbox.client.asks import Heard, ProjectToken, heartbeat
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.lease import AGAIN_SECONDS, BEAT_SECONDS_MAX, seconds_since_boot
from signalbox.client.work import OpenedLife

CONFIRM_SECONDS_MIN: Final = 0.05
HOLD_MARGIN_SECONDS: Final = 2.0
"""For the report, before locks end that no renewal keeps."""
DRAINED: Final = "session_was_drained"
"""Somebody wanted the session to end with what it had: the worker ends, too."""


class BeatsEndedError(SignalboxError):
    """The worker itself is at fault: it renews its lease no more."""

    def __init__(self, error: BaseException) -> None:
        words = f"heartbeats have ended, and the worker with them: {error!r}"
        advice = "Start it again; what it could not give back is given to others when its lease runs out."
        super().__init__("beats_ended", words, advice)


class Life:
    """Owned by the worker. ``over`` is set with the reason once the server says that this life has ended."""

    def __init__(
        self,
        opened: OpenedLife,
        opened_at: float,
        settings: WorkerSettings,
        client: AsyncClient,
        journal: Journal,
        clock: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self.opened = opened
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.held: dict[ProjectToken, Held] = {}
        self._settings = settings
        self._client = client
        self._journal = journal
        self._clock = clock
        self._wanted = asyncio.Event()
        self._deadline = opened_at + opened.ttl_seconds - settings.margin_seconds
        self._unheard = False
        """Whether the latest beat had no answer: said once, and once that it is over."""

    @property
    def overdue(self) -> bool:
        """Whether the lease may have run out at the server for all that is known here."""
        return self._clock() >= self._deadline

    def take(self, held: Held) -> None:
        """Work lives by this life from now on; the next heartbeat goes out at once and confirms it."""
        self.held[held.assignment.project_token] = held
        self._wanted.set()
        if self.over.done():
            held.stop(Stop.LIFE_OVER)

    def drop(self, held: Held) -> None:
        """The work is settled."""
        self.held.pop(held.assignment.project_token, None)

    def end(self, why: str) -> None:
        """Nothing of this life is ours any more."""
        if not self.over.done():
            self.over.set_result(why)
        for held in list(self.held.values()):
            held.stop(Stop.LIFE_OVER)

    async def keep(self) -> None:
        """Beat until the life is over or this is cancelled. What else ends it is raised."""
        guard = asyncio.ensure_future(self._guard())
        try:
            while not self.over.done():
                if guard.done():
                    guard.result()
                answered = await self._beat()
                pause = self.opened.beat_seconds if answered else min(AGAIN_SECONDS, self.opened.beat_seconds)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), pause)
        finally:
            guard.cancel()

    async def _guard(self) -> None:
        """Stop the work in time where no heartbeat came through: somebody else may be given it after that."""
        while True:
            await asyncio.sleep(min(1.0, max(CONFIRM_SECONDS_MIN, self._deadline - self._clock())))
            for held in list(self.held.values()):
                if self.overdue:
                    held.stop(Stop.UNREACHABLE)
                elif held.ends_at is not None and self._clock() >= held.ends_at[0]:
                    held.stop(held.ends_at[1])

    async def _beat(self) -> bool:
        """One heartbeat; whether the server answered."""
        self._wanted.clear()
        named, sent_at = dict(self.held), self._clock()
        seconds_max = min(BEAT_SECONDS_MAX, self.opened.beat_seconds)
        ask = heartbeat(self.opened.session, self.opened.incarnation, named, seconds_max=seconds_max)
        try:
            heard = await self._client.ask(ask)
        except Refused as refused:
            if refused.status in (401, 403, 404):
                self.end(refused.code)
                return True
            self._journal.tell("beat_refused", f"a heartbeat was refused: {refused}", error=str(refused))
            return False
        except SignalboxError as error:
            if not self._unheard:
                self._journal.tell("unreachable", f"no answer to a heartbeat: {error}", error=str(error))
            self._unheard = True
            return False
        if self._unheard:
            self._journal.tell("reachable", "heartbeats are answered again")
        self._unheard = False
        self.heard(heard, named, sent_at)
        return True

    def now(self) -> float:
        """By the clock that ``heard`` counts the lease with."""
        return self._clock()

    def heard(self, heard: Heard, named: dict[ProjectToken, Held], sent_at: float) -> None:
        """What a heartbeat that was sent at ``sent_at`` and named these was answered."""
        if heard.status not in ("live", "suspect"):
            self.end(DRAINED if heard.status == "ended" and heard.draining else heard.status)
            return
        # Counted from before the sending: the server renewed at some later time, so the lease runs at least this long.
        self._deadline = max(self._deadline, sent_at + heard.lease_seconds - self._settings.margin_seconds)
        revoked = set(heard.revoked)
        told = {(one.task, one.token.token): one for one in heard.held}
        for token, held in named.items():
            if token in revoked:
                held.stop(Stop.REVOKED)
                continue
            now = told.get((held.assignment.task, token.token))
            if now is not None and now.locks_seconds is not None:
                held.bound(
                    Stop.HOLD_OVER, sent_at + now.locks_seconds - self._settings.term_seconds - HOLD_MARGIN_SECONDS
                )
            if now is not None and now.revoked_seconds is not None:
                # It stops at once: what is left of the grace is for its last words and the report.
                self._journal.tell("cancelled", f"{held.assignment.key}: {now.reason}", task=held.assignment.task)
                held.stop(Stop.CANCELLED)
            held.confirmed.set()
