"""The hierarchy of sessions: joining it, moving in it, and what becomes of those below when one is gone."""

from collections.abc import Iterator

from domain.dispatch.lock_move import leave_locks_below, move_locks
from domain.dispatch.manage import find_managed
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Stamp
from domain.session.commands import ReparentSession
from domain.session.decider import SESSION, is_live
from domain.session.events import SessionChildJoined, SessionChildLeft, SessionOpened, SessionReparented
from domain.session.hierarchy import ancestors, children_of, misplaced
from domain.session.state import Session


def reparent(command: ReparentSession, stamp: Stamp, view: View) -> Decision:
    """Move a session, with everybody below it and all their locks; where it stands already nothing changes."""
    found = find_managed(view, command.session, stamp)
    if isinstance(found, Rejection):
        return refuse(found)
    stream, session = found
    parent = None if command.parent is None else StreamId(command.parent)
    if parent == session.parent:
        return Decision()
    if parent is not None:
        fault = check_parent(view, stream, parent, stamp)
        if fault is not None:
            return refuse(fault)
    locks = move_locks(stream, parent, stamp, view)
    if isinstance(locks, Rejection):
        return refuse(locks)
    moved = SessionReparented(parent=parent, because="asked", at=stamp.time)
    writes = (*locks, *_left(stream, session, stamp.time, view), *joined(stream, parent, stamp.time))
    return Decision((*writes, Write(stream, (moved,))))


def check_parent(view: View, session: StreamId, parent: StreamId, stamp: Stamp) -> Rejection | None:
    """Why the session may not stand below that one: who asks has to speak for both."""
    found = find_managed(view, parent, stamp)
    return found if isinstance(found, Rejection) else misplaced(view, session, parent)


def joined(session: StreamId, parent: StreamId | None, at: Instant) -> Iterator[Write]:
    """The one above learns of the one below."""
    if parent is not None:
        yield Write(parent, (SessionChildJoined(child=session, at=at),))


def moved(
    stream: StreamId, former: Session | None, opened: SessionOpened, stamp: Stamp, view: View
) -> tuple[Write, ...] | Rejection:
    """The ones above learn where a life begins; nothing where it begins in the place of the former one."""
    parent = None if opened.parent is None else StreamId(opened.parent)
    left: tuple[Write, ...] = ()
    if former is not None and former.parent != parent:
        locks = leave_locks_below(stream, former, parent, stamp, view)
        if isinstance(locks, Rejection):
            return locks
        left = (*locks, *_left(stream, former, stamp.time, view))
    above = None if parent is None else view.read(SESSION, parent)
    known = isinstance(above, Session) and stream in above.children
    return left if known else (*left, *joined(stream, parent, stamp.time))


def gone_from_family(stream: StreamId, session: Session, *, adopt: bool, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """The session leaves the one above; unless they end with it, those below are adopted by that one, or by nobody."""
    writes = [*_left(stream, session, stamp.time, view)]
    if not adopt:
        return tuple(writes)
    # One in between may have ended with all below it, which have not followed yet.
    lives = ((one, view.read(SESSION, one)) for one in ancestors(view, stream))
    grandparent = next((one for one, above in lives if isinstance(above, Session) and is_live(above)), None)
    children_of(view, (*session.children,))  # asks for all of them at once
    for child in sorted(session.children):
        moved = SessionReparented(parent=grandparent, because="adopted", at=stamp.time)
        writes += [
            Write(stream, (SessionChildLeft(child=child, at=stamp.time),)),
            Write(child, (moved,)),
            *joined(child, grandparent, stamp.time),
        ]
    return tuple(writes)


def _left(stream: StreamId, session: Session, at: Instant, view: View) -> Iterator[Write]:
    above = view.read(SESSION, session.parent) if session.parent is not None else None
    if session.parent is not None and isinstance(above, Session) and stream in above.children:
        yield Write(session.parent, (SessionChildLeft(child=stream, at=at),))
