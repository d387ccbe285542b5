"""Locks that name the attempt they are for: they are its alone, and end with it."""

import pytest

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.take import Claimed
from domain.kernel.decider import Decision
from domain.kernel.ids import with_prefix
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, SetPool
from domain.lock.errors import LockTokenFenced
from tests.support.fleet import Fleet, a_task, accepted, refused


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
