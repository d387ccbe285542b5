"""The same life for asyncio: a session that beats by itself, its tasks and its locks; see ``sessions``."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from signalbox.client import work as asks
from signalbox.client.asks import Accepted, ProjectToken, command
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.lease import AGAIN_SECONDS, Lease, seconds_since_boot
from signalbox.client.sessions import LEFT_WITHOUT_REPORT, NOTHING_READY
from signalbox.client.work import Assignment, FailureKind, LocksHeld, LocksWaited, Mode

if TYPE_CHECKING:
    from signalbox.client.asynchronous import AsyncClient


class AsyncSession:
    """One life of a session, opened as a context and kept alive by a task until it is left."""

    def __init__(self, client: "AsyncClient", project: str, said: Mapping[str, object]) -> None:
        self.project = project
        self._client = client
        self._said = said
        self._lease: Lease | None = None
        self._wanted = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    @property
    def lease(self) -> Lease:
        """Raises RuntimeError before the session was entered."""
        if self._lease is None:
            raise RuntimeError("a session begins with `async with`")
        return self._lease

    @property
    def id(self) -> str:
        return self.lease.life.session

    @property
    def incarnation(self) -> int:
        return self.lease.life.incarnation

    async def claim(self, task: str | None = None, *, wait_seconds: float = 0.0) -> "AsyncWork | None":
        """See ``Session.claim``."""
        if task is not None:
            return self._taken(await self._client.ask(asks.claim_named(self.project, self.lease.life, task)))
        ends_at = time.monotonic() + wait_seconds
        while True:
            left = max(0.0, ends_at - time.monotonic())
            ask = asks.claim(self.project, self.lease.life, 1, wait_seconds=min(left, asks.WAIT_SECONDS_MAX))
            try:
                return self._taken(await self._client.ask(ask))
            except Refused as refused:
                if refused.code != NOTHING_READY:
                    raise
            if time.monotonic() >= ends_at:
                return None
            await asyncio.sleep(min(0.5, left))

    async def acquire(
        self,
        *claims: str,
        mode: Mode = "exclusive",
        purpose: str = "",
        attempt: str | None = None,
        wait_seconds: float | None = None,
    ) -> LocksHeld:
        """See ``Session.acquire``."""
        life = self.lease.life
        ask = asks.acquire(
            self.project, life, claims, mode=mode, purpose=purpose, attempt=attempt, queued_seconds=wait_seconds
        )
        found = asks.locks_of(await self._client.ask(ask))
        try:
            while isinstance(found, LocksWaited):
                ask = asks.await_locks(self.project, life, found.request, asks.WAIT_SECONDS_MAX)
                found = asks.locks_of(await self._client.ask(ask))
        except BaseException:
            if isinstance(found, LocksWaited):
                with suppress(SignalboxError):
                    await self._client.ask(asks.withdraw(self.project, life, found.request))
            raise
        return found

    async def release(self, held: LocksHeld) -> None:
        """Give back locks that were acquired."""
        await self._client.ask(asks.release_locks(self.project, self.lease.life, held.token))

    async def say(self, signal: str, **fields: object) -> Accepted:
        """What it does now, see docs/sessions.md."""
        said = {"session": self.id, "incarnation": self.incarnation, "signal": signal, **fields}
        return await self._client.ask(command("signal_session", said))

    def _taken(self, accepted: Accepted) -> "AsyncWork":
        (assignment,) = asks.assignments_of(self.project, accepted)
        self.lease.name(assignment)
        self._wanted.set()
        return AsyncWork(self._client, self, assignment)

    async def _beat(self) -> None:
        while not self.lease.over:
            self._wanted.clear()
            pause = await self._beaten()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)

    async def _beaten(self) -> float:
        ask, named, sent_at = self.lease.beat()
        try:
            self.lease.heard(await self._client.ask(ask, patience_seconds=0.0), named, sent_at)
        except Refused as refused:
            self.lease.refused(refused)
        except SignalboxError:
            return min(AGAIN_SECONDS, self.lease.life.beat_seconds)
        return self.lease.life.beat_seconds

    async def __aenter__(self) -> Self:
        sent_at = seconds_since_boot()
        opened = asks.life_of(await self._client.ask(asks.open_session([self.project], self._said)))
        self._lease = Lease(opened, sent_at)
        self._beating = asyncio.ensure_future(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if not self.lease.over:
            await self._client.ask(asks.end_session(self.lease.life))
            self.lease.end("ended")


class AsyncWork:
    """A task in this session's hands; see ``Work``."""

    def __init__(self, client: "AsyncClient", session: AsyncSession, assignment: Assignment) -> None:
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
        """Raises NotOurs where the work must stop."""
        self._session.lease.check(self.assignment)

    async def progress(
        self, percent: float | None = None, note: str = "", *, checkpoint: str | None = None, **left: object
    ) -> None:
        """See ``Work.progress``."""
        said = {"percent": percent, "note": note, "checkpoint": checkpoint, **left}
        await self._client.ask(asks.report("report_progress", self.assignment, **said))

    async def acquire(
        self, *claims: str, mode: Mode = "exclusive", purpose: str = "", wait_seconds: float | None = None
    ) -> LocksHeld:
        """Further locks for this work, which end with it."""
        attempt = self.assignment.token
        return await self._session.acquire(
            *claims, mode=mode, purpose=purpose, attempt=attempt, wait_seconds=wait_seconds
        )

    async def complete(self, summary: str = "", **left: object) -> None:
        """See ``Work.complete``."""
        await self._settle("complete_task", summary=summary[-asks.SUMMARY_CHARACTERS_MAX :], **left)

    async def fail(
        self, reason: str, *, kind: FailureKind = "agent", checkpoint: str | None = None, **left: object
    ) -> None:
        """See ``Work.fail``."""
        said = reason[-asks.REASON_CHARACTERS_MAX :]
        await self._settle("fail_task", kind=kind, reason=said, checkpoint=checkpoint, **left)

    async def release(self, note: str = "", *, checkpoint: str | None = None, **left: object) -> None:
        """See ``Work.release``."""
        await self._settle("release_task", note=note[-asks.REASON_CHARACTERS_MAX :], checkpoint=checkpoint, **left)

    async def _settle(self, name: str, **fields: object) -> None:
        await self._client.ask(asks.report(name, self.assignment, **fields))
        self.settled = True
        self._session.lease.forget(self.assignment)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.settled:
            return
        if error is None:
            await self.release(LEFT_WITHOUT_REPORT)
            return
        with suppress(SignalboxError):
            await self.fail(f"{type(error).__name__}: {error}")
