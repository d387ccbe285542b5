"""What a heartbeat is answered: what the session holds by now, what is taken back, what it was given meanwhile."""

from collections.abc import Iterator, Mapping
from typing import Final

from api.ports import Heard, HeldNow, ProjectToken, PushedTask
from domain.kernel.ids import SECOND, Instant, ProjectId
from domain.session.decider import is_live, lease_ends
from domain.session.state import HeldToken, Session, SessionState

LIVING: Final = frozenset({"live", "suspect"})
"""Of a life that goes on."""
Named = Mapping[ProjectToken, HeldToken | None]
"""What a beat names, with what it means."""


def held_token(project: ProjectId | None, token: str) -> HeldToken | None:
    """What a named token is; None where its project is none."""
    return None if project is None else (project, int(token))


def has_news(state: SessionState, named: Named) -> bool:
    """Whether it holds an attempt that was not named, or does not hold what was."""
    if not isinstance(state, Session) or not is_live(state):
        return True
    said = set(named.values())
    return any(one not in said for one in state.attempts) or any(
        token not in state.attempts and token not in state.grants for token in said
    )


def taken_away(state: SessionState) -> frozenset[HeldToken]:
    """Attempts that the session was told to end."""
    attempts = state.attempts.items() if isinstance(state, Session) else ()
    return frozenset(token for token, attempt in attempts if attempt.revoked_at is not None)


def status_of(state: SessionState, incarnation: int) -> str:
    """As the heartbeat of that life is told."""
    if not isinstance(state, Session):
        return "lost"
    return state.status if state.opened.incarnation == incarnation else "fenced"


def _pushed(state: SessionState, status: str, named: Named) -> tuple[PushedTask, ...]:
    if not isinstance(state, Session) or status not in LIVING:
        return ()
    said = set(named.values())
    return tuple(
        PushedTask(project, attempt.task, str(number))
        for (project, number), attempt in sorted(state.attempts.items())
        if (project, number) not in said
    )


def heard(state: SessionState, status: str, renewed_at: int, named: Named) -> Heard:
    """The answer; what is left of each time is counted from the renewal, which was a moment ago."""
    held: dict[HeldToken, HeldNow] = {}
    lease_seconds = 0.0
    if isinstance(state, Session) and status in LIVING:
        held = dict(_held_now(state, renewed_at))
        ends = lease_ends(state.opened.ttl_seconds, Instant(renewed_at), state.tool_until)
        lease_seconds = _seconds(ends, renewed_at)
    return Heard(
        status=status,
        draining=isinstance(state, Session) and state.draining,
        ttl_seconds=state.opened.ttl_seconds if isinstance(state, Session) else 0,
        renewed_at=Instant(renewed_at),
        lease_seconds=lease_seconds,
        held=tuple(held[token] for token in sorted(held)),
        revoked=tuple(one for one, token in named.items() if token not in held),
        pushed=_pushed(state, status, named),
    )


def _held_now(session: Session, now: int) -> Iterator[tuple[HeldToken, HeldNow]]:
    for (project, number), attempt in session.attempts.items():
        until, revoked = attempt.locks_until, attempt.revoked_at
        yield (
            (project, number),
            HeldNow(
                project=project,
                token=str(number),
                task=attempt.task,
                locks_seconds=None if until is None else _seconds(until, now),
                revoked_seconds=None if revoked is None else _seconds(revoked, now),
                reason=attempt.revoked_because,
            ),
        )
    for (project, number), grant in session.grants.items():
        until = grant.locks_until
        locks_seconds = None if until is None else _seconds(until, now)
        yield (project, number), HeldNow(project, str(number), None, locks_seconds)


def _seconds(until: int, now: int) -> float:
    return max(0, until - now) / SECOND
