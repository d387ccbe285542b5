"""The worker: one session after the other, claims while there is room, attempts until they are settled."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, assert_never

from api.cli.worker.attempt import Completed, Dropped, Ending, Failed, Released, Surroundings, attempt
from api.cli.worker.calls import open_session
from api.cli.worker.claims import Claims, Nothing
from api.cli.worker.deliveries import Deliveries
from api.cli.worker.held import Held, Stop, first_of
from api.cli.worker.journal import Totals
from api.cli.worker.life import DRAINED, BeatsEndedError, Life
from api.cli.worker.reports import LIFE_OVER_CODES, Reports
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import ServerFaultError, SignalboxError
from signalbox.client.lease import seconds_since_boot
from signalbox.client.work import Assignment, end_session, life_of

SETTLE_SECONDS_MAX: Final = 10.0
"""How long a worker that is being stopped tries to report what it gives back."""
_RESUMABLE: Final = frozenset({"lost", "ended", "session_was_lost", "session_has_ended"})
"""Ends of a life after which the same session goes on as its next incarnation; else somebody else speaks for it."""

IsIdle = Callable[[], Awaitable[bool]]


class Worker:
    """Serves one project until it is stopped or, where it shall, until nothing can move any more."""

    def __init__(self, client: AsyncClient, surroundings: Surroundings, is_idle: IsIdle) -> None:
        self.totals = Totals()
        self.served = False
        """Whether it ever had a session."""
        self._client = client
        self._surroundings = surroundings
        self._settings = surroundings.settings
        self._journal = surroundings.journal
        self._is_idle = is_idle
        self._claims = (Deliveries if self._settings.push else Claims)(client, self._settings)
        self._reports = Reports(client, self._journal)
        self._draining: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._attempts: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Claim nothing more and let running work end; asked again, stop it at once."""
        again = self._draining.done()
        words = "stopping the work under way" if again else "claiming nothing more; what is under way may end"
        self._journal.tell("stopping", words, at_once=again)
        asked = self._hurry if again else self._draining
        if not asked.done():
            asked.set_result(None)

    async def run(self) -> None:
        """Raises Refused, ServerUnavailable (at the start only), ServerFaultError or BeatsEndedError."""
        resume: str | None = None
        patience_seconds = self._settings.start_patience_seconds
        while not self._draining.done():
            opening = asyncio.ensure_future(self._open(resume, patience_seconds))
            await first_of(opening, self._draining)
            if not opening.done():
                opening.cancel()
                return
            life = opening.result()
            self.served = True
            why = await self._live(life)
            if why is None:
                return
            self._journal.tell("session_over", f"the session is over ({why}); what it held is not ours", reason=why)
            if why == DRAINED:
                return
            resume = life.opened.session if why in _RESUMABLE else None
            # Once it has served, a worker outlasts its server.
            patience_seconds = float("inf")

    async def _open(self, resume: str | None, patience_seconds: float) -> Life:
        sent_at = seconds_since_boot()
        answer = await self._client.ask(open_session(self._settings, resume), patience_seconds=patience_seconds)
        opened = life_of(answer)
        words = f"session {opened.session}, incarnation {opened.incarnation}, project {self._settings.project}"
        self._journal.tell("session_opened", words, session=opened.session, incarnation=opened.incarnation)
        return Life(opened, sent_at, self._settings, self._client, self._journal)

    async def _live(self, life: Life) -> str | None:
        """Work until the life is over, which is told why; None where the worker itself has ended it."""
        keeping = asyncio.ensure_future(life.keep())
        keeping.add_done_callback(self._not_kept)
        try:
            await self._serve(life)
            over = life.over.done()
            await (self._all_settled(life) if over else self._say_goodbye(life))
            if keeping.done() and (error := keeping.exception()) is not None:
                raise BeatsEndedError(error) from error
            return life.over.result() if over else None
        except ServerFaultError:
            with suppress(SignalboxError):
                await self._client.ask(end_session(life.opened))
            raise
        finally:
            keeping.cancel()
            for work in self._attempts:
                work.cancel()
            await asyncio.gather(keeping, *self._attempts, return_exceptions=True)
            self._attempts.clear()

    def _not_kept(self, keeping: asyncio.Task[None]) -> None:
        """Work whose lease nobody renews is given back at once, while it is ours for all that is known."""
        error = None if keeping.cancelled() else keeping.exception()
        if error is not None:
            self._journal.tell("beats_ended", f"heartbeats have ended: {error!r}", error=repr(error))
            for asked in (self._draining, self._hurry):
                if not asked.done():
                    asked.set_result(None)

    async def _serve(self, life: Life) -> None:
        while not life.over.done() and not self._draining.done():
            self._forget_settled()
            if len(self._attempts) >= self._settings.capacity:
                await first_of(*self._attempts, life.over, self._draining)
                continue
            if life.overdue:
                # What would be claimed now could not be begun.
                await first_of(life.over, self._draining, seconds_max=0.5)
                continue
            claiming = asyncio.ensure_future(self._claims.next(life, self._settings.capacity - len(self._attempts)))
            await first_of(claiming, life.over, self._draining)
            if not claiming.done():
                claiming.cancel()
                await asyncio.wait([claiming])
                return
            match claiming.result():
                case tuple() as assignments:
                    for assignment in assignments:
                        self._begin(life, assignment)
                case Nothing(code=code, pause_seconds=pause):
                    if code == "nothing_ready" and self._settings.until_idle and await self._everything_is_done():
                        return
                    await first_of(life.over, self._draining, seconds_max=pause)

    async def _everything_is_done(self) -> bool:
        self._forget_settled()
        return not self._attempts and await self._is_idle()

    def _begin(self, life: Life, assignment: Assignment) -> None:
        self.totals.claimed += 1
        words = f"{assignment.key}: attempt {assignment.attempt} of “{assignment.title}”"
        self._tell("claimed", assignment, words, token=assignment.token, attempt=assignment.attempt)
        held = Held(assignment)
        life.take(held)
        self._attempts.add(asyncio.ensure_future(self._work(life, held)))

    async def _work(self, life: Life, held: Held) -> None:
        following = asyncio.ensure_future(self._reports.follow(held))
        try:
            ending = await attempt(held, self._surroundings, life.opened)
        finally:
            following.cancel()
        held.working = False
        settling = asyncio.ensure_future(self._reports.settle(held, ending))
        try:
            await first_of(settling, life.over)
            ended = settling.result() if settling.done() else Dropped("the session is over")
        finally:
            settling.cancel()
            life.drop(held)
        self._count(held, ended)
        if isinstance(ended, Dropped) and ended.why.partition(":")[0] in LIFE_OVER_CODES:
            life.end(ended.why.partition(":")[0])

    def _count(self, held: Held, ending: Ending) -> None:
        work, totals = held.assignment, self.totals
        match ending:
            case Completed():
                totals.completed += 1
                self._tell("completed", work, f"{work.key}: completed")
            case Failed(kind=kind, reason=reason):
                totals.failed += 1
                self._tell("failed", work, f"{work.key}: failed ({kind}): {_last_line(reason)}", kind=kind)
            case Released(note=note):
                totals.released += 1
                self._tell("released", work, f"{work.key}: given back: {note}", note=note)
            case Dropped(why=why):
                totals.lost += 1
                self._tell("lost", work, f"{work.key}: not ours any more: {why}", reason=why)
            case _:
                assert_never(ending)

    async def _say_goodbye(self, life: Life) -> None:
        """Let running work end, give back the rest, and end the session."""
        for late in await self._claims.last_answer(life):
            self._begin(life, late)
            next(iter(reversed(life.held.values()))).stop(Stop.DRAINING)
        grace = asyncio.ensure_future(asyncio.sleep(self._settings.grace_seconds))
        while self._attempts and not (grace.done() or self._hurry.done() or life.over.done()):
            await first_of(*self._attempts, grace, self._hurry, life.over)
            self._forget_settled()
        grace.cancel()
        for held in list(life.held.values()):
            held.stop(Stop.DRAINING)
        await self._all_settled(life)
        with suppress(SignalboxError):
            await self._client.ask(end_session(life.opened), patience_seconds=2.0)

    async def _all_settled(self, life: Life) -> None:
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=self._settings.term_seconds + SETTLE_SECONDS_MAX)
        self._forget_settled()

    def _forget_settled(self) -> None:
        for work in [work for work in self._attempts if work.done()]:
            self._attempts.discard(work)
            work.result()

    def _tell(self, event: str, work: Assignment, words: str, **data: object) -> None:
        self._journal.tell(event, words, task=work.task, key=work.key, **data)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
