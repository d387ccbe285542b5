"""Giving locks to another session: nobody comes between, and what is not accepted goes back."""

from typing import Final

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_held import HeldLocks, find_held, given_up, taken
from domain.dispatch.lock_owner import lives_around
from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.lock.blocking import conflict_of, grants_in_the_way, wishes_of
from domain.lock.circles import closed_by_grant
from domain.lock.commands import AcceptLocks, RevertTransfer, TransferLocks
from domain.lock.decider import LOCKS, limited, linger, next_token
from domain.lock.entries import Grant, Owner
from domain.lock.errors import BadPattern, NotTransferred, TooComplex
from domain.lock.events import LocksTransferred, LockTransferAccepted, LockTransferReverted
from domain.lock.overlap import StepBudget
from domain.lock.state import LockSpace
from domain.session.decider import SESSION, is_live
from domain.session.errors import ProjectNotServed, SessionHasEnded
from domain.session.state import Session

ACCEPT_SECONDS: Final = 60
"""How long the receiver has."""


def transfer(command: TransferLocks, stamp: Stamp, view: View) -> Decision:
    """The receiver holds the locks from now on, under a new token; the giver's is fenced."""
    held = find_held(command, stamp, view)
    if isinstance(held, Rejection):
        return refuse(held)
    receiver = _receiver(command, held, stamp, view)
    if isinstance(receiver, Rejection):
        return refuse(receiver)
    event = LocksTransferred(
        token=held.grant.token,
        successor=next_token(held.space, view.era),
        session=receiver.session,
        incarnation=receiver.incarnation,
        ancestors=receiver.ancestors,
        accept_until=Instant(stamp.time + ACCEPT_SECONDS * SECOND),
        at=stamp.time,
        claims=held.grant.claims,
        purpose=held.grant.purpose,
        pools=held.grant.pools,
    )
    refused = _hindered(held, receiver, LOCKS.evolve(held.space, event), stamp)
    if refused is not None:
        return refuse(refused)
    writes = (
        Write(held.stream, (event,), stamp.project),
        *given_up(view, held.grant, stamp.project),
        taken(receiver.session, event.successor, stamp.project, stamp.time),
    )
    answer = LockAnswer(
        outcome="offered", token=str(event.successor), claims=held.grant.claims, expires_at=event.accept_until
    )
    return Decision(writes, answer)


def accept(command: AcceptLocks, stamp: Stamp, view: View) -> Decision:
    """The receiver keeps the locks."""
    held = find_held(command, stamp, view)
    if isinstance(held, Rejection):
        return refuse(held)
    answer = LockAnswer(outcome="held", token=command.token, claims=held.grant.claims)
    if held.grant.offer is None:
        return Decision(answer=answer)
    event = LockTransferAccepted(token=held.grant.token, at=stamp.time)
    return Decision((Write(held.stream, (event,), stamp.project),), answer)


def revert(command: RevertTransfer, stamp: Stamp, view: View) -> Decision:
    """Back to the giver; where that one is gone, or would wait for itself, the loss rule says what becomes of them."""
    stream = lock_stream(stamp.project)
    space = view.read(LOCKS, stream)
    held = space.grants.get(int(command.token))
    if held is None or held.is_orphaned or held.offer is None or stamp.time < held.offer.until:
        return Decision()
    giver = held.offer.giver
    event = reverted(space, held.token, view.era, stamp.time)
    gone = given_up(view, held, stamp.project)
    if event is not None and _is_there(giver, stamp, view):
        back = taken(giver.session, event.successor, stamp.project, stamp.time)
        return Decision((Write(stream, (event,), stamp.project), *gone, back))
    shut: tuple[Event, ...] = linger(space, held.token, "reverted", stamp.time, stamp.time)
    return Decision((Write(stream, shut, stamp.project), *gone))


def reverted(space: LockSpace, token: int, era: int, at: Instant) -> LockTransferReverted | None:
    """How the offered locks go back to the giver; None where they cannot.

    It may be that it would wait for itself, or that work of the receiver's, which its own locks do not bar, has taken
    some of the same meanwhile: then both would hold them.
    """
    held = space.grants[token]
    if held.offer is None or _taken_meanwhile(space, held):
        return None
    giver = held.offer.giver
    event = LockTransferReverted(
        token=held.token,
        successor=next_token(space, era),
        at=at,
        session=giver.session,
        incarnation=giver.incarnation,
        task=giver.task,
        claims=held.claims,
        purpose=held.purpose,
        pools=held.pools,
    )
    return event if closed_by_grant(LOCKS.evolve(space, event), giver) is None else None


def _taken_meanwhile(space: LockSpace, held: Grant) -> bool:
    """Whether what was offered cannot be the giver's beside all the others; units of pools are nobody else's."""
    wishes = wishes_of(held.claims, space)
    if held.offer is None or isinstance(wishes, BadPattern):
        return True
    places = tuple(wish for wish in wishes if wish.resource.kind != "pool")
    # What is too complex to be known is as good as taken.
    return bool(grants_in_the_way(space.without_grant(held.token), held.offer.giver, places, StepBudget()))


def _receiver(command: TransferLocks, held: HeldLocks, stamp: Stamp, view: View) -> Owner | Rejection:
    if held.grant.offer is not None:
        return NotTransferred(token=command.token, reason="they were not accepted yet")
    if command.receiver == command.session:
        return NotTransferred(token=command.token, reason="the receiver holds them already")
    stream = StreamId(command.receiver)
    state = view.read(SESSION, stream) if is_type_id(command.receiver, "sess") else None
    if not isinstance(state, Session):
        return UnknownThing(kind="session", name=command.receiver)
    if stamp.project not in state.opened.projects:
        return ProjectNotServed(session=command.receiver, project=stamp.project)
    if not is_live(state):
        return SessionHasEnded(session=command.receiver, incarnation=state.opened.incarnation)
    return Owner(command.receiver, state.opened.incarnation, None, lives_around(view, stream))


def _hindered(held: HeldLocks, receiver: Owner, after: LockSpace, stamp: Stamp) -> Rejection | None:
    """What the giver's family tolerated may bar the receiver, and the receiver may be waiting for the giver."""
    wishes = wishes_of(held.grant.claims, held.space)
    if isinstance(wishes, BadPattern):
        return wishes
    budget = StepBudget()
    found = grants_in_the_way(held.space.without_grant(held.grant.token), receiver, wishes, budget)
    if isinstance(found, TooComplex):
        return found
    if found:
        return conflict_of(found, stamp.time, budget)
    return limited(held.space.without_grant(held.grant.token), receiver, wishes) or closed_by_grant(after, receiver)


def _is_there(giver: Owner, stamp: Stamp, view: View) -> bool:
    state = view.read(SESSION, StreamId(giver.session))
    if not isinstance(state, Session) or not is_live(state) or state.opened.incarnation != giver.incarnation:
        return False
    tasks = {one.task for (project, _), one in state.attempts.items() if project == stamp.project}
    return giver.task is None or giver.task in tasks
