"""An attempt has to say something new in time, may take longer where its plan allows, and is tried again by kind."""

from typing import Any

import pytest

from domain.dispatch.report import AttemptExtended
from domain.kernel.errors import NotDueYet
from domain.kernel.ids import SECOND, Instant
from domain.kernel.work import KindPace, RetryPace, RetryRule
from domain.node.events import OutageEnded
from domain.node.state import OUTAGE_STREAM
from domain.task.commands import CancelTask, ElapseBackoff, ReportProgress, TimeOutAttempt
from domain.task.derived import StallAttempt
from domain.task.errors import ExtensionRefused, Fenced
from domain.task.events import TaskAttemptEnded, TaskBackedOff
from domain.task.holder_commands import ExtendAttempt
from domain.task.state import Backoff
from tests.decisions.test_run_gate import Station
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused
from tests.support.runs import ONCE, work


def an_attempt(fleet: Fleet, **fields: Any) -> str:
    """Plans and claims the task ``a``, and reports a first time; answers the token."""
    fleet.plan(a_task("a", **fields))
    token = fleet.claimed(fleet.a_session()).token
    says(fleet, token, note="begun")
    return token


def says(fleet: Fleet, token: str, **said: Any) -> None:
    accepted(fleet.ask(ReportProgress(project="shop", task="a", token=token, **said)))


def stalls(fleet: Fleet, token: str) -> Any:
    return fleet.ask(StallAttempt(project="shop", task="a", token=token))


def test_an_attempt_that_says_nothing_new_has_timed_out() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, stall_seconds=10.0, retry=RetryRule(backoff_seconds_first=0))
    fleet.advance(6)
    says(fleet, token, note="halfway")
    fleet.advance(6)
    says(fleet, token, note="halfway")
    refused(stalls(fleet, token), NotDueYet)
    fleet.advance(4)
    ended = events_of(accepted(stalls(fleet, token)))[0]
    assert isinstance(ended, TaskAttemptEnded)
    assert (ended.kind, ended.reason, ended.consumed) == ("timeout", "it reported nothing new for 10 s", True)
    refused(fleet.ask(ReportProgress(project="shop", task="a", token=token, note="late")), Fenced)
    assert not accepted(stalls(fleet, token)).writes


@pytest.mark.parametrize("new", [{"note": "b"}, {"note": "a", "percent": 5.0}, {"note": "a", "checkpoint": "c"}])
def test_another_note_percent_or_checkpoint_is_something_new(new: dict[str, Any]) -> None:
    fleet = Fleet()
    token = an_attempt(fleet, stall_seconds=10.0)
    says(fleet, token, note="a")
    fleet.advance(9)
    says(fleet, token, **new)
    fleet.advance(9)
    refused(stalls(fleet, token), NotDueYet)


def test_an_attempt_need_not_say_anything_where_its_plan_does_not_ask_for_it() -> None:
    fleet = Fleet()
    token = an_attempt(fleet)
    fleet.advance(10**6)
    assert not accepted(stalls(fleet, token)).writes


def test_who_was_told_to_stop_has_the_grace_whatever_is_said() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, stall_seconds=10.0)
    accepted(fleet.ask(CancelTask(project="shop", task="a", grace_seconds=60)))
    fleet.advance(5)
    says(fleet, token, note="I tidy up")
    fleet.advance(20)
    assert not accepted(stalls(fleet, token)).writes
    says(fleet, token, note="I am done")


def test_while_no_server_ran_nobody_could_say_anything() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, stall_seconds=10.0)
    began = fleet.now
    fleet.advance(3_600)
    fleet.given(OUTAGE_STREAM, OutageEnded(began_at=began, at=fleet.now))
    fleet.advance(9)
    refused(stalls(fleet, token), NotDueYet)
    fleet.advance(1)
    assert names_of(stalls(fleet, token))[0] == "TaskAttemptEnded"


def test_a_holder_prolongs_its_timeout_as_far_as_the_plan_allows() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, timeout_seconds=10.0, extend_seconds_max=20.0)
    due = TimeOutAttempt(project="shop", task="a", token=token)

    def longer(seconds: float) -> Any:
        return fleet.ask(ExtendAttempt(project="shop", task="a", token=token, seconds=seconds))

    told = AttemptExtended(extended_seconds=15, until=Instant(fleet.now + 25 * SECOND))
    first = accepted(longer(15))
    assert (names_of(first), first.answer) == (["TaskExtended"], told)
    again, less = accepted(longer(15)), accepted(longer(5))
    assert (again.writes, again.answer) == ((), told), "it has that already"
    assert (less.writes, less.answer) == ((), told), "it is never shortened"
    assert "its plan allows 20 s" in refused(longer(21), ExtensionRefused).message()
    fleet.advance(24)
    assert not accepted(fleet.ask(due)).writes
    fleet.advance(1)
    ended = events_of(accepted(fleet.ask(due)))[0]
    assert isinstance(ended, TaskAttemptEnded)
    assert ended.reason == "it ran longer than 10.0 s and the 15 s on top"
    refused(longer(20), Fenced)


def test_without_leave_of_the_plan_no_timeout_is_prolonged_and_without_timeout_none_has_to_be() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, timeout_seconds=10.0)
    asked = ExtendAttempt(project="shop", task="a", token=token, seconds=1)
    assert "its plan allows none" in refused(fleet.ask(asked), ExtensionRefused).message()
    free = Fleet()
    token = an_attempt(free)
    unbounded = accepted(free.ask(ExtendAttempt(project="shop", task="a", token=token, seconds=1)))
    assert (unbounded.writes, unbounded.answer) == ((), AttemptExtended(extended_seconds=0, until=None))


def test_who_was_told_to_stop_gets_no_more_time() -> None:
    fleet = Fleet()
    token = an_attempt(fleet, timeout_seconds=10.0, extend_seconds_max=20.0)
    accepted(fleet.ask(CancelTask(project="shop", task="a", grace_seconds=60)))
    asked = ExtendAttempt(project="shop", task="a", token=token, seconds=5)
    assert "it was cancelled" in refused(fleet.ask(asked), ExtensionRefused).message()


def test_an_attempt_begins_with_the_timeout_of_its_plan_again() -> None:
    fleet = Fleet()
    rule = RetryRule(backoff_seconds_first=0)
    token = an_attempt(fleet, timeout_seconds=10.0, extend_seconds_max=20.0, retry=rule)
    accepted(fleet.ask(ExtendAttempt(project="shop", task="a", token=token, seconds=20)))
    accepted(fleet.fail("a", token))
    accepted(fleet.ask(ElapseBackoff(project="shop", task="a", until=fleet.now)))
    token = fleet.claimed(fleet.a_session("other")).token
    says(fleet, token)
    fleet.advance(10)
    assert names_of(fleet.ask(TimeOutAttempt(project="shop", task="a", token=token)))[0] == "TaskAttemptEnded"


def due_after(fleet: Fleet) -> float:
    phase = fleet.task("a").phase
    assert isinstance(phase, Backoff)
    return (phase.until - fleet.now) / SECOND


@pytest.mark.parametrize(("jitter", "least", "most"), [("full", 0, 8), ("equal", 4, 8), ("none", 8, 8)])
def test_the_jitter_says_where_in_the_pause_the_next_attempt_begins(jitter: Any, least: float, most: float) -> None:
    fleet = Fleet()
    accepted(fleet.fail("a", an_attempt(fleet, retry=RetryRule(backoff_seconds_first=8.0, jitter=jitter))))
    assert least <= due_after(fleet) <= most


def test_what_failed_in_one_way_has_its_own_pause_and_its_own_number_of_attempts() -> None:
    kinds = (
        KindPace(kind="invalid_result", max_attempts=2, backoff_seconds_first=60.0),
        KindPace(kind="rate_limited", backoff_seconds_first=100.0, backoff_seconds_max=100.0),
    )
    fleet = Fleet()
    rule = RetryRule(max_attempts=9, backoff_seconds_first=1.0, jitter="none", kinds=kinds)
    fleet.plan(a_task("a", retry=rule))
    session = fleet.a_session()
    for kind, pause in (("agent", 1.0), ("invalid_result", 120.0), ("rate_limited", 100.0)):
        accepted(fleet.fail("a", fleet.claimed(session).token, kind))
        assert due_after(fleet) == pause
        fleet.advance(pause)
        until = fleet.task("a").phase
        assert isinstance(until, Backoff)
        accepted(fleet.ask(ElapseBackoff(project="shop", task="a", until=until.until)))
    ended = fleet.fail("a", fleet.claimed(session).token, "invalid_result")
    assert names_of(ended)[:2] == ["TaskAttemptEnded", "TaskFailed"]
    assert not [one for one in events_of(ended) if isinstance(one, TaskBackedOff)]


def test_how_many_failed_in_one_way_is_known_however_many_were_refused_meanwhile() -> None:
    kinds = (KindPace(kind="invalid_result", max_attempts=2), KindPace(kind="rate_limited", backoff_seconds_max=0))
    fleet = Fleet()
    fleet.plan(a_task("a", retry=RetryRule(max_attempts=9, backoff_seconds_first=0, kinds=kinds)))
    session = fleet.a_session()
    for kind in ("invalid_result", *["rate_limited"] * 16):
        accepted(fleet.fail("a", fleet.claimed(session).token, kind))
        accepted(fleet.ask(ElapseBackoff(project="shop", task="a", until=fleet.now)))
    ended = fleet.fail("a", fleet.claimed(session).token, "invalid_result")
    assert names_of(ended)[:2] == ["TaskAttemptEnded", "TaskFailed"]


def test_a_phase_hands_all_of_that_to_its_task_and_time_brings_it_about() -> None:
    spec = {"stall_seconds": 30.0, "timeout_seconds": 60.0, "extend_seconds_max": 40.0}
    pace = RetryPace(max_attempts=2, backoff_seconds_first=10.0, jitter="none")
    station = Station(work("build", task=spec, retry=pace, effect="pure"), work("next", "build", retry=ONCE))
    token = station.begin("build")
    task = station.task_of("build")

    def report(note: str) -> None:
        accepted(station.ask(ReportProgress(project="shop", task=task, token=token, note=note)))

    report("a")
    station.wait(29)
    report("b")
    station.wait(29)
    report("c")
    accepted(station.ask(ExtendAttempt(project="shop", task=task, token=token, seconds=40)))
    station.wait(29)
    assert station.states[task].consumed == 0
    station.wait(2)
    assert station.states[task].failure == "it reported nothing new for 30 s"
    station.wait(10)
    token = station.begin("build")
    report("d")
    for note in ("e", "f", "g"):
        station.wait(19)
        report(note)
    station.wait(4)
    assert (station.states[task].failure, station.status("build")) == ("it ran longer than 60.0 s", "failed")
