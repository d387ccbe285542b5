"""Concurrency keys, budget shares and reservations of tasks: entries of the lock space beside claims."""

from typing import Any

from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant
from domain.kernel.values import ConcurrencyKey, ScopeClaim, Spend
from domain.lock.coverage import coverage_of
from domain.lock.decider import LOCKS, grant, linger, release
from domain.lock.entries import Owner
from domain.lock.errors import BudgetExhausted, ConcurrencyFull, LockConflict
from domain.lock.events import LocksGranted, LocksRequested
from domain.lock.evolve import evolve
from domain.lock.requesting import enqueue, hand_on
from domain.lock.state import LockSpace
from infrastructure.runtime.state_codec import freeze, thaw

NOW = Instant(1_700_000_000_000_000)
EMPTY = LOCKS.initial
DEPLOYS = (ConcurrencyKey(key="deploys", limit=1),)
SCOPE = (ScopeClaim(claim="path:r//src/**"),)


def ask(space: LockSpace, session: str, task: str | None = None, **more: Any) -> LocksGranted | Rejection:
    fields: dict[str, Any] = {"claims": (), **more}
    return grant(space, era=1, session=session, incarnation=1, task=task, purpose="", at=NOW, **fields)


def taken(space: LockSpace, session: str, task: str | None = None, **more: Any) -> tuple[LockSpace, int]:
    granted = ask(space, session, task, **more)
    assert isinstance(granted, LocksGranted), granted
    return evolve(space, granted), granted.token


def test_a_concurrency_key_counts_grants_without_claims_and_is_free_with_the_token() -> None:
    space, token = taken(EMPTY, "s1", "t1", concurrency=DEPLOYS)
    refused = ask(space, "s2", "t2", concurrency=DEPLOYS)
    assert isinstance(refused, ConcurrencyFull)
    assert (refused.count, refused.holders) == (1, "t1@s1#1")
    assert isinstance(ask(space, "s2", "t2", concurrency=(ConcurrencyKey(key="other", limit=1),)), LocksGranted)
    for event in release(space, token, "completed", NOW):
        space = evolve(space, event)
    assert isinstance(ask(space, "s2", "t2", concurrency=DEPLOYS), LocksGranted)


def test_a_lost_owner_counts_no_more_though_its_paths_stay_shut() -> None:
    space, token = taken(EMPTY, "s1", "t1", claims=SCOPE, concurrency=DEPLOYS, reserved=Spend(tokens=5))
    for event in linger(space, token, "lost", Instant(NOW + 1), NOW):
        space = evolve(space, event)
    assert isinstance(ask(space, "s2", "t2", concurrency=DEPLOYS), LocksGranted)
    assert space.coverage.reserved == Spend()
    assert isinstance(ask(space, "s2", "t2", claims=SCOPE), LockConflict)


def test_a_budget_is_set_aside_at_the_grant_and_settled_at_the_release() -> None:
    budget = Spend(tokens=100, cost_microdollars=0)
    space, token = taken(EMPTY, "s1", "t1", reserved=Spend(tokens=60), budget=budget)
    refused = ask(space, "s2", "t2", reserved=Spend(tokens=50), budget=budget)
    assert isinstance(refused, BudgetExhausted)
    assert (refused.unit, refused.reserved, refused.spent, refused.wanted) == ("tokens", 60, 0, 50)
    assert "t1@s1#1" in refused.message()
    for event in release(space, token, "completed", NOW, spent=Spend(tokens=45, cost_microdollars=7)):
        space = evolve(space, event)
    assert (space.spent, space.coverage.reserved) == (Spend(tokens=45, cost_microdollars=7), Spend())
    assert isinstance(ask(space, "s2", "t2", reserved=Spend(tokens=55), budget=budget), LocksGranted)
    assert isinstance(ask(space, "s2", "t2", reserved=Spend(tokens=56), budget=budget), BudgetExhausted)
    assert isinstance(ask(space, "s2", "t2", reserved=Spend(cost_microdollars=10**9), budget=budget), LocksGranted)


def test_what_was_spent_counts_although_the_token_held_nothing() -> None:
    space, token = taken(EMPTY, "s1", "t1")
    for event in release(space, token, "completed", NOW, spent=Spend(wall_seconds=9)):
        space = evolve(space, event)
    assert space.spent == Spend(wall_seconds=9)
    assert release(space, token, "completed", NOW) == ()


def test_a_task_that_waits_by_itself_gets_a_reservation_that_only_its_attempt_takes_over() -> None:
    space, token = taken(EMPTY, "s1", "t1", claims=SCOPE)
    requested = enqueue(space, Owner("", 0, "t2"), SCOPE, purpose="", at=NOW)
    assert isinstance(requested, LocksRequested)
    space = evolve(space, requested)
    assert isinstance(ask(space, "s3", "t3", claims=(ScopeClaim(claim="path:r//src/a"),)), LockConflict)
    for event in release(space, token, "completed", NOW):
        space = evolve(space, event)
    reserved = hand_on(space, 1, NOW)
    assert reserved is not None
    space = evolve(space, reserved)
    assert isinstance(ask(space, "s3", "t3", claims=SCOPE), LockConflict)
    later = enqueue(space, Owner("s4", 1, None), SCOPE, purpose="", at=NOW)
    assert isinstance(later, LocksRequested)
    space = evolve(space, later)
    claimed = ask(space, "s5", "t2", claims=SCOPE)
    assert isinstance(claimed, LocksGranted)
    assert (claimed.replaces, claimed.token > reserved.token) == (reserved.token, True)
    space = evolve(space, claimed)
    assert [held.owner.name for held in space.grants.values()] == ["t2@s5#1"]
    assert hand_on(space, 1, NOW) is None


def test_a_claim_ends_the_wait_of_its_task() -> None:
    space, token = taken(EMPTY, "s1", "t1", claims=SCOPE)
    requested = enqueue(space, Owner("", 0, "t2"), SCOPE, purpose="", at=NOW)
    assert isinstance(requested, LocksRequested)
    space = evolve(evolve(space, requested), release(space, token, "completed", NOW)[0])
    claimed = ask(space, "s5", "t2", claims=SCOPE)
    assert isinstance(claimed, LocksGranted)
    assert claimed.request == requested.request
    assert not evolve(space, claimed).waiters


def test_a_snapshot_keeps_the_queue_and_the_counts_and_computes_the_rest_anew() -> None:
    space, _ = taken(EMPTY, "s1", "t1", claims=SCOPE, concurrency=DEPLOYS, reserved=Spend(tokens=5))
    requested = enqueue(space, Owner("s2", 1, None), SCOPE, purpose="", at=NOW)
    assert isinstance(requested, LocksRequested)
    space = evolve(space, requested)
    thawed = thaw(LOCKS, freeze(space))
    assert thawed == space
    assert thawed.coverage == space.coverage == coverage_of(space.grants, space.waiters)
