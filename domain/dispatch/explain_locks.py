"""Which locks stand in the way of a scope, with their holders; and why one lock is held."""

from domain.dispatch.explanation import Explanation, Reason, explained
from domain.dispatch.lock_owner import lives_around
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import View
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.values import ScopeClaim
from domain.lock.commands import RESERVATION_SECONDS
from domain.lock.decider import LOCKS, grant
from domain.lock.entries import Grant
from domain.lock.errors import Blocker, LockConflict
from domain.lock.events import LocksGranted
from domain.lock.requesting import place_of
from domain.session.decider import SESSION
from domain.session.state import Session
from domain.task.decider import TASK, phase_name
from domain.task.state import Task

_NEW_ATTEMPT = "task_of_nobody"
"""Conflicts are judged for an attempt that does not exist yet."""


def in_the_way(
    scope: tuple[ScopeClaim, ...],
    asker: tuple[str, int],
    project: ProjectId,
    now: Instant,
    view: View,
    task: str = _NEW_ATTEMPT,
) -> list[Reason]:
    """What a claim of the scope by that life of a session would be refused for; nothing where it would be granted.

    What the ``task`` has reserved is its own.
    """
    space = view.read(LOCKS, lock_stream(project))
    session, incarnation = asker
    granted = grant(
        space,
        era=view.era,
        session=session,
        incarnation=incarnation,
        task=task,
        claims=scope,
        purpose="",
        at=now,
        ancestors=lives_around(view, StreamId(session)) if session else (),
    )
    match granted:
        case LocksGranted():
            return []
        case LockConflict():
            return [_blocked_by(blocker) for blocker in granted.blockers]
        case Rejection():
            return [Reason(code=granted.code(), words=granted.message(), unblock=granted.advice())]


def asked_by_itself(task: StreamId, project: ProjectId, view: View) -> list[Reason]:
    """What a ready task does about its locks without anybody working on it: it waits for them, or has them."""
    space = view.read(LOCKS, lock_stream(project))
    number = space.coverage.queue.by_owner.get(task)
    if number is not None:
        place = place_of(space, number)
        return [
            Reason(
                code="locks_queued",
                words=f"it was passed over for long, so it waits for its locks itself, at place {place} of the queue",
                unblock="Who holds them ends; nobody who comes later gets them before it.",
                about=str(number),
                data={"place": place, "request": str(number)},
            )
        ]
    return [
        Reason(
            code="locks_reserved",
            words="its locks are reserved for it",
            unblock="A capable session has to claim before the reservation ends, else it queues again.",
            about=str(token),
            until=Instant(space.grants[token].at + RESERVATION_SECONDS * SECOND),
        )
        for token in sorted(space.coverage.by_owner.get(task, ()))
    ]


def explain_lock(token: str, project: ProjectId, view: View) -> Explanation | UnknownThing:
    """Who holds the locks of a token, what for, and what would free them."""
    space = view.read(LOCKS, lock_stream(project))
    held = space.grants.get(int(token)) if token.isascii() and token.isdigit() else None
    if held is None:
        return UnknownThing(kind="lock token", name=token[:40])
    return explained(
        "lock",
        str(held.token),
        project=project,
        name=held.purpose,
        status="lingering" if held.lingers_until is not None else "held",
        blocked=[_lingering(held)] if held.lingers_until is not None else _silent(held, view),
        noted=[_held(held, view)],
    )


def _blocked_by(blocker: Blocker) -> Reason:
    gone = blocker.lingers_until is not None
    owner = " for ".join(one for one in (blocker.session, blocker.task) if one)
    has = "held by" if blocker.request is None else f"waited for under {blocker.request} since before by"
    ends = f"{blocker.task} ends its attempt" if blocker.task else f"{blocker.session} releases its locks"
    return Reason(
        code="lock_delay" if gone else "locked" if blocker.request is None else "lock_awaited",
        words=f"{blocker.wanted} meets {blocker.held} at {blocker.witness or blocker.wanted}, {has} {owner}",
        unblock="Time; the lock of a lost owner opens by itself." if gone else f"It opens when {ends}.",
        about=blocker.task or blocker.session,
        until=None if blocker.lingers_until is None else Instant(blocker.lingers_until),
        data={
            "session": blocker.session,
            "wanted": blocker.wanted,
            "held": blocker.held,
            "witness": blocker.witness,
            "age_seconds": blocker.age_seconds,
        },
    )


def _lingering(held: Grant) -> Reason:
    return Reason(
        code="lock_delay",
        words=f"its owner {held.session} is gone without a report, so it stays shut for the lock-delay",
        unblock="Time; it opens by itself.",
        about=held.session,
        until=held.lingers_until,
    )


def _silent(held: Grant, view: View) -> list[Reason]:
    session = view.read(SESSION, StreamId(held.session))
    if not isinstance(session, Session) or session.status != "suspect":
        return []
    return [
        Reason(
            code="holder_silent",
            words=f"its holder {held.session} missed a beat",
            unblock="It beats again, or its lease runs out and the lock-delay begins.",
            about=held.session,
        )
    ]


def _held(held: Grant, view: View) -> Reason:
    task = None if held.task is None else view.read(TASK, StreamId(held.task))
    doing = f" for {task.plan.key}, which is {phase_name(task)}" if isinstance(task, Task) else ""
    ends = "the attempt ends" if held.task is not None else "the session releases it or ends"
    return Reason(
        code="held",
        words=f"{_owner(held)}{doing}",
        unblock=f"It opens when {ends}.",
        about=held.task or held.session,
        data={"claims": tuple(f"{one.mode} {one.claim}" for one in held.claims), "session": held.session},
    )


def _owner(held: Grant) -> str:
    count = len(held.claims)
    return f"{held.session}, incarnation {held.incarnation}, holds {count} claim{'' if count == 1 else 's'}"
