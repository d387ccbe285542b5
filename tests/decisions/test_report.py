"""Given, when, then: reports of the holder, and tokens that are not current."""

import pytest

from domain.dispatch.report import DISCARDED_MAX
from domain.kernel.errors import UnknownThing
from domain.kernel.message import Command
from domain.kernel.values import Spend
from domain.lock.events import LocksReleased
from domain.session.errors import NotSessionOwner
from domain.session.events import SessionAttemptEnded
from domain.session.state import Session
from domain.task.commands import (
    AcknowledgeAttempt,
    Artifact,
    CompleteTask,
    FailTask,
    ReleaseTask,
    ReportProgress,
    Usage,
)
from domain.task.decider import phase_name
from domain.task.errors import Fenced
from domain.task.events import LateReportDiscarded, TaskCompleted
from domain.task.state import Running
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused


def a_claimed_task() -> tuple[Fleet, str]:
    """A fleet whose task ``a`` is assigned, and the token."""
    fleet = Fleet()
    fleet.plan(a_task("a", scope=("path:shop//src/**",)))
    return fleet, fleet.claimed(fleet.a_session()).token


def reports_of(token: str) -> list[Command]:
    return [
        ReportProgress(project="shop", task="a", token=token),
        CompleteTask(project="shop", task="a", token=token),
        FailTask(project="shop", task="a", token=token),
        ReleaseTask(project="shop", task="a", token=token),
        AcknowledgeAttempt(project="shop", task="a", token=token),
    ]


def test_naming_the_token_acknowledges_the_assignment_once() -> None:
    fleet, token = a_claimed_task()
    acknowledge = AcknowledgeAttempt(project="shop", task="a", token=token)
    assert names_of(fleet.ask(acknowledge)) == ["TaskStarted"]
    assert phase_name(fleet.task("a")) == "running"
    assert not accepted(fleet.ask(acknowledge)).writes


def test_the_first_progress_acknowledges_too() -> None:
    fleet, token = a_claimed_task()
    began = fleet.advance(3)
    progress = ReportProgress(project="shop", task="a", token=token, percent=10.0, note="on it", checkpoint="one")
    assert names_of(fleet.ask(progress)) == ["TaskStarted", "TaskProgressed"]
    phase = fleet.task("a").phase
    assert isinstance(phase, Running)
    assert phase.attempt.started_at == began
    assert names_of(fleet.ask(progress.model_copy(update={"checkpoint": None}))) == ["TaskProgressed"]
    assert fleet.task("a").checkpoint == "one", "a report without a checkpoint keeps the last one"


def test_completion_settles_the_task_and_frees_its_locks() -> None:
    fleet, token = a_claimed_task()
    command = CompleteTask(
        project="shop",
        task="a",
        token=token,
        summary="done",
        artifacts=(Artifact(name="patch", uri="git:abc"),),
        usage=Usage(input_tokens=5),
    )
    completed, released, ended = events_of(accepted(fleet.ask(command)))
    assert isinstance(completed, TaskCompleted)
    assert (completed.summary, completed.artifacts, completed.usage) == ("done", command.artifacts, command.usage)
    assert released == LocksReleased(token=int(token), reason="completed", at=fleet.now, spent=Spend(tokens=5))
    assert ended == SessionAttemptEnded(project=fleet.project, token=int(token), outcome="completed")
    session = fleet.states[fleet.log[-1].stream]
    assert isinstance(session, Session)
    assert not session.attempts


def test_completing_twice_with_the_same_token_is_a_success_that_changes_nothing() -> None:
    fleet, token = a_claimed_task()
    accepted(fleet.complete("a", token))
    assert not accepted(fleet.complete("a", token)).writes
    assert not accepted(fleet.ask(AcknowledgeAttempt(project="shop", task="a", token=token))).writes
    refused(fleet.fail("a", token), Fenced)


def test_giving_back_frees_the_locks_and_uses_up_no_attempt() -> None:
    fleet, token = a_claimed_task()
    command = ReleaseTask(project="shop", task="a", token=token, note="too hard", checkpoint="half")
    assert names_of(fleet.ask(command)) == [
        "TaskAttemptEnded",
        "TaskReadied",
        "LocksReleased",
        "SessionAttemptEnded",
    ]
    task = fleet.task("a")
    assert (task.consumed, task.attempts, task.handover, task.checkpoint) == (0, 1, "too hard", "half")
    assert phase_name(task) == "ready"


def test_failing_frees_the_locks_and_backs_off() -> None:
    fleet, token = a_claimed_task()
    assert names_of(fleet.fail("a", token)) == [
        "TaskAttemptEnded",
        "TaskBackedOff",
        "LocksReleased",
        "SessionAttemptEnded",
    ]
    assert (fleet.task("a").consumed, fleet.task("a").failure) == (1, "it broke")


@pytest.mark.parametrize("index", range(5))
def test_a_report_with_a_token_that_is_not_live_is_fenced_and_recorded_once(index: int) -> None:
    fleet, token = a_claimed_task()
    fleet.ask(ReleaseTask(project="shop", task="a", token=token))
    second = fleet.claimed(fleet.a_session())
    report = reports_of(token)[index]
    before = fleet.task("a").phase
    decision = fleet.ask(report)
    rejection = refused(decision, Fenced)
    assert rejection.AUDITED
    assert rejection.code() == "fenced"
    (discarded,) = events_of(decision)
    assert isinstance(discarded, LateReportDiscarded)
    assert (discarded.token, discarded.report) == (int(token), type(report).NAME)
    assert len(discarded.digest) == 64
    again = fleet.ask(report)
    refused(again, Fenced)
    assert not again.writes, "once per token and kind of report"
    assert fleet.task("a").phase == before
    accepted(fleet.complete("a", second.token))


def test_the_digest_tells_reports_with_other_content_apart() -> None:
    digests = set()
    for summary in ("one", "two"):
        fleet, token = a_claimed_task()
        fleet.cancel("a")
        (event,) = events_of(fleet.ask(CompleteTask(project="shop", task="a", token=token, summary=summary)))
        assert isinstance(event, LateReportDiscarded)
        digests.add(event.digest)
    assert len(digests) == 2


def test_a_task_records_a_bounded_number_of_late_reports() -> None:
    fleet, token = a_claimed_task()
    session = fleet.a_session()
    for _ in range(DISCARDED_MAX):
        fleet.ask(ReleaseTask(project="shop", task="a", token=token))
        token_before, token = token, fleet.claimed(session).token
        for report in reports_of(token_before):
            refused(fleet.ask(report), Fenced)
    recorded = [one for one in fleet.log if isinstance(one.event, LateReportDiscarded)]
    assert len(recorded) == DISCARDED_MAX


@pytest.mark.parametrize("index", range(5))
def test_a_token_that_the_task_never_gave_out_leaves_no_trace_in_it(index: int) -> None:
    fleet, token = a_claimed_task()
    for made_up in ("0", str(int(token) + 1), "9" * 19):
        decision = fleet.ask(reports_of(made_up)[index])
        assert refused(decision, Fenced).AUDITED
        assert not decision.writes


@pytest.mark.parametrize("index", range(5))
def test_a_stranger_fills_no_place_with_late_reports_of_another_and_learns_nothing_by_repeating(index: int) -> None:
    fleet, token = a_claimed_task()
    accepted(fleet.complete("a", token))
    decision = fleet.ask(reports_of(token)[index], by="key_stranger")
    refused(decision, NotSessionOwner)
    assert not decision.writes


@pytest.mark.parametrize("index", range(5))
def test_only_the_principal_that_opened_the_session_reports_for_it(index: int) -> None:
    fleet, token = a_claimed_task()
    decision = fleet.ask(reports_of(token)[index], by="key_stranger")
    refused(decision, NotSessionOwner)
    assert not decision.writes
    accepted(fleet.ask(reports_of(token)[index]))


@pytest.mark.parametrize("index", range(5))
def test_a_task_of_another_project_is_unknown_to_reports(index: int) -> None:
    fleet, token = a_claimed_task()
    other = fleet.a_project("other")
    for name in ("a", fleet.id_of("a")):
        report = reports_of(token)[index].model_copy(update={"task": name})
        decision = fleet.ask(report, project=other)
        assert refused(decision, UnknownThing) == UnknownThing(kind="task", name=name)
        assert not decision.writes
