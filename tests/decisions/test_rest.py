"""Whose state may leave memory first: tasks that are settled and sessions that are over."""

from domain.kernel.ids import StreamId
from domain.session.decider import SESSION
from domain.session.events import SessionEnded, SessionLost
from domain.session.state import Absent as NoSession
from domain.task.aggregate import TASK
from domain.task.commands import CancelTask
from domain.task.state import Absent as NoTask
from tests.support.fleet import Fleet, a_task


def rests(fleet: Fleet, key: str) -> bool:
    assert TASK.rests is not None
    return TASK.rests(fleet.task(key))


def test_a_task_rests_once_it_is_settled() -> None:
    fleet = Fleet()
    fleet.plan(a_task("build"), a_task("docs", "build"))
    assert not rests(fleet, "build")
    claimed = fleet.claimed(fleet.a_session())
    assert not rests(fleet, "build")
    fleet.complete(claimed.task, claimed.token)
    assert rests(fleet, "build")
    assert not rests(fleet, "docs"), "it has only just become possible"
    assert TASK.rests is not None
    assert not TASK.rests(NoTask())


def test_a_cancelled_task_rests_once_its_attempt_is_over() -> None:
    fleet = Fleet()
    fleet.plan(a_task("build"))
    claimed = fleet.claimed(fleet.a_session())
    fleet.ask(CancelTask(project="shop", task="build", reason="not wanted", grace_seconds=60))
    assert not rests(fleet, "build"), "its session may still report"
    fleet.complete(claimed.task, claimed.token)
    assert rests(fleet, "build")


def test_a_session_rests_once_its_life_is_over() -> None:
    fleet = Fleet()
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.given(one, SessionEnded(incarnation=1, at=fleet.now))
    fleet.given(two, SessionLost(incarnation=1, renewed_at=fleet.now, at=fleet.now))
    three = fleet.a_session("three")
    assert SESSION.rests is not None
    assert [SESSION.rests(fleet.states[StreamId(stream)]) for stream in (one, two, three)] == [True, True, False]
    assert not SESSION.rests(NoSession())
