"""What keeps a session from a task, before any lock is looked at: asked by claims and by whoever explains them."""

from domain.dispatch.choose import lacking
from domain.dispatch.errors import SessionAtCapacity, TaskWithheld, not_capable
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant
from domain.project.errors import ProjectIsFrozen
from domain.project.state import Project
from domain.session.errors import SessionIsDraining
from domain.session.state import Session
from domain.task.routing import Taker, required, withheld
from domain.task.state import Task


def shut(project: Project) -> Rejection | None:
    """Why the project gives nothing out."""
    return ProjectIsFrozen(name=project.name) if project.frozen else None


def full(name: str, session: Session) -> Rejection | None:
    """Why the session takes nothing more."""
    if session.draining:
        return SessionIsDraining(session=name)
    if room_of(session) > 0:
        return None
    return SessionAtCapacity(session=name, live=len(session.attempts))


def misfit(name: str, session: Session, task: Task, now: Instant) -> Rejection | None:
    """Why the session may not have this ready task, whatever room it has."""
    missing = lacking(required(task), session.opened.capabilities)
    if missing:
        return not_capable(name, task.plan.key, missing)
    kept = withheld(task, Taker(name, session.opened.host, session.opened.model), now)
    return None if kept is None else TaskWithheld(task=task.plan.key, reason=kept.reason, until=kept.until)


def kind_of(name: str, session: Session) -> str:
    """Sessions of one kind have what others require and get past the same locks.

    Who holds locks itself, or has sessions below it, is a kind of its own; those below one session are of one.
    """
    apart = name if session.grants or session.children else ""
    return repr((sorted(session.opened.capabilities.items()), session.parent, apart))


def room_of(session: Session) -> int:
    """Attempts that the session may begin."""
    return session.opened.capacity - len(session.attempts)
