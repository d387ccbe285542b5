"""The locks of one token and the session behind them: what every command on a live grant begins with."""

from dataclasses import dataclass
from typing import Final

from domain.dispatch.lookup import find_session, lock_stream
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.lock.commands import HolderCommand
from domain.lock.decider import LOCKS
from domain.lock.entries import Grant
from domain.lock.errors import LockTokenFenced, NotLockOwner
from domain.lock.state import LockSpace
from domain.session.decider import SESSION
from domain.session.events import SessionGrantGone, SessionGrantTaken
from domain.session.state import Session

HOLD_SECONDS_MAX: Final = 8 * 3_600
"""The longest that a grant is held, however often its session is renewed."""


@dataclass(frozen=True, slots=True)
class HeldLocks:
    """A live grant of a session."""

    stream: StreamId
    space: LockSpace
    grant: Grant
    session: Session


def find_held(command: HolderCommand, stamp: Stamp, view: View) -> HeldLocks | Rejection:
    """The grant, if the caller speaks for the session and that life of it holds the token."""
    session = find_session(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return session
    stream = lock_stream(stamp.project)
    space = view.read(LOCKS, stream)
    held = space.grants.get(int(command.token))
    if held is None or held.is_orphaned:
        return LockTokenFenced(token=command.token, session=command.session)
    if (held.session, held.incarnation) != (command.session, command.incarnation):
        return NotLockOwner(token=command.token, session=command.session)
    return HeldLocks(stream, space, held, session)


def given_up(view: View, grant: Grant, project: ProjectId) -> tuple[Write, ...]:
    """What the holder's session learns when a grant ends that it took by itself."""
    if not grant.session:
        return ()
    session = view.read(SESSION, StreamId(grant.session))
    if not isinstance(session, Session) or (project, grant.token) not in session.grants:
        return ()
    return (Write(StreamId(grant.session), (SessionGrantGone(project=project, token=grant.token),)),)


def taken(session: str, token: int, project: ProjectId, at: Instant) -> Write:
    """What a session learns of a grant of its own that begins now."""
    return Write(StreamId(session), (grant_taken(token, project, at),))


def grant_taken(token: int, project: ProjectId, at: Instant) -> SessionGrantTaken:
    """The same as an event."""
    return SessionGrantTaken(project=project, token=token, locks_until=hold_ends(at))


def hold_ends(at: Instant) -> Instant:
    """When a grant that begins now ends, however often its session is renewed."""
    return Instant(at + HOLD_SECONDS_MAX * SECOND)
