"""Pools of units: how they are written, who gets which, what drains, waits, stalls, and is out of service."""

from typing import Any

import pytest

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_checks import LocksChecked
from domain.dispatch.lock_pools import PoolShown
from domain.kernel.decider import Decision
from domain.kernel.values import ScopeClaim
from domain.lock.commands import (
    AcquireLocks,
    CheckLocks,
    DescribePool,
    QuarantineMember,
    ReturnMember,
    SetPool,
    UpgradeLocks,
)
from domain.lock.errors import (
    BadPattern,
    Deadlock,
    LockConflict,
    LocksLimited,
)
from domain.lock.events import PoolMember
from domain.lock.pool_errors import NoSuchMember, PoolUnknown, UnitsNotUpgraded
from domain.lock.pool_name import PoolWish, read_pool
from domain.lock.resource import Resource, parse
from domain.project.commands import UpdateProject
from domain.project.settings import EnvironmentPool
from domain.session.commands import EndSession
from tests.decisions.test_lock_waiting import PROJECT, SPACE, Fleet, token, told


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def pool(fleet: Fleet, **fields: Any) -> Decision:
    return fleet.when(SetPool(project=PROJECT, pool="gpu", **fields), fleet.stamp(PROJECT, "key_person"))


def member(name: str, *labels: str) -> PoolMember:
    return PoolMember(name=name, labels=labels)


def take(fleet: Fleet, session: str, *claims: str, wait: Any = "none", mode: Any = "exclusive") -> Decision:
    command = AcquireLocks(
        project=PROJECT,
        session=session,
        incarnation=1,
        claims=tuple(ScopeClaim(claim=one, mode=mode) for one in claims),
        wait=wait,
    )
    return fleet.when(command, fleet.agent())


def units(decision: Decision) -> list[str]:
    return [name for one in told(decision).members for name in one.members]


def shown(fleet: Fleet) -> dict[str, str]:
    answer = fleet.when(DescribePool(project=PROJECT, pool="gpu"), fleet.agent()).answer
    assert isinstance(answer, PoolShown)
    return {one.name: one.state for one in answer.members}


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("gpu", PoolWish("gpu")),
        ("gpu;quantity=3", PoolWish("gpu", 3)),
        ("gpu;label=a100;label=big;quantity=2", PoolWish("gpu", 2, frozenset({"a100", "big"}))),
        ("gpu;member=m1;member=m2", PoolWish("gpu", 2, members=("m1", "m2"))),
    ],
)
def test_a_wish_has_one_spelling(text: str, wish: PoolWish) -> None:
    assert read_pool(text) == wish
    resource = parse(f"pool:{text}")
    assert isinstance(resource, Resource)
    assert resource.text == f"pool:{text}"


@pytest.mark.parametrize(
    "text",
    [
        "gpu;quantity=1",
        "gpu;quantity=01",
        "gpu;quantity=257",
        "gpu;quantity=2;quantity=2",
        "gpu;quantity=2;label=a",
        "gpu;label=b;label=a",
        "gpu;label=a;label=a",
        "gpu;member=m1;quantity=2",
        "gpu;member=m1;member=m1",
        "gpu;colour=red",
        "gpu;label=",
        ";label=a",
        "gpu;",
    ],
)
def test_every_other_spelling_is_refused(text: str) -> None:
    assert isinstance(parse(f"pool:{text}"), BadPattern)


def test_units_are_given_until_there_are_none_and_the_answer_says_which(fleet: Fleet) -> None:
    pool(fleet, count=3)
    one, two = fleet.open(), fleet.open()
    assert units(take(fleet, one, "pool:gpu;quantity=2")) == ["1", "2"]
    assert units(take(fleet, two, "pool:gpu")) == ["3"]
    refused = take(fleet, two, "pool:gpu;quantity=2").rejection
    assert isinstance(refused, LockConflict)
    assert {blocker.session for blocker in refused.blockers} == {one, two}


def test_named_members_come_first_and_labels_are_matched_so_that_all_fit(fleet: Fleet) -> None:
    pool(fleet, members=(member("a", "big"), member("b", "big", "fast"), member("c", "fast")))
    one = fleet.open()
    got = units(take(fleet, one, "pool:gpu;member=a", "pool:gpu;label=big", "pool:gpu;label=fast"))
    assert got == ["a", "b", "c"]
    fleet.release(one, str(max(fleet.states[SPACE].grants)))
    assert sorted(units(take(fleet, one, "pool:gpu;label=fast;quantity=2", "pool:gpu;label=big"))) == ["a", "b", "c"]


def test_claims_that_find_units_one_by_one_and_not_together_are_refused_and_never_granted_without(fleet: Fleet) -> None:
    pool(fleet, members=(member("a", "big"), member("b"), member("c")))
    one = fleet.open()
    for claims in (("pool:gpu;quantity=2", "pool:gpu;quantity=3"), ("pool:gpu;label=big", "pool:gpu;member=a")):
        for wait in ("none", "queue", "preview"):
            assert isinstance(take(fleet, one, *claims, wait=wait).rejection, LocksLimited), (claims, wait)


def test_what_can_never_be_given_is_refused_at_once(fleet: Fleet) -> None:
    one = fleet.open()
    assert isinstance(take(fleet, one, "pool:gpu", wait="queue").rejection, PoolUnknown)
    pool(fleet, members=(member("a", "big"), member("b")), quota=1)
    for claim in ("pool:gpu;quantity=3", "pool:gpu;label=big;quantity=2", "pool:gpu;member=x"):
        refused = take(fleet, one, claim, wait="queue").rejection
        assert isinstance(refused, LocksLimited), claim
        assert "fitting units of the pool gpu" in refused.message()
    refused = take(fleet, one, "pool:gpu;quantity=2", wait="queue").rejection
    assert isinstance(refused, LocksLimited)
    assert "for one owner" in refused.message()
    take(fleet, one, "pool:gpu")
    assert isinstance(take(fleet, one, "pool:gpu;label=big").rejection, LocksLimited)
    assert isinstance(take(fleet, one, "pool:gpu", mode="shared").rejection, BadPattern)


def test_a_large_request_waits_and_is_not_starved_by_small_ones(fleet: Fleet) -> None:
    pool(fleet, count=2)
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    first = token(take(fleet, one, "pool:gpu"))
    waiting = told(take(fleet, two, "pool:gpu;quantity=2", wait="queue"))
    assert (waiting.outcome, waiting.blockers[0].session) == ("waiting", one)
    assert isinstance(take(fleet, three, "pool:gpu").rejection, LockConflict)
    assert told(take(fleet, three, "pool:gpu", wait="queue")).place == 2
    fleet.release(one, first)
    (held,) = fleet.states[SPACE].grants.values()
    assert (held.session, held.members[0].members) == (two, ("1", "2"))
    fleet.release(two, str(held.token))
    assert [grant.session for grant in fleet.states[SPACE].grants.values()] == [three]


def test_resizing_down_drains_and_up_serves_those_who_wait(fleet: Fleet) -> None:
    pool(fleet, count=2)
    one, two = fleet.open(), fleet.open()
    held = token(take(fleet, one, "pool:gpu;quantity=2"))
    pool(fleet, count=1)
    assert shown(fleet) == {"1": "held", "2": "draining"}
    assert isinstance(take(fleet, two, "pool:gpu").rejection, LockConflict)
    take(fleet, two, "pool:gpu", wait="queue")
    pool(fleet, count=3)
    assert [grant.session for grant in fleet.states[SPACE].grants.values() if grant.session == two] == [two]
    pool(fleet, count=1)
    fleet.release(one, held)
    assert shown(fleet) == {"1": "free", "3": "draining"}
    assert pool(fleet, count=1).writes == ()


def test_a_quarantined_member_is_given_to_nobody_and_the_queue_is_kept(fleet: Fleet) -> None:
    pool(fleet, count=1)
    one, two = fleet.open(), fleet.open()
    held = token(take(fleet, one, "pool:gpu"))
    take(fleet, two, "pool:gpu", wait="queue")
    away = QuarantineMember(project=PROJECT, pool="gpu", member="1", reason="it smells")
    fleet.when(away, fleet.agent())
    assert fleet.when(away, fleet.agent()).writes == ()
    fleet.release(one, held)
    assert shown(fleet) == {"1": "quarantined"}
    assert len(fleet.states[SPACE].waiters) == 1
    assert isinstance(take(fleet, one, "pool:gpu").rejection, LocksLimited)
    back = ReturnMember(project=PROJECT, pool="gpu", member="1")
    fleet.when(back, fleet.stamp(PROJECT, "key_person"))
    assert [grant.session for grant in fleet.states[SPACE].grants.values()] == [two]
    assert fleet.when(back, fleet.stamp(PROJECT, "key_person")).writes == ()
    unknown = QuarantineMember(project=PROJECT, pool="gpu", member="9", reason="x")
    assert isinstance(fleet.when(unknown, fleet.agent()).rejection, NoSuchMember)


def test_a_stall_is_refused_only_where_every_holder_would_wait_for_the_asker(fleet: Fleet) -> None:
    pool(fleet, count=2)
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    take(fleet, one, "name:a")
    take(fleet, two, "pool:gpu")
    freed = token(take(fleet, three, "pool:gpu"))
    take(fleet, two, "name:a", wait="queue")
    assert told(take(fleet, one, "pool:gpu", wait="queue")).outcome == "waiting"
    fleet.release(three, freed)
    assert isinstance(told(take(fleet, one, "pool:gpu")), LockAnswer)
    refused = take(fleet, one, "pool:gpu;quantity=2", wait="queue").rejection
    assert isinstance(refused, Deadlock)
    assert refused.steps[0].waiter == f"{one}#1"


def test_a_circle_may_lead_through_a_pool(fleet: Fleet) -> None:
    pool(fleet, count=1)
    one, two = fleet.open(), fleet.open()
    take(fleet, one, "pool:gpu")
    take(fleet, two, "name:b")
    assert told(take(fleet, two, "pool:gpu", wait="queue")).outcome == "waiting"
    refused = take(fleet, one, "name:b", wait="queue").rejection
    assert isinstance(refused, Deadlock)
    assert f"{two}#1 wants pool:gpu, which {one}#1 holds" in refused.message()


def test_units_of_a_lost_session_are_free_at_once(fleet: Fleet) -> None:
    pool(fleet, count=1)
    one = fleet.open()
    take(fleet, one, "pool:gpu")
    fleet.when(EndSession(session=one, incarnation=1), fleet.stamp(principal="key_agent"))
    assert shown(fleet) == {"1": "free"}


def test_the_last_unit_of_a_pool_is_held_by_its_holder_and_by_nobody_else(fleet: Fleet) -> None:
    pool(fleet, count=1)
    one, two = fleet.open(), fleet.open()
    own, other = token(take(fleet, one, "pool:gpu")), token(take(fleet, two, "name:a"))

    def stands(session: str, held: str) -> str:
        asked = CheckLocks(project=PROJECT, session=session, incarnation=1, token=held, resources=("pool:gpu",))
        answer = fleet.when(asked, fleet.agent()).answer
        assert isinstance(answer, LocksChecked)
        return answer.resources[0].state

    assert stands(one, own) == "covered"
    assert stands(two, other) == "held"


def test_units_have_no_modes(fleet: Fleet) -> None:
    pool(fleet, count=1)
    one = fleet.open()
    held = token(
        fleet.when(
            AcquireLocks(
                project=PROJECT,
                session=one,
                incarnation=1,
                claims=(ScopeClaim(claim="pool:gpu"), ScopeClaim(claim="name:a", mode="shared")),
            ),
            fleet.agent(),
        )
    )
    command = UpgradeLocks(project=PROJECT, session=one, incarnation=1, token=held)
    assert isinstance(fleet.when(command, fleet.agent()).rejection, UnitsNotUpgraded)


def environments(fleet: Fleet, *pools: EnvironmentPool) -> Decision:
    asked = UpdateProject(project=PROJECT, environment_pools=pools)
    return fleet.when(asked, fleet.stamp(PROJECT, "key_person"))


def test_environments_of_a_project_are_units_that_can_be_held(fleet: Fleet) -> None:
    slots = EnvironmentPool(name="slots", members=("blue", "green"))
    environments(fleet, slots)
    shown = fleet.when(DescribePool(project=PROJECT, pool="slots"), fleet.stamp(PROJECT, "key_person")).answer
    assert isinstance(shown, PoolShown)
    assert [one.name for one in shown.members] == ["blue", "green"]
    assert not environments(fleet, slots).writes, "again changes nothing"
    larger = EnvironmentPool(name="slots", members=("blue", "green", "red"))
    kinds = [type(event).__name__ for write in environments(fleet, larger).writes for event in write.events]
    assert kinds == ["ProjectSet", "PoolSet"]


def test_what_was_said_of_the_units_of_a_pool_stays_when_the_project_is_set(fleet: Fleet) -> None:
    pool(fleet, members=(PoolMember(name="a", labels=("big",)), PoolMember(name="b")), quota=1)
    kept = environments(fleet, EnvironmentPool(name="gpu", members=("b", "a")))
    assert [type(event).__name__ for write in kept.writes for event in write.events] == ["ProjectSet"]
    environments(fleet, EnvironmentPool(name="gpu", members=("a", "c")))
    told_pool = fleet.when(DescribePool(project=PROJECT, pool="gpu"), fleet.stamp(PROJECT, "key_person")).answer
    assert isinstance(told_pool, PoolShown)
    assert (told_pool.quota, [(one.name, one.labels) for one in told_pool.members]) == (
        1,
        [("a", ("big",)), ("c", ())],
    )


def test_more_environments_than_a_pool_has_units_are_refused(fleet: Fleet) -> None:
    many = EnvironmentPool(name="slots", members=tuple(f"m{number}" for number in range(257)))
    assert isinstance(environments(fleet, many).rejection, LocksLimited)
