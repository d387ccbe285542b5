"""Who owns a request for locks that a session makes by itself (locks.md 5)."""

from domain.kernel.decider import View
from domain.kernel.ids import ProjectId, StreamId
from domain.lock.decider import covering
from domain.lock.entries import Owner, Wish, name_of_life
from domain.lock.state import LockSpace
from domain.session.decider import SESSION
from domain.session.hierarchy import ancestors
from domain.session.state import Session


def owner_of_request(
    space: LockSpace,
    session: Session,
    name: str,
    project: ProjectId,
    wishes: tuple[Wish, ...],
    ancestors: tuple[str, ...] = (),
) -> Owner:
    """The one live attempt whose grants cover all the wishes, else the only live attempt, else the session itself."""
    attempts = attempts_in(session, project)
    covered = [token for token in attempts if covering(space, _tokens(space, session, name, attempts[token]), wishes)]
    chosen = covered if len(covered) == 1 else list(attempts)
    task = attempts[chosen[0]] if len(chosen) == 1 else None
    return Owner(name, session.opened.incarnation, task, ancestors)


def lives_around(view: View, session: StreamId) -> tuple[str, ...]:
    """Names of the lives of the sessions above, the nearest first, each behind those of its attempts.

    What they hold does not block those below: a sub-agent works inside the task that the one above it has.
    """
    states = ((above, view.read(SESSION, above)) for above in ancestors(view, session))
    return tuple(name for above, one in states if isinstance(one, Session) for name in names_of(above, one))


def names_of(session: str, state: Session) -> tuple[str, ...]:
    """What the current life of a session is called in a family: its attempts, then itself."""
    life = name_of_life(session, state.opened.incarnation)
    tasks = sorted({attempt.task for attempt in state.attempts.values()})
    return (*(f"{task}@{life}" for task in tasks), life)


def attempts_in(session: Session, project: ProjectId) -> dict[int, str]:
    """Token -> task of the session's live attempts in the project."""
    return {token: attempt.task for (where, token), attempt in session.attempts.items() if where == project}


def _tokens(space: LockSpace, session: Session, name: str, task: str) -> tuple[int, ...]:
    """All that the attempt holds: the grant of its claim and what was added since."""
    owner = Owner(name, session.opened.incarnation, task)
    return tuple(space.coverage.by_owner.get(owner.name, ()))
