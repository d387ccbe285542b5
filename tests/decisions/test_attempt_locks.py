"""Locks that name the attempt they are for: they are its alone, and end with it."""

from typing import Any

import pytest

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lookup import lock_stream
from domain.dispatch.take import Claimed
from domain.kernel.decider import Decision
from domain.kernel.ids import with_prefix
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, RevertTransfer, SetPool, TransferLocks
from domain.lock.decider import LOCKS
from domain.lock.errors import LockTokenFenced
from tests.support.fleet import Fleet, a_task, accepted, names_of, refused


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    accepted(fleet.ask(SetPool(project="shop", pool="trees", count=2)))
    accepted(fleet.plan(a_task("a"), a_task("b")))
    return fleet


def unit(fleet: Fleet, session: str, attempt: str) -> Decision:
    claims = (ScopeClaim(claim="pool:trees"),)
    return fleet.ask(AcquireLocks(project="shop", session=session, incarnation=1, claims=claims, attempt=attempt))


def told(decision: Decision) -> LockAnswer:
    answer = accepted(decision).answer
    assert isinstance(answer, LockAnswer)
    return answer


def both(fleet: Fleet) -> tuple[str, Claimed, Claimed]:
    session = fleet.a_session(capacity=2)
    return session, fleet.claimed(session, "a"), fleet.claimed(session, "b")


def test_two_attempts_of_one_session_get_a_unit_each_and_each_its_own_once(fleet: Fleet) -> None:
    session, one, two = both(fleet)
    first, second = told(unit(fleet, session, one.token)), told(unit(fleet, session, two.token))
    assert (first.outcome, second.outcome) == ("granted", "granted")
    assert {first.members[0].members, second.members[0].members} == {("1",), ("2",)}
    again = told(unit(fleet, session, one.token))
    assert (again.outcome, again.token, again.members) == ("held", first.token, first.members)


def test_the_unit_is_free_when_its_attempt_is_settled_and_not_before(fleet: Fleet) -> None:
    session, one, two = both(fleet)
    unit(fleet, session, one.token)
    kept = told(unit(fleet, session, two.token))
    space = with_prefix("locks", fleet.project)
    assert len(fleet.states[space].coverage.taken["trees"]) == 2
    accepted(fleet.complete("a", one.token))
    assert dict(fleet.states[space].coverage.taken["trees"]) == {"2": int(kept.token or "")}


def test_an_attempt_that_is_not_the_sessions_own_is_fenced(fleet: Fleet) -> None:
    session, one, _ = both(fleet)
    other = fleet.a_session("two")
    assert refused(unit(fleet, other, one.token), LockTokenFenced).token == one.token
    accepted(fleet.complete("a", one.token))
    refused(unit(fleet, session, one.token), LockTokenFenced)


def test_what_was_offered_does_not_go_back_over_work_that_the_receiver_began_under_it() -> None:
    fleet = Fleet()
    giver, receiver = fleet.a_session("giver"), fleet.a_session("receiver")
    fleet.plan(a_task("work", scope=("path:repo//src",)))
    life: Any = {"project": "shop", "session": giver, "incarnation": 1}
    held = told(fleet.ask(AcquireLocks(**life, claims=(ScopeClaim(claim="path:repo//src"),))))
    offered = told(fleet.ask(TransferLocks(**life, token=held.token or "", receiver=receiver)))
    # Its own locks bar no attempt of the receiver's.
    work = fleet.claimed(receiver, "work")
    fleet.advance(61)
    names = names_of(fleet.ask(RevertTransfer(project=fleet.project, token=offered.token or "")))
    assert names == ["LocksReleased", "SessionGrantGone"]
    space = fleet.read(LOCKS, lock_stream(fleet.project))
    assert [str(one) for one in space.grants] == [work.token]
