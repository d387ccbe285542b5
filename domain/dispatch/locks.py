"""Locks that a session takes and gives back itself, outside any attempt: a decision over session and lock space.

Who owns such a request (locks.md 5), as far as these commands go: if exactly one live attempt of the session covers
all its claims, they are held already and that grant is the answer. Else, if the session has one live attempt in the
project, conflicts are judged as if that attempt asked, so a holder is never refused by its own lease. Either way a new
grant is the session's own: it ends by ``ReleaseLocks`` or with the session, not with the attempt.
"""

from collections.abc import Mapping
from typing import Literal

from domain.dispatch.lookup import find_serving, find_session, lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.kernel.message import Answer, Stamp
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import wishes_of
from domain.lock.commands import AcquireLocks, EndLockDelay, ReleaseLocks
from domain.lock.decider import LOCKS, covering, grant, identical, release
from domain.lock.errors import BadPattern, Blocker, LockConflict, LockDelayRuns, LockTokenFenced, NotLockOwner
from domain.lock.state import LockSpace
from domain.session.events import SessionGrantGone, SessionGrantTaken
from domain.session.state import LiveAttempt, Session


class LockAnswer(Answer):
    """What became of a request for locks."""

    outcome: Literal["granted", "held", "possible", "blocked"]
    """``held`` names a grant that was there before; a preview says ``held``, ``possible`` or ``blocked``."""
    token: str | None = None
    """Decimal string; None where nothing is held."""
    claims: tuple[ScopeClaim, ...] = ()
    """The canonical claims of the grant."""
    blockers: tuple[Blocker, ...] = ()


def acquire(command: AcquireLocks, stamp: Stamp, view: View) -> Decision:
    """All claims or none. What the session holds already is answered with the grant that holds it."""
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    space = view.read(LOCKS, lock_stream(stamp.project))
    held = _held_already(command, space, session, stamp)
    if held is not None:
        return Decision(answer=held) if isinstance(held, LockAnswer) else refuse(held)
    return _taken(command, space, session, stamp, view)


def give_back(command: ReleaseLocks, stamp: Stamp, view: View) -> Decision:
    """The session's own locks of one token are free at once."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    if (stamp.project, token) not in session.grants:
        return refuse(_not_own(command, space, (stamp.project, token) in session.attempts))
    gone = Write(StreamId(command.session), (SessionGrantGone(project=stamp.project, token=token),))
    freed = release(space, token, "released", stamp.time)
    return Decision((Write(stream, freed, stamp.project), gone) if freed else (gone,))


def end_delay(command: EndLockDelay, stamp: Stamp, view: View) -> Decision:
    """The lock-delay is over; nothing where just that delay no longer runs, a refusal before its time."""
    stream, token = lock_stream(stamp.project), int(command.token)
    space = view.read(LOCKS, stream)
    held = space.grants.get(token)
    if held is None or held.lingers_until is None or held.lingers_until != command.until:
        return Decision()
    freed = release(space, token, "lock_delay_over", stamp.time)
    if not freed:
        return refuse(LockDelayRuns(token=command.token, until=command.until))
    return Decision((Write(stream, freed, stamp.project),))


def _held_already(
    command: AcquireLocks, space: LockSpace, session: Session, stamp: Stamp
) -> LockAnswer | BadPattern | None:
    wishes = wishes_of(command.claims)
    if isinstance(wishes, BadPattern):
        return wishes
    own = (token for project, token in session.grants if project == stamp.project)
    found = identical(space, own, wishes)
    if found is None:
        attempts = covering(space, _attempts(session, stamp), wishes)
        found = attempts[0] if len(attempts) == 1 else None
    return None if found is None else LockAnswer(outcome="held", token=str(found.token), claims=found.claims)


def _taken(command: AcquireLocks, space: LockSpace, session: Session, stamp: Stamp, view: View) -> Decision:
    granted = grant(
        space,
        era=view.era,
        session=command.session,
        incarnation=command.incarnation,
        task=None,
        claims=command.claims,
        purpose=command.purpose,
        at=stamp.time,
        judged_as=_only_attempt(_attempts(session, stamp)),
    )
    if isinstance(granted, LockConflict) and command.wait == "preview":
        return Decision(answer=LockAnswer(outcome="blocked", blockers=granted.blockers))
    if isinstance(granted, Rejection):
        return refuse(granted)
    if command.wait == "preview":
        return Decision(answer=LockAnswer(outcome="possible", claims=granted.claims))
    taken = SessionGrantTaken(project=stamp.project, token=granted.token)
    return Decision(
        writes=(
            Write(lock_stream(stamp.project), (granted,), stamp.project),
            Write(StreamId(command.session), (taken,)),
        ),
        answer=LockAnswer(outcome="granted", token=str(granted.token), claims=granted.claims),
    )


def _attempts(session: Session, stamp: Stamp) -> dict[int, LiveAttempt]:
    return {token: attempt for (project, token), attempt in session.attempts.items() if project == stamp.project}


def _only_attempt(attempts: Mapping[int, LiveAttempt]) -> str | None:
    return next(iter(attempts.values())).task if len(attempts) == 1 else None


def _not_own(command: ReleaseLocks, space: LockSpace, attempts: bool) -> Rejection:
    """``attempts`` says whether the token is that of a live attempt, which may hold no locks at all."""
    if attempts or int(command.token) in space.grants:
        return NotLockOwner(token=command.token, session=command.session)
    return LockTokenFenced(token=command.token, session=command.session)
