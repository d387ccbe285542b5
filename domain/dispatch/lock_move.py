"""What a move in the hierarchy means for locks: they go along, and what only the former family could hold bars it."""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.dispatch.lock_owner import lives_around, names_of
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import StreamsMissing, View, Write
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Stamp
from domain.lock.blocking import Obstacle, grants_in_the_way
from domain.lock.circles import closed_by_grant
from domain.lock.decider import LOCKS
from domain.lock.entries import Grant, name_of_life, wishes_in
from domain.lock.errors import TooComplex
from domain.lock.family_events import LockOwnersMoved, MovedOwner
from domain.lock.moving import Families, moved
from domain.lock.overlap import StepBudget
from domain.lock.state import LockSpace
from domain.session.decider import SESSION
from domain.session.errors import LocksInsideFamily
from domain.session.hierarchy import ANCESTORS_MAX, children_of
from domain.session.state import Session

_LEVELS_MAX: Final = ANCESTORS_MAX + 1


def move_locks(stream: StreamId, parent: StreamId | None, stamp: Stamp, view: View) -> tuple[Write, ...] | Rejection:
    """The locks of the session, and of everybody below it, go along to below that parent."""
    return _moved(stream, {stream: _above(parent, view)}, stamp, view)


def leave_locks_below(
    stream: StreamId, former: Session, parent: StreamId | None, stamp: Stamp, view: View
) -> tuple[Write, ...] | Rejection:
    """The next life of the session begins below that parent, and whoever stands below it goes along with its locks.

    The former life stays among what they lie in: it ends with the same decision.
    """
    life = name_of_life(stream, former.opened.incarnation + 1)
    around = (life, *names_of(stream, former), *_above(parent, view))
    return _moved(stream, dict.fromkeys(sorted(former.children), around), stamp, view)


def _above(parent: StreamId | None, view: View) -> tuple[str, ...]:
    state = None if parent is None else view.read(SESSION, parent)
    if parent is None or not isinstance(state, Session):
        return ()
    return (*names_of(parent, state), *lives_around(view, parent))


def _moved(
    stream: StreamId, roots: Mapping[StreamId, tuple[str, ...]], stamp: Stamp, view: View
) -> tuple[Write, ...] | Rejection:
    families, projects = _families(roots, view)
    writes: list[Write] = []
    for project, space in _spaces(projects, view).items():
        event = moved_in(space, stream, families, stamp.time)
        if isinstance(event, Rejection):
            return event
        if event is not None:
            writes.append(Write(lock_stream(project), (event,), project))
    return tuple(writes)


def moved_in(space: LockSpace, session: str, families: Families, at: Instant) -> LockOwnersMoved | Rejection | None:
    """The owners of one lock space in their new families, or why the session cannot take them along; None where it
    takes nothing along."""
    owners = _concerned(space, families)
    if not owners:
        return None
    event = LockOwnersMoved(owners=owners, at=at)
    after = LOCKS.evolve(space, event)
    return _torn(session, after, families) or _endless(after, families) or event


def _families(roots: Mapping[StreamId, tuple[str, ...]], view: View) -> tuple[Families, set[ProjectId]]:
    """What the lives of the roots and of all below them lie in, and the projects in which they may hold locks."""
    families: dict[tuple[str, int], tuple[str, ...]] = {}
    projects: set[ProjectId] = set()
    level = dict(roots)
    for _ in range(_LEVELS_MAX):
        children_of(view, (*level,))  # asks for all of them at once
        below: dict[StreamId, tuple[str, ...]] = {}
        for session, around in level.items():
            state = view.read(SESSION, session)
            if not isinstance(state, Session):
                continue
            families[session, state.opened.incarnation] = around
            projects.update(ProjectId(project) for project in state.opened.projects)
            projects.update(project for project, _ in (*state.attempts, *state.grants))
            below |= dict.fromkeys(state.children, (*names_of(session, state), *around))
        level = below
    return families, projects


def _spaces(projects: Iterable[ProjectId], view: View) -> dict[ProjectId, LockSpace]:
    found: dict[ProjectId, LockSpace] = {}
    missing: list[StreamId] = []
    for project in sorted(projects):
        try:
            found[project] = view.read(LOCKS, lock_stream(project))
        except StreamsMissing as needed:
            missing.extend(needed.streams)
    if missing:
        raise StreamsMissing(tuple(missing))
    return found


def _concerned(space: LockSpace, families: Families) -> tuple[MovedOwner, ...]:
    """Those who hold, offered or want something in the space, and will lie in something else than before."""
    owners = [
        *(held.owner for held in space.grants.values() if not held.is_orphaned),
        *(held.offer.giver for held in space.grants.values() if held.offer is not None),
        *(waiter.owner for waiter in space.waiters.values()),
    ]
    lives = {(one.session, one.incarnation) for one in owners if moved(one, families) is not one}
    return tuple(
        MovedOwner(session=session, incarnation=incarnation, ancestors=families[session, incarnation])
        for session, incarnation in sorted(lives)
    )


def _torn(moving: str, after: LockSpace, families: Families) -> LocksInsideFamily | TooComplex | None:
    """A lock that goes along and meets one that stays behind, where only the former family could hold both."""
    along = frozenset({moving, *(session for session, _ in families)})
    for token in sorted(after.grants):
        grant = after.grants[token]
        if grant.is_orphaned or (grant.session, grant.incarnation) not in families:
            continue
        found = _met(after, grant, along)
        if isinstance(found, TooComplex):
            return found
        for obstacle in found:
            if isinstance(obstacle.holder, Grant) and not obstacle.holder.is_orphaned:
                return _told(moving, grant, obstacle.holder, obstacle)
    return None


def _met(after: LockSpace, grant: Grant, along: frozenset[str]) -> list[Obstacle] | TooComplex:
    """Units of pools are held by one owner each, whatever its family."""
    places = tuple(wish for wish in wishes_in(grant.claims) if wish.resource.kind != "pool")
    everything = after.coverage.claims * len(places)
    return grants_in_the_way(after, grant.owner, places, StepBudget(), most=everything, besides=along)


def _told(moving: str, grant: Grant, other: Grant, obstacle: Obstacle) -> LocksInsideFamily:
    return LocksInsideFamily(
        session=moving,
        inner=grant.owner.name,
        claim=obstacle.wish.resource.text,
        token=str(grant.token),
        outer=other.owner.name,
        held=obstacle.held.text,
        other_token=str(other.token),
    )


def _endless(after: LockSpace, families: Families) -> Rejection | None:
    """A wait of the moved ones that would never end: what their former family holds is in their way now."""
    for number in sorted(after.waiters):
        owner = after.waiters[number].owner
        fault = closed_by_grant(after, owner) if (owner.session, owner.incarnation) in families else None
        if fault is not None:
            return fault
    return None
