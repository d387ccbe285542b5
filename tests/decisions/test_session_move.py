"""Locks and the hierarchy: who moves with its locks, who may not move because of them, and what holds after it."""

from typing import Any

import pytest

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_checks import LocksChecked
from domain.dispatch.lookup import lock_stream
from domain.dispatch.open_session import SessionLife
from domain.kernel.ids import Instant, StreamId
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.commands import (
    AcquireLocks,
    CheckLocks,
    ReleaseLocks,
    RevertTransfer,
    TransferLocks,
    UpgradeLocks,
)
from domain.lock.coverage import coverage_of
from domain.lock.decider import LOCKS
from domain.lock.errors import Deadlock, LockConflict
from domain.lock.family_events import LockOwnersMoved, MovedOwner
from domain.lock.state import LockSpace
from domain.session.commands import EndSession, LoseSession, OpenSession, ReparentSession
from domain.session.decider import SESSION
from domain.session.errors import LocksInsideFamily
from domain.session.state import Session
from tests.support.fleet import Fleet, a_task, accepted, refused
from tests.support.steps import calls_of


@pytest.fixture
def fleet() -> Fleet:
    return Fleet(lock_delay_seconds=0)


def opened(fleet: Fleet, parent: str | None = None, *, resume: str | None = None) -> str:
    answer = accepted(fleet.ask(OpenSession(projects=("shop",), parent=parent, resume=resume, capacity=2))).answer
    assert isinstance(answer, SessionLife)
    return answer.session


def asked(fleet: Fleet, session: str, path: str, mode: LockMode = "exclusive", **fields: Any) -> Any:
    claims = (ScopeClaim(claim=f"path:repo//{path}", mode=mode),)
    command = AcquireLocks(project="shop", session=session, incarnation=1, claims=claims, **fields)
    return fleet.ask(command)


def held(fleet: Fleet, session: str, path: str, mode: LockMode = "exclusive") -> str:
    answer = accepted(asked(fleet, session, path, mode)).answer
    assert isinstance(answer, LockAnswer)
    assert answer.token is not None
    return answer.token


def waits(fleet: Fleet, session: str, path: str, mode: LockMode = "exclusive") -> None:
    answer = accepted(asked(fleet, session, path, mode, wait="queue")).answer
    assert isinstance(answer, LockAnswer)
    assert answer.outcome == "waiting"


def freed(fleet: Fleet, session: str, token: str) -> None:
    accepted(fleet.ask(ReleaseLocks(project="shop", session=session, incarnation=1, token=token)))


def move(fleet: Fleet, session: str, parent: str | None = None) -> Any:
    return fleet.ask(ReparentSession(session=session, parent=parent))


def resumed_elsewhere(fleet: Fleet, session: str, parent: str) -> Any:
    return fleet.ask(OpenSession(projects=("shop",), resume=session, parent=parent))


def space(fleet: Fleet) -> LockSpace:
    return fleet.read(LOCKS, lock_stream(fleet.project))


def parent_of(fleet: Fleet, session: str) -> str | None:
    state = fleet.read(SESSION, StreamId(session))
    assert isinstance(state, Session)
    return state.parent


def writes(fleet: Fleet, session: str, token: str, path: str) -> str:
    command = CheckLocks(project="shop", session=session, incarnation=1, token=token, resources=(f"path:repo//{path}",))
    answer = accepted(fleet.ask(command)).answer
    assert isinstance(answer, LocksChecked)
    return answer.resources[0].state


def test_a_session_does_not_leave_the_family_whose_locks_its_own_lie_in(fleet: Fleet) -> None:
    lead = opened(fleet)
    sub, other = opened(fleet, lead), opened(fleet)
    outer, inner = held(fleet, lead, "src/**"), held(fleet, sub, "src/a")
    for parent in (None, other):
        assert refused(move(fleet, sub, parent), LocksInsideFamily) == LocksInsideFamily(
            session=sub,
            inner=f"{sub}#1",
            claim="path:repo//src/a",
            token=inner,
            outer=f"{lead}#1",
            held="path:repo//src/**",
            other_token=outer,
        )
    assert parent_of(fleet, sub) == lead
    freed(fleet, lead, outer)
    accepted(move(fleet, sub))
    refused(asked(fleet, lead, "src/**", "shared"), LockConflict)


@pytest.mark.parametrize("way", [move, resumed_elsewhere])
def test_nor_does_one_above_it_take_it_along(fleet: Fleet, way: Any) -> None:
    lead = opened(fleet)
    middle, other = opened(fleet, lead), opened(fleet)
    sub = opened(fleet, middle)
    held(fleet, lead, "src/**")
    inner = held(fleet, sub, "src/a")
    assert refused(way(fleet, middle, other), LocksInsideFamily).inner == f"{sub}#1"
    freed(fleet, sub, inner)
    accepted(way(fleet, middle, other))
    refused(asked(fleet, sub, "src/a"), LockConflict)


def test_the_locks_of_tasks_bar_a_move_as_well(fleet: Fleet) -> None:
    lead = opened(fleet)
    sub = opened(fleet, lead)
    fleet.plan(a_task("whole", scope=("path:repo//src/**",)), a_task("part", scope=("path:repo//src/a",)))
    whole, part = fleet.claimed(lead, "whole"), fleet.claimed(sub, "part")
    barred = refused(move(fleet, sub), LocksInsideFamily)
    assert (barred.inner, barred.outer) == (f"{part.task}@{sub}#1", f"{whole.task}@{lead}#1")
    accepted(fleet.complete("whole", whole.token))
    accepted(move(fleet, sub))


def test_a_move_inside_of_the_family_takes_the_locks_along(fleet: Fleet) -> None:
    lead = opened(fleet)
    one, two = opened(fleet, lead), opened(fleet, lead)
    held(fleet, lead, "src/**")
    inner = held(fleet, two, "src/a")
    accepted(move(fleet, two, one))
    assert space(fleet).grants[int(inner)].owner.ancestors == (f"{one}#1", f"{lead}#1")
    refused(asked(fleet, one, "src/a"), LockConflict)
    accepted(asked(fleet, one, "src/a", "shared"))


def test_who_has_moved_does_not_write_under_the_locks_of_its_former_family(fleet: Fleet) -> None:
    lead = opened(fleet)
    sub = opened(fleet, lead)
    held(fleet, lead, "src/**")
    token = held(fleet, sub, "docs/a")
    assert writes(fleet, sub, token, "src/a") == "covered"
    accepted(move(fleet, sub))
    assert writes(fleet, sub, token, "src/a") == "held"
    assert writes(fleet, sub, token, "docs/a") == "covered"


def test_what_was_held_before_the_move_is_upgraded_by_the_rules_of_after_it(fleet: Fleet) -> None:
    lead = opened(fleet)
    sub = opened(fleet, lead)
    token = held(fleet, sub, "src/a", "update")
    held(fleet, lead, "src/**", "shared")
    accepted(move(fleet, sub))
    stronger = UpgradeLocks(project="shop", session=sub, incarnation=1, token=token, mode="exclusive")
    refused(fleet.ask(stronger), LockConflict)


def test_a_request_that_waits_over_a_move_is_not_granted_inside_of_the_former_family(fleet: Fleet) -> None:
    lead, holder = opened(fleet), opened(fleet)
    sub = opened(fleet, lead)
    outer, token = held(fleet, lead, "src/**", "update"), held(fleet, holder, "src/a", "shared")
    waits(fleet, sub, "src/a")
    accepted(move(fleet, sub))
    freed(fleet, holder, token)
    assert len(space(fleet).waiters) == 1
    freed(fleet, lead, outer)
    assert not space(fleet).waiters
    assert [one.session for one in space(fleet).grants.values()] == [sub]


def test_what_moves_out_is_in_the_way_of_who_waits_in_its_former_family(fleet: Fleet) -> None:
    lead, holder = opened(fleet), opened(fleet)
    sub = opened(fleet, lead)
    inner, token = held(fleet, sub, "src/a"), held(fleet, holder, "src/b")
    waits(fleet, lead, "src/**", "shared")
    accepted(move(fleet, sub))
    freed(fleet, holder, token)
    assert len(space(fleet).waiters) == 1
    freed(fleet, sub, inner)
    assert not space(fleet).waiters


def test_whoever_joins_a_family_gets_what_it_waited_for_inside_of_it(fleet: Fleet) -> None:
    lead, sub = opened(fleet), opened(fleet)
    held(fleet, lead, "src/**")
    waits(fleet, sub, "src/a")
    accepted(move(fleet, sub, lead))
    assert not space(fleet).waiters
    assert sorted(one.session for one in space(fleet).grants.values()) == sorted((lead, sub))


def test_a_move_that_closes_a_deadlock_is_refused(fleet: Fleet) -> None:
    lead, holder = opened(fleet), opened(fleet)
    sub = opened(fleet, lead)
    held(fleet, lead, "src/**", "update")
    held(fleet, holder, "src/a", "shared")
    held(fleet, sub, "docs/a")
    waits(fleet, sub, "src/a")
    waits(fleet, lead, "docs/**")
    refused(move(fleet, sub), Deadlock)
    assert parent_of(fleet, sub) == lead


def test_what_was_offered_does_not_go_back_into_the_locks_of_a_former_family(fleet: Fleet) -> None:
    lead = opened(fleet)
    middle = opened(fleet, lead)
    giver, receiver = opened(fleet, middle), opened(fleet, middle)
    held(fleet, lead, "src/**")
    token = held(fleet, giver, "src/a")
    offer = TransferLocks(project="shop", session=giver, incarnation=1, token=token, receiver=receiver)
    offered = accepted(fleet.ask(offer)).answer
    assert isinstance(offered, LockAnswer)
    accepted(move(fleet, giver))
    fleet.advance(61)
    accepted(fleet.ask(RevertTransfer(project=fleet.project, token=str(offered.token))))
    assert [one.session for one in space(fleet).grants.values()] == [lead]


def test_adoption_leaves_the_locks_where_they_are(fleet: Fleet) -> None:
    """The grandparent was around them before; the locks of the lost parent are shut against everybody."""
    lead = opened(fleet)
    middle = opened(fleet, lead)
    sub = opened(fleet, middle)
    held(fleet, lead, "src/**", "update")
    held(fleet, middle, "src/a/**")
    inner = held(fleet, sub, "src/a/b")
    renewed_at = Instant(fleet.now)
    fleet.advance(3_600)
    accepted(fleet.ask(LoseSession(session=middle, incarnation=1, renewed_at=renewed_at)))
    assert parent_of(fleet, sub) == lead
    assert sorted(one.session for one in space(fleet).grants.values()) == sorted((lead, sub))
    refused(move(fleet, sub), LocksInsideFamily)
    freed(fleet, sub, inner)
    accepted(move(fleet, sub))


def test_the_next_one_that_lives_adopts_where_one_in_between_has_ended_with_all_below_it(fleet: Fleet) -> None:
    lead = opened(fleet)
    middle = opened(fleet, lead)
    low = opened(fleet, middle)
    sub = opened(fleet, low)
    held(fleet, lead, "src/**")
    held(fleet, sub, "src/a")
    accepted(fleet.ask(EndSession(session=middle, incarnation=1, cascade=True)))
    renewed_at = Instant(fleet.now)
    fleet.advance(3_600)
    accepted(fleet.ask(LoseSession(session=low, incarnation=1, renewed_at=renewed_at)))
    assert parent_of(fleet, sub) == lead
    refused(move(fleet, sub), LocksInsideFamily)


def test_what_is_kept_beside_the_locks_follows_a_move(fleet: Fleet) -> None:
    lead, holder, other = opened(fleet), opened(fleet), opened(fleet)
    sub = opened(fleet, lead)
    held(fleet, lead, "src/**", "update")
    held(fleet, holder, "src/a", "shared")
    held(fleet, sub, "docs/a")
    waits(fleet, sub, "src/a")
    waits(fleet, other, "docs/**")
    for session, parent in ((sub, None), (other, sub), (sub, lead), (lead, holder)):
        accepted(move(fleet, session, parent))
        after = space(fleet)
        assert after.coverage == coverage_of(after.grants, after.waiters)


def test_a_move_without_locks_touches_no_lock_space(fleet: Fleet) -> None:
    lead, other = opened(fleet), opened(fleet)
    sub = opened(fleet, lead)
    held(fleet, lead, "src/**")
    assert {write.stream for write in accepted(move(fleet, sub, other)).writes} == {lead, other, sub}


def test_what_a_move_costs_does_not_depend_on_how_many_claims_go_along(fleet: Fleet) -> None:
    lead = opened(fleet)

    def steps_with(claims: int) -> int:
        sub = opened(fleet)
        wanted = tuple(ScopeClaim(claim=f"path:repo//{sub}/{number}") for number in range(claims))
        accepted(fleet.ask(AcquireLocks(project="shop", session=sub, incarnation=1, claims=wanted)))
        moved = LockOwnersMoved(
            owners=(MovedOwner(session=sub, incarnation=1, ancestors=(f"{lead}#1",)),), at=Instant(fleet.now)
        )
        before = space(fleet)
        assert before.coverage.claims >= claims
        steps = calls_of(LOCKS.evolve, before, moved)
        freed(fleet, sub, str(before.last_token))
        return steps

    steps_with(1)  # what is found out once in a process is no part of it
    assert steps_with(1) == steps_with(64)


def spread(fleet: Fleet, session: str, folder: str, attempt: str | None = None) -> None:
    """More claims than a refusal counts."""
    for part in range(2):
        wanted = tuple(ScopeClaim(claim=f"path:repo//{folder}/{part}/{number}") for number in range(64))
        asked = AcquireLocks(project="shop", session=session, incarnation=1, claims=wanted, attempt=attempt)
        accepted(fleet.ask(asked))


def test_a_stranger_is_found_behind_any_number_of_those_who_go_along(fleet: Fleet) -> None:
    lead = opened(fleet)
    middle = opened(fleet, lead)
    sub = opened(fleet, middle)
    held(fleet, middle, "src/**")
    spread(fleet, sub, "src/x")
    held(fleet, lead, "src/y", "shared")
    assert refused(move(fleet, middle), LocksInsideFamily).held == "path:repo//src/y"


def test_a_check_finds_a_sub_agent_behind_any_number_of_locks_of_ones_own(fleet: Fleet) -> None:
    lead = opened(fleet)
    sub = opened(fleet, lead)
    token = held(fleet, lead, "src/**")
    fleet.plan(a_task("part"))
    spread(fleet, lead, "src/y/x", fleet.claimed(lead, "part").token)
    assert writes(fleet, lead, token, "src/y") == "covered"
    held(fleet, sub, "src/y/z")
    assert writes(fleet, lead, token, "src/y") == "held"
