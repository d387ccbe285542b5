"""The committer and the leases behind the ports of the surfaces."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from api.composition.heard import LIVING, Named, has_news, heard, held_token, status_of, taken_away
from api.composition.our_words import in_our_word, in_our_words
from api.ports import Heard, ProjectToken, Told
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import FLEET, Instant, PrincipalId, ProjectId, StreamId, command_id_of
from domain.kernel.message import Command, Stamp
from domain.lock.commands import AcquireLocks
from domain.note.decider import inbox_stream
from domain.principal.allow import Principal, allow
from domain.session.commands import SignalSession
from domain.session.decider import SESSION
from domain.session.signals import signalled
from domain.session.state import Session, SessionState
from domain.task.commands import AcknowledgeAttempt, ClaimTask, ClaimTasks
from infrastructure.runtime.hot import valid_stream
from infrastructure.runtime.node import Node
from infrastructure.runtime.outcome import Outcome
from infrastructure.telemetry import Metrics

ACKNOWLEDGED_MAX: Final = 10_000
CALLS_PER_TTL: Final = 3
WAITS_PER_TTL: Final = 2
"""A beat that waits for news is answered so early that the next one renews in time."""
TOLD_WAIT_SECONDS_MAX: Final = 1.0
"""Beside an attempt that is being taken away no beat waits longer: who lost the answer that told it hears it again."""
"""Calls renew a lease at most so often, which is rarer than beats: who beats costs nothing more."""
_FAR_REACHING: Final = frozenset({"exit", "quota_refused", "quota_restored"})
"""Signals that may matter although the session's own status stays as it is."""
T = TypeVar("T")


class CommandGate:
    """Executes on a node and tells its faults in the words of the surfaces."""

    def __init__(self, node: Node, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics

    def execute(self, command: Command, stamp: Stamp) -> Coroutine[Any, Any, Outcome]:
        """Decide, append, answer after it is durable; the committer has it at once, save a claim with a window.

        Raises ServiceFault.
        """
        window_seconds = self._node.dispatching.window_seconds(command, stamp)
        if window_seconds:
            return self.claim(command, stamp, wait_seconds=window_seconds)
        return self._answered(command, self._node.committer.submit(command, stamp))

    def submit(self, command: Command, stamp: Stamp, told: Callable[[Told], None]) -> bool:
        """As ``execute``, with plain calls; False where a claim has a window to wait for."""
        if self._node.dispatching.window_seconds(command, stamp):
            return False

        def ended(future: asyncio.Future[Outcome]) -> None:
            error = future.exception()
            if error is not None:
                told(in_our_word(error) if isinstance(error, Exception) else RuntimeError(repr(error)))
                return
            outcome = self._counted(command, future.result())
            self._renewed(command, outcome)
            told(outcome)

        self._node.committer.submit(command, stamp).add_done_callback(ended)
        return True

    async def claim(self, command: Command, stamp: Stamp, *, wait_seconds: float) -> Outcome:
        """As ``execute``, and wait for work where there is none. Raises ServiceFault."""
        return await self._answered(command, self._node.claim(command, stamp, wait_seconds=wait_seconds))

    async def _answered(self, command: Command, under_way: Awaitable[Outcome]) -> Outcome:
        outcome = self._counted(command, await in_our_words(under_way))
        self._renewed(command, outcome)
        return outcome

    def _renewed(self, command: Command, outcome: Outcome) -> None:
        """Whoever may ask something for a life of a session shows that it lives, which spares clients without beats."""
        if not outcome.ok or not isinstance(command, SignalSession | ClaimTask | ClaimTasks | AcquireLocks):
            return
        held = self._node.hot.get(StreamId(command.session))
        state: SessionState = SESSION.initial if held is None else held[1]
        if isinstance(state, Session) and state.opened.incarnation == command.incarnation:
            rarely = state.opened.ttl_seconds / CALLS_PER_TTL
            self._node.leases.touch(command.session, command.incarnation, rarer_than_seconds=rarely)

    def _counted(self, command: Command, outcome: Outcome) -> Outcome:
        self._metrics.command(command.NAME, "accepted" if outcome.ok else "refused")
        return outcome


class HeartbeatDesk:
    """Renews leases and acknowledges what a heartbeat names for the first time."""

    def __init__(self, node: Node, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self._acknowledged: OrderedDict[tuple[str, ProjectId, int], None] = OrderedDict()

    async def beat(
        self,
        principal: Principal,
        session: str,
        incarnation: int,
        tokens: Sequence[ProjectToken],
        signal: SignalSession | None = None,
        *,
        wait_seconds: float = 0.0,
        counts_mail: bool = False,
        cached_verdicts: int = 0,
    ) -> Heard | Rejection:
        """Answered after the renewal is durable. A session of somebody else is answered like an absent one."""
        told = await in_our_words(self._beat(principal, session, incarnation, tokens, signal, wait_seconds))
        if isinstance(told, Rejection):
            self._metrics.heartbeat(told.code())
            return told
        state, answer = told
        self._metrics.cached_verdicts(cached_verdicts)
        if counts_mail and answer.status in LIVING:
            answer = replace(answer, unread=await in_our_words(self._unread(session, state)))
        self._metrics.heartbeat(answer.status)
        return answer

    async def _beat(
        self,
        principal: Principal,
        session: str,
        incarnation: int,
        tokens: Sequence[ProjectToken],
        signal: SignalSession | None,
        wait_seconds: float,
    ) -> tuple[SessionState, Heard] | Rejection:
        refusal = allow(principal, "heartbeat", None)
        if refusal is not None:
            return refusal
        # In the room before anything is read: no news are missed that come meanwhile.
        with self._node.session_room.entered(session) as woken:
            remembered = self._remembered(session, incarnation)
            state = remembered or await self._session(session)
            if not isinstance(state, Session) or state.opened.owner != principal.id:
                return UnknownThing(kind="session", name=session[:100])
            named = await self._resolved(tokens)
            if incarnation != state.opened.incarnation:
                return state, heard(state, "fenced", 0, named)
            if state.status in ("lost", "ended"):
                return state, heard(state, state.status, 0, named)
            renewed_at = await self._node.leases.renew(session, incarnation)
            # An answer from before the renewal would confirm what was taken back in the meantime.
            latest = await self._session(session) if remembered or renewed_at is None else None
            if renewed_at is None:
                # Lost or ended since the state was read; the next beat tells which.
                return latest or state, heard(latest or state, "lost", 0, named)
            known = latest if isinstance(latest, Session) else state
            acknowledged, tried = await self._acknowledge(session, known, named)
            if signal is not None:
                await self._signal(principal, known, signal, renewed_at)
            waits = wait_seconds > 0 and acknowledged and not has_news(known, named)
            if waits:
                await self._node.session_room.wait(woken, seconds=_longest(known, wait_seconds))
        if latest is None or tried or waits or signal is not None:
            latest = await self._session(session)
        return latest, heard(latest, status_of(latest, incarnation), renewed_at, named)

    def _remembered(self, session: str, incarnation: int) -> Session | None:
        """That life of the session as this node last saw it: whose it is never changes, and the renewal says whether
        it goes on."""
        held = self._node.hot.get(StreamId(session))
        state: SessionState = SESSION.initial if held is None else held[1]
        return state if isinstance(state, Session) and state.opened.incarnation == incarnation else None

    async def _signal(self, principal: Principal, state: Session, signal: SignalSession, renewed_at: int) -> None:
        """Pass a signal on where it would change something: the log hears of changes, never of beats."""
        if signal.signal not in _FAR_REACHING and not signalled(state, signal, Instant(renewed_at)):
            return
        what = f"{signal.signal}/{signal.tool}"
        identifier = command_id_of("signal", signal.session, renewed_at, what)
        stamp = Stamp(
            command_id=identifier,
            project=FLEET,
            principal=principal.id,
            time=Instant(self._node.log.now()),
            correlation_id=identifier,
        )
        await self._node.committer.execute(signal, stamp)

    async def _resolved(self, tokens: Sequence[ProjectToken]) -> Named:
        """What was named, as the session keeps it; a project that is none leads nowhere."""
        projects = {name: await self._node.names.project(name) for name in {one.project for one in tokens}}
        return {one: held_token(projects[one.project], one.token) for one in tokens}

    async def _session(self, session: str) -> SessionState:
        stream = StreamId(session)
        if not valid_stream(SESSION.prefix, stream):
            return SESSION.initial
        state: SessionState = (await self._states([stream]))[stream]
        return state

    async def _unread(self, session: str, state: SessionState) -> int:
        """What waits in the inboxes of the session."""
        projects = state.opened.projects if isinstance(state, Session) else ()
        inboxes = await self._states([inbox_stream(ProjectId(one), session) for one in projects])
        return sum(len(one.waiting) for one in inboxes.values())

    async def _states(self, streams: Sequence[StreamId]) -> Mapping[str, Any]:
        """As they are now: another node may have written since, so memory counts only where there is none."""
        found: dict[str, Any] = {}
        for one in () if self._node.log.shared else streams:
            held = self._node.hot.get(one)
            if held is not None:
                found[one] = held[1]
        missing = [one for one in streams if one not in found]
        if missing:
            loaded = await self._node.leases.in_thread(lambda: self._node.hot.load(missing, []))
            found |= {stream: state for stream, (_, state) in loaded.states.items()}
        return found

    async def _acknowledge(self, session: str, state: Session, named: Named) -> tuple[bool, bool]:
        """Whether all that is named and was not acknowledged before is acknowledged now, and whether there was any."""
        taken, tried = True, False
        for (project, number), attempt in state.attempts.items():
            if (project, number) not in named.values() or (session, project, number) in self._acknowledged:
                continue
            command = AcknowledgeAttempt(project=attempt.project, task=attempt.task, token=str(number))
            identifier = command_id_of("acknowledge", session, number, attempt.task)
            stamp = Stamp(
                command_id=identifier,
                project=attempt.project,
                principal=PrincipalId("policy:acknowledge"),
                time=Instant(self._node.log.now()),
                correlation_id=identifier,
            )
            outcome = await self._node.committer.execute(command, stamp)
            taken, tried = taken and outcome.ok, True
            self._acknowledged[session, project, number] = None
            if len(self._acknowledged) > ACKNOWLEDGED_MAX:
                self._acknowledged.popitem(last=False)
        return taken, tried


def _longest(state: Session, wait_seconds: float) -> float:
    """How long a beat of the session may wait."""
    told = TOLD_WAIT_SECONDS_MAX if taken_away(state) else wait_seconds
    return min(wait_seconds, told, state.opened.ttl_seconds / WAITS_PER_TTL)
