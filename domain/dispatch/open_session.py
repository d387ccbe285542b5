"""Opening a session: a first life, or the next one of a session that was lost, ended or restarted."""

from typing import Final

from domain.dispatch.lose_session import end_life
from domain.dispatch.projects import find_projects
from domain.kernel.decider import Decision, LeaseChange, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import ProjectId, StreamId, derived_id, is_type_id
from domain.kernel.message import Answer, Message, Stamp
from domain.session.commands import OpenSession
from domain.session.decider import BEATS_PER_TTL, SESSION, is_live, speaks_for
from domain.session.errors import NotSessionOwner
from domain.session.events import SessionOpened
from domain.session.state import Session
from domain.task.decider import DELIVERY_SECONDS_MAX

BEATS_PER_DELIVERY: Final = 2
"""However long the TTL: a beat that only came in time for the lease would find its new task given to somebody else."""


class FencedToken(Message):
    """A token of a former life."""

    project: str
    token: str
    """Decimal string."""


class SessionLife(Answer):
    """A life of a session began."""

    session: str
    incarnation: int
    ttl_seconds: int
    beat_seconds: float
    """How often the client has to be heard: four times in a TTL, and twice within the time that a delivery may take."""
    projects: tuple[str, ...]
    fenced: tuple[FencedToken, ...]
    """What the former life held until now and is refused from here on."""


def open_session(command: OpenSession, stamp: Stamp, view: View) -> Decision:
    """Begin a life owned by the stamp's principal. With ``resume``, whatever the former life holds ends as lost."""
    projects = find_projects(view, command.projects)
    if isinstance(projects, UnknownThing):
        return refuse(projects)
    if command.resume is None:
        stream = derived_id("sess", stamp.time, (stamp.command_id,))
        return _began(stream, _opened(command, projects, 1, stamp))
    former = _former(command.resume, stamp, view)
    if isinstance(former, Rejection):
        return refuse(former)
    opened = _opened(command, projects, former.opened.incarnation + 1, stamp)
    return _resumed(StreamId(command.resume), former, opened, stamp, view)


def _former(resume: str, stamp: Stamp, view: View) -> Session | Rejection:
    if not is_type_id(resume, "sess"):
        return UnknownThing(kind="session", name=resume)
    state = view.read(SESSION, StreamId(resume))
    if not isinstance(state, Session):
        return UnknownThing(kind="session", name=resume)
    return state if speaks_for(state, stamp) else NotSessionOwner(session=resume)


def _resumed(stream: StreamId, former: Session, opened: SessionOpened, stamp: Stamp, view: View) -> Decision:
    began = _began(stream, opened, _tokens(former))
    ended = (LeaseChange("end", stream, former.opened.incarnation),) if is_live(former) else ()
    return Decision(
        writes=end_life(stream, former, "lost", (opened,), stamp, view),
        answer=began.answer,
        leases=(*ended, *began.leases),
    )


def _began(stream: StreamId, opened: SessionOpened, fenced: tuple[FencedToken, ...] = ()) -> Decision:
    answer = SessionLife(
        session=stream,
        incarnation=opened.incarnation,
        ttl_seconds=opened.ttl_seconds,
        beat_seconds=min(opened.ttl_seconds / BEATS_PER_TTL, DELIVERY_SECONDS_MAX / BEATS_PER_DELIVERY),
        projects=opened.projects,
        fenced=fenced,
    )
    lease = LeaseChange("open", stream, opened.incarnation, ttl_seconds=opened.ttl_seconds)
    return Decision(writes=(Write(stream, (opened,)),), answer=answer, leases=(lease,))


def _tokens(former: Session) -> tuple[FencedToken, ...]:
    held = sorted((*former.attempts, *former.grants))
    return tuple(FencedToken(project=project, token=str(token)) for project, token in held)


def _opened(command: OpenSession, projects: tuple[ProjectId, ...], incarnation: int, stamp: Stamp) -> SessionOpened:
    return SessionOpened(
        incarnation=incarnation,
        projects=projects,
        name=command.name,
        tool=command.tool,
        model=command.model,
        host=command.host,
        capabilities=command.capabilities,
        capacity=command.capacity,
        ttl_seconds=command.ttl_seconds,
        owner=stamp.principal,
        at=stamp.time,
    )
