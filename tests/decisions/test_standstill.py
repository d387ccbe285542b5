"""Circles of waits that pass through tasks: found, told with a way out, not seen where something can still move."""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.dispatch.standstill import Standstill, Work, standstills
from domain.kernel.ids import Instant
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, SetPool
from domain.lock.decider import LOCKS, grant
from domain.lock.events import LocksGranted
from domain.lock.state import LockSpace
from tests.decisions.test_lock_waiting import PROJECT, SPACE, Fleet, told

SINCE = Instant(1_700_000_000_000_000)


def work(key: str, *, scope: tuple[str, ...] = (), needs: tuple[str, ...] = (), **more: Any) -> Work:
    fields: dict[str, Any] = {
        "task": f"task_{key}",
        "key": key,
        "since": SINCE,
        "live": False,
        "claimable": not needs,
        "session": "",
        "incarnation": 0,
        "parent": None,
        "scope": tuple(ScopeClaim(claim=f"path:r//{one}") for one in scope),
        "needs": tuple(f"task_{one}" for one in needs),
    }
    return Work(**(fields | more))


def found(fleet: Fleet, *works: Work) -> tuple[Standstill, ...]:
    space = fleet.states.get(SPACE, LockSpace())
    assert isinstance(space, LockSpace)
    return standstills(works, space)


def attempt(fleet: Fleet, session: str, key: str, *scope: str) -> Work:
    """A task that the session works on, with the locks of its scope."""
    claims = tuple(ScopeClaim(claim=f"path:r//{one}") for one in scope)
    space = fleet.states.get(SPACE, LOCKS.initial)
    granted = grant(
        space, era=1, session=session, incarnation=1, task=f"task_{key}", claims=claims, purpose="", at=fleet.now
    )
    assert isinstance(granted, LocksGranted)
    fleet.given(SPACE, granted, project=PROJECT)
    return work(key, scope=scope, live=True, claimable=False, session=session, incarnation=1)


def test_a_part_that_its_parents_locks_keep_from_beginning_stops_both() -> None:
    fleet = Fleet()
    whole = attempt(fleet, fleet.open(), "whole", "src/**")
    (one,) = found(fleet, whole, work("part", scope=("src/a",), parent="task_whole"))
    assert {(step.waiter, step.because) for step in one.steps} == {("task_whole", "part"), ("task_part", "scope")}
    assert "part is not given out without path:r//src/a, which whole has" in one.summary
    assert one.resolve.startswith("Have whole release its locks")
    assert one.since == fleet.now
    beside = work("part", scope=("docs/a",), parent="task_whole")
    assert found(fleet, whole, beside) == ()


def test_a_chain_of_needs_that_ends_at_a_task_which_waits_for_its_first() -> None:
    fleet = Fleet()
    one, two = fleet.open(), fleet.open()
    first = attempt(fleet, one, "first", "src/**")
    works = (first, work("last", needs=("middle",)), work("middle", scope=("src/a",)))
    # Nothing keeps the first task from going on.
    assert found(fleet, *works) == ()
    fleet.ask(two, "docs/**", wait="none")
    fleet.ask(one, "docs/a")
    # It waits, but for a session that is free to go on.
    assert found(fleet, *works) == ()
    part = work("last", needs=("middle",), parent="task_first")
    (circle,) = found(fleet, first, part, work("middle", scope=("src/a",)))
    assert [step.because for step in circle.steps].count("part") == 1
    assert {step.waiter for step in circle.steps} == {"task_first", "task_last", "task_middle"}


def test_an_agent_that_waits_stops_the_task_that_it_works_on() -> None:
    """Session one waits for what a part of the other's task holds back, and the other for what one works on."""
    fleet = Fleet()
    one, two = fleet.open(), fleet.open()
    mine = attempt(fleet, one, "mine", "src/**")
    theirs = attempt(fleet, two, "theirs", "docs/**")
    told(fleet.ask(one, "docs/a"))
    (circle,) = found(fleet, mine, theirs, work("piece", scope=("src/b",), parent="task_theirs"))
    assert {step.because for step in circle.steps} >= {"scope", "part"}


def test_of_a_pool_one_holder_that_moves_is_enough() -> None:
    fleet = Fleet()
    one, two, three = fleet.open(), fleet.open(), fleet.open()
    fleet.when(SetPool(project=PROJECT, pool="gpu", count=2), fleet.stamp(PROJECT, "key_person"))
    for session in (one, two):
        unit = AcquireLocks(project=PROJECT, session=session, incarnation=1, claims=(ScopeClaim(claim="pool:gpu"),))
        told(fleet.when(unit, fleet.agent()))
    whole = attempt(fleet, three, "whole", "src/**")
    fleet.ask(one, "src/a")
    part = work("part", parent="task_whole")._replace(scope=(ScopeClaim(claim="pool:gpu"),))
    # The second holder does not wait for anything.
    assert found(fleet, whole, part) == ()
    fleet.ask(two, "src/b")
    (circle,) = found(fleet, whole, part)
    assert "part is not given out without pool:gpu" in circle.summary


def test_what_only_waits_behind_a_circle_is_none_itself() -> None:
    fleet = Fleet()
    whole = attempt(fleet, fleet.open(), "whole", "src/**")
    part = work("part", scope=("src/a",), parent="task_whole")
    behind = [work(f"behind-{number}", needs=("part",)) for number in range(3)]
    assert len(found(fleet, whole, part, *behind)) == 1
    assert found(fleet, *behind) == ()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_needs_stand_still_exactly_where_they_go_round(edges: list[tuple[int, int]]) -> None:
    needs = {one: tuple(str(need) for waiter, need in edges if waiter == one) for one in range(10)}
    circles = standstills([work(str(one), needs=found) for one, found in needs.items()], LockSpace())
    try:
        TopologicalSorter({str(one): found for one, found in needs.items()}).prepare()
    except CycleError:
        assert circles
        for circle in circles:
            steps = [(step.waiter.removeprefix("task_"), step.holder.removeprefix("task_")) for step in circle.steps]
            assert all((int(waiter), int(holder)) in edges for waiter, holder in steps)
            assert [holder for _, holder in steps] == [waiter for waiter, _ in (*steps[1:], steps[0])]
    else:
        assert not circles


def test_a_chain_of_twenty_thousand_needs_is_looked_through_once() -> None:
    """Layer by layer it would be two hundred million looks, in which nobody else is served."""
    chain = [work(str(one), needs=(str(one - 1),) if one else ()) for one in range(20_000)]
    assert standstills(chain, LockSpace()) == ()
