"""The locks of one token and the session behind them: what every command on a live grant begins with."""

from dataclasses import dataclass

from domain.dispatch.lookup import find_session, lock_stream
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.lock.commands import HolderCommand
from domain.lock.decider import LOCKS
from domain.lock.entries import Grant
from domain.lock.errors import LockTokenFenced, NotLockOwner
from domain.lock.state import LockSpace
from domain.session.decider import SESSION
from domain.session.events import SessionGrantGone, SessionGrantTaken
from domain.session.state import Session


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


def taken(session: str, token: int, project: ProjectId) -> Write:
    """What a session learns of a grant of its own."""
    return Write(StreamId(session), (SessionGrantTaken(project=project, token=token),))
