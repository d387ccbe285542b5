"""Opening a session: a first life, or the next one of a session that was lost, ended or restarted."""

from typing import Final

from domain.dispatch.family import check_parent, moved
from domain.dispatch.lose_session import end_life
from domain.dispatch.projects import find_projects
from domain.dispatch.quota import first_status, joining
from domain.kernel.decider import Decision, LeaseChange, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId, derived_id, is_type_id
from domain.kernel.message import Answer, Message, Stamp
from domain.session.commands import OpenSession
from domain.session.decider import BEATS_PER_TTL, SESSION, TTL_SECONDS, is_live, not_own, speaks_for, things_held
from domain.session.errors import SessionErased
from domain.session.events import HeldThing, SessionOpened
from domain.session.state import Session, Status
from domain.task.decider import DELIVERY_SECONDS_MAX

BEATS_PER_DELIVERY: Final = 2
"""However long the TTL: a beat that only came in time for the lease would find its new task given to somebody else."""


class FencedToken(Message):
    """A token of a former life."""

    project: str
    token: str
    """Decimal string."""
    task: str | None
    """The task of the attempt; None for locks outside any attempt."""


class SessionLife(Answer):
    """A life of a session began. What the former one held is over, and it is told how it ended."""

    session: str
    incarnation: int
    ttl_seconds: int
    beat_seconds: float
    """How often the client has to be heard: four times in a TTL, and twice within the time that a delivery may take."""
    projects: tuple[str, ...]
    fenced: tuple[FencedToken, ...]
    """What the former life held to its end and is refused from here on; stop working on it."""
    former: Status | None = None
    """How the former life stood; None where there was none. A session that returns may find that it was lost."""
    former_changed_at: Instant | None = None
    parent: str | None = None


def open_session(command: OpenSession, stamp: Stamp, view: View) -> Decision:
    """Begin a life owned by the stamp's principal. With ``resume``, whatever the former life holds ends as lost."""
    projects = find_projects(view, command.projects, stamp)
    if isinstance(projects, UnknownThing):
        return refuse(projects)
    former = None if command.resume is None else _former(command.resume, stamp, view)
    if isinstance(former, Rejection):
        return refuse(former)
    fresh = derived_id("sess", stamp.time, stamp.key)
    stream = fresh if command.resume is None else StreamId(command.resume)
    parent = _parent(command, former, view)
    fault = None if parent is None or _is_known(former, parent) else check_parent(view, stream, parent, stamp)
    if fault is not None:
        return refuse(fault)
    opened = _opened(command, projects, parent, former, stamp)
    joined = joining(stream, opened, former, stamp, view)
    if isinstance(joined, Rejection):
        return refuse(joined)
    placed = moved(stream, former, opened, stamp, view)
    if isinstance(placed, Rejection):
        return refuse(placed)
    others = (*placed, *joined)
    begun = (opened, *first_status(opened, stamp.time, view))
    if former is None:
        return _first(stream, opened, (*others, Write(stream, begun)))
    return _next(stream, former, opened, end_life(stream, former, "lost", begun, stamp, view, others))


def _former(resume: str, stamp: Stamp, view: View) -> Session | Rejection:
    if not is_type_id(resume, "sess"):
        return UnknownThing(kind="session", name=resume)
    state = view.read(SESSION, StreamId(resume))
    if not isinstance(state, Session):
        return UnknownThing(kind="session", name=resume)
    if not speaks_for(state, stamp):
        return not_own(state, resume, stamp)
    return SessionErased(session=resume) if state.erased else state


def _parent(command: OpenSession, former: Session | None, view: View) -> StreamId | None:
    """The one that is named, else the one above the former life, if that still lives."""
    if command.parent is not None:
        return StreamId(command.parent)
    if former is None or former.parent is None:
        return None
    above = view.read(SESSION, former.parent)
    return former.parent if isinstance(above, Session) and is_live(above) else None


def _is_known(former: Session | None, parent: StreamId) -> bool:
    """Whether the session stands there by right already."""
    return former is not None and is_live(former) and former.parent == parent


def _first(stream: StreamId, opened: SessionOpened, writes: tuple[Write, ...]) -> Decision:
    return Decision(
        writes=writes,
        answer=_told(stream, opened),
        leases=(LeaseChange("open", stream, 1, ttl_seconds=opened.ttl_seconds),),
    )


def _next(stream: StreamId, former: Session, opened: SessionOpened, writes: tuple[Write, ...]) -> Decision:
    """The former life is over, if it was not; whoever stands below stays below."""
    held = things_held(former) or former.lost_with
    ended = (LeaseChange("end", stream, former.opened.incarnation),) if is_live(former) else ()
    began = LeaseChange("open", stream, opened.incarnation, ttl_seconds=opened.ttl_seconds)
    answer = _told(stream, opened).model_copy(
        update={
            "fenced": tuple(_fenced(thing) for thing in held),
            "former": former.status,
            "former_changed_at": former.changed_at,
        }
    )
    return Decision(writes=writes, answer=answer, leases=(*ended, began))


def _told(stream: StreamId, opened: SessionOpened) -> SessionLife:
    return SessionLife(
        session=stream,
        incarnation=opened.incarnation,
        ttl_seconds=opened.ttl_seconds,
        beat_seconds=min(opened.ttl_seconds / BEATS_PER_TTL, DELIVERY_SECONDS_MAX / BEATS_PER_DELIVERY),
        projects=opened.projects,
        fenced=(),
        parent=opened.parent,
    )


def _fenced(thing: HeldThing) -> FencedToken:
    return FencedToken(project=thing.project, token=str(thing.token), task=thing.task)


def _opened(
    command: OpenSession,
    projects: tuple[ProjectId, ...],
    parent: StreamId | None,
    former: Session | None,
    stamp: Stamp,
) -> SessionOpened:
    return SessionOpened(
        incarnation=1 if former is None else former.opened.incarnation + 1,
        projects=projects,
        name=command.name,
        tool=command.tool,
        model=command.model,
        host=command.host,
        capabilities=command.capabilities,
        capacity=command.capacity,
        ttl_seconds=command.ttl_seconds or TTL_SECONDS[command.renewed_by],
        owner=stamp.principal,
        at=stamp.time,
        parent=parent,
        role=command.role,
        worktree=command.worktree,
        credential_pool=command.credential_pool,
        began="new" if former is None else command.began,
        takes_pushed=command.takes_pushed,
        # Words of a former life are in the same stream, and were not kept under a key then.
        under_key=former is None or former.opened.under_key,
    )
