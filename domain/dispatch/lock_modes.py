"""Changing the mode of locks that are held: down at once under the same token, up under a new one."""

from domain.dispatch.lock_answers import LockAnswer, waiting
from domain.dispatch.lock_held import HeldLocks, find_held, given_up, taken
from domain.kernel.decider import Decision, View, Write, refuse
from domain.kernel.errors import Rejection
from domain.kernel.message import Stamp
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import wishes_of
from domain.lock.commands import DowngradeLocks, UpgradeLocks
from domain.lock.decider import LOCKS, grant
from domain.lock.entries import wishes_in
from domain.lock.errors import NoStrongerMode, WideUpgrade
from domain.lock.events import LocksDowngraded, LocksGranted
from domain.lock.evolve import weakened
from domain.lock.modes import is_upgrade
from domain.lock.pool_errors import UnitsNotUpgraded
from domain.lock.requesting import Terms, already_waiting, at_once, enqueue


def downgrade(command: DowngradeLocks, stamp: Stamp, view: View) -> Decision:
    """Rights are given up at once; nothing where none is stronger."""
    held = find_held(command, stamp, view)
    if isinstance(held, Rejection):
        return refuse(held)
    claims = weakened(held.grant.claims, command.mode)
    answer = LockAnswer(outcome="held", token=command.token, claims=claims)
    if claims == held.grant.claims:
        return Decision(answer=answer)
    event = LocksDowngraded(token=held.grant.token, mode=command.mode, at=stamp.time)
    return Decision((Write(held.stream, (event,), stamp.project),), answer)


def upgrade(command: UpgradeLocks, stamp: Stamp, view: View) -> Decision:
    """The same claims in a stronger mode, at once or in their turn; what is held stays held meanwhile."""
    held = find_held(command, stamp, view)
    if isinstance(held, Rejection):
        return refuse(held)
    claims = tuple(
        ScopeClaim(claim=one.claim, mode=command.mode) if is_upgrade(one.mode, command.mode) else one
        for one in held.grant.claims
    )
    if claims == held.grant.claims:
        return refuse(NoStrongerMode(token=command.token, mode=command.mode))
    if held.grant.members:
        return refuse(UnitsNotUpgraded(token=command.token))
    wide = _wide(claims, held.grant.claims)
    if wide is not None:
        return refuse(WideUpgrade(claim=wide))
    return _waited(command, held, claims, stamp, view) if command.wait == "queue" else _now(held, claims, stamp, view)


def _wide(claims: tuple[ScopeClaim, ...], before: tuple[ScopeClaim, ...]) -> str | None:
    """A whole repository takes a right that the command's name does not show, so it is not given this way."""
    for wish, former in zip(wishes_in(claims), wishes_in(before), strict=False):
        if wish.mode == "exclusive" != former.mode and wish.resource.kind == "path" and wish.resource.is_wide:
            return wish.resource.text
    return None


def _now(held: HeldLocks, claims: tuple[ScopeClaim, ...], stamp: Stamp, view: View) -> Decision:
    owner, before = held.grant.owner, held.grant
    granted = grant(
        held.space,
        era=view.era,
        session=owner.session,
        incarnation=owner.incarnation,
        task=owner.task,
        claims=claims,
        purpose=before.purpose,
        at=stamp.time,
        ancestors=owner.ancestors,
        on_loss=before.on_loss,
        preemptible=before.preemptible,
        replaces=before.token,
    )
    return refuse(granted) if isinstance(granted, Rejection) else _given(held, granted, stamp, view)


def _waited(
    command: UpgradeLocks, held: HeldLocks, claims: tuple[ScopeClaim, ...], stamp: Stamp, view: View
) -> Decision:
    space, owner = held.space, held.grant.owner
    standing = space.coverage.queue.by_owner.get(owner.name)
    if standing is not None:
        waiter = space.waiters[standing]
        same = waiter.replaces == held.grant.token and wishes_of(waiter.claims, space) == wishes_of(claims, space)
        answer = waiting(space, waiter, stamp.time) if same else already_waiting(waiter)
        return refuse(answer) if isinstance(answer, Rejection) else Decision(answer=answer)
    requested = enqueue(
        space,
        owner,
        claims,
        purpose=held.grant.purpose,
        at=stamp.time,
        wait_seconds=command.wait_timeout_seconds,
        terms=Terms(held.grant.on_loss, held.grant.preemptible, held.grant.token),
    )
    if isinstance(requested, Rejection):
        return refuse(requested)
    after = LOCKS.evolve(space, requested)
    answer = waiting(after, after.waiters[requested.request], stamp.time)
    if isinstance(answer, Rejection):
        return refuse(answer)
    if not answer.blockers:
        return _given(held, at_once(space, requested, view.era, stamp.time), stamp, view)
    return Decision((Write(held.stream, (requested,), stamp.project),), answer)


def _given(held: HeldLocks, granted: LocksGranted, stamp: Stamp, view: View) -> Decision:
    gone = given_up(view, held.grant, stamp.project)
    learnt = taken(held.grant.session, granted.token, stamp.project, stamp.time)
    own = Write(learnt.stream, (*(event for write in gone for event in write.events), *learnt.events))
    answer = LockAnswer(outcome="granted", token=str(granted.token), claims=granted.claims)
    return Decision((Write(held.stream, (granted,), stamp.project), own), answer)
