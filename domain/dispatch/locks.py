"""Locks that a session takes and gives back itself: a decision over session and lock space.

Who owns such a request is said in ``lock_owner``. A grant that belongs to an attempt ends with it at the latest; the
session gives back either kind by ``ReleaseLocks``.
"""

from dataclasses import dataclass

from domain.dispatch.lock_answers import LockAnswer, waiting
from domain.dispatch.lock_answers import granted as already
from domain.dispatch.lock_held import taken
from domain.dispatch.lock_owner import lives_around, owner_of_request
from domain.dispatch.lookup import find_serving, find_session, lock_stream
from domain.kernel.decider import Decision, View, Write, fold, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.lock.blocking import others_in_the_way, wishes_of
from domain.lock.commands import BOOST_SECONDS, AcquireLocks, EndLockDelay, ReleaseLocks
from domain.lock.decider import LOCKS, covering, grant, identical, release
from domain.lock.entries import Grant, Owner, Waiter, Wish
from domain.lock.errors import BadPattern, LockConflict, LockDelayRuns, LockTokenFenced, NotLockOwner
from domain.lock.events import LocksGranted
from domain.lock.overlap import StepBudget
from domain.lock.requesting import Terms, already_waiting, at_once, enqueue, notices, superseded
from domain.lock.state import LockSpace
from domain.session.events import SessionGrantGone
from domain.session.state import Session


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request with all that is known of it."""

    command: AcquireLocks
    stamp: Stamp
    view: View
    session: Session
    space: LockSpace
    wishes: tuple[Wish, ...]
    owner: Owner


def acquire(command: AcquireLocks, stamp: Stamp, view: View) -> Decision:
    """All claims or none. What is held already is answered with the grant that holds it."""
    session = find_serving(view, command.session, command.incarnation, stamp)
    if isinstance(session, Rejection):
        return refuse(session)
    space = view.read(LOCKS, lock_stream(stamp.project))
    wishes = wishes_of(command.claims, space)
    if isinstance(wishes, BadPattern):
        return refuse(wishes)
    above = lives_around(view, StreamId(command.session))
    if command.attempt is None:
        owner = owner_of_request(space, session, command.session, stamp.project, wishes, above)
    else:
        attempt = session.attempts.get((stamp.project, int(command.attempt)))
        if attempt is None:
            return refuse(LockTokenFenced(token=command.attempt, session=command.session))
        owner = Owner(command.session, command.incarnation, attempt.task, above)
    asking = _Asking(command, stamp, view, session, space, wishes, owner)
    held = _held_already(asking)
    if held is not None:
        return Decision(answer=already(held))
    return _waited(asking) if command.wait == "queue" else _taken(asking)


def give_back(command: ReleaseLocks, stamp: Stamp, view: View) -> Decision:
    """The locks of one token that the session took itself are free at once."""
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


def _held_already(asking: _Asking) -> Grant | None:
    """An identical grant of the session's, or what covers everything for the owner."""
    project = asking.stamp.project
    tokens = asking.space.coverage.by_owner.get(asking.owner.name, ())
    if asking.command.attempt is not None:
        # What another attempt of the session holds is not this one's, however alike it is.
        return identical(asking.space, tokens, asking.wishes)
    own = (token for where, token in asking.session.grants if where == project)
    found = identical(asking.space, own, asking.wishes)
    if found is not None or asking.owner.task is None:
        return found
    covered = next(iter(covering(asking.space, tokens, asking.wishes)), None)
    # Where a session below writes, what lies around it does not (locks.md 5).
    is_passed_on = others_in_the_way(asking.space, asking.owner, asking.wishes, StepBudget()) != []
    return None if is_passed_on else covered


def _taken(asking: _Asking) -> Decision:
    command, owner = asking.command, asking.owner
    granted = grant(
        asking.space,
        era=asking.view.era,
        session=owner.session,
        incarnation=owner.incarnation,
        task=owner.task,
        claims=command.claims,
        purpose=command.purpose,
        at=asking.stamp.time,
        ancestors=owner.ancestors,
        on_loss=command.on_loss,
        preemptible=command.preemptible,
    )
    if isinstance(granted, LockConflict) and command.wait == "preview":
        return Decision(answer=LockAnswer(outcome="blocked", blockers=granted.blockers))
    if isinstance(granted, Rejection):
        return refuse(granted)
    if command.wait == "preview":
        return Decision(answer=LockAnswer(outcome="possible", claims=granted.claims))
    return _given(asking, granted)


def _waited(asking: _Asking) -> Decision:
    """A place in the queue, or the grant where nothing is in the way."""
    command, at, project = asking.command, asking.stamp.time, asking.stamp.project
    space, replaced = superseded(asking.space, command.supersede_key, at)
    since = _since(asking)
    standing = space.coverage.queue.by_owner.get(asking.owner.name)
    if standing is not None:
        return _repeated(asking, space.waiters[standing])
    requested = enqueue(
        space,
        asking.owner,
        command.claims,
        purpose=command.purpose,
        at=at,
        since=since,
        boost_seconds=BOOST_SECONDS[command.priority],
        wait_seconds=command.wait_timeout_seconds,
        terms=Terms(
            on_loss=command.on_loss,
            preemptible=command.preemptible,
            supersede_key=command.supersede_key,
            preempts=command.preempt,
        ),
    )
    if isinstance(requested, Rejection):
        return refuse(requested)
    after = LOCKS.evolve(space, requested)
    answer = waiting(after, after.waiters[requested.request], at)
    if isinstance(answer, Rejection):
        return refuse(answer)
    if not answer.blockers:
        return _given(asking, at_once(space, requested, asking.view.era, at), *replaced)
    told_to_go, stream = notices(after, requested.request, at), lock_stream(project)
    written = Write(stream, (*replaced, requested, *told_to_go), project)
    return Decision((written,), answer, folded={stream: fold(LOCKS, tuple(told_to_go), after)})


def _repeated(asking: _Asking, waiter: Waiter) -> Decision:
    """Asking again for just what is waited for tells the place; for anything else there is no second request."""
    if not _is_same(asking, waiter):
        return refuse(already_waiting(waiter))
    answer = waiting(asking.space, waiter, asking.stamp.time)
    return refuse(answer) if isinstance(answer, Rejection) else Decision(answer=answer)


def _since(asking: _Asking) -> Instant | None:
    """When the owner asked for just the same under this key first: who asks again does not go behind the others."""
    key, standing = asking.command.supersede_key, asking.space.coverage.queue.by_owner.get(asking.owner.name)
    waiter = None if standing is None else asking.space.waiters[standing]
    return waiter.at if waiter is not None and key == waiter.supersede_key and _is_same(asking, waiter) else None


def _is_same(asking: _Asking, waiter: Waiter) -> bool:
    wanted = {(one.resource.text, one.mode) for one in asking.wishes}
    return {(one.claim, one.mode) for one in waiter.claims} == wanted


def _given(asking: _Asking, granted: LocksGranted, *before: Event) -> Decision:
    project = asking.stamp.project
    return Decision(
        writes=(
            Write(lock_stream(project), (*before, granted), project),
            taken(asking.command.session, granted.token, project, asking.stamp.time),
        ),
        answer=LockAnswer(outcome="granted", token=str(granted.token), claims=granted.claims, members=granted.members),
    )


def _not_own(command: ReleaseLocks, space: LockSpace, attempts: bool) -> Rejection:
    """``attempts`` says whether the token is that of a live attempt, which may hold no locks at all."""
    if attempts or int(command.token) in space.grants:
        return NotLockOwner(token=command.token, session=command.session)
    return LockTokenFenced(token=command.token, session=command.session)
