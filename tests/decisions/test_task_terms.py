"""Given, when, then: what a plan says of a task beside its content: evidence, budget, time, parts, needs, routing."""

from typing import Any

import pytest

from domain.dispatch.errors import NeedUnknown, ParentUnfit, SessionNotCapable, TaskWithheld, TermsContradictory
from domain.dispatch.plan import PlanApplied, TaskCreated
from domain.dispatch.shares import RUNNING_KEY
from domain.dispatch.take import Claimed
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.values import Requirement
from domain.kernel.work import Budget, Escalation, RetryRule
from domain.lock.errors import BudgetExhausted, ConcurrencyFull
from domain.project.commands import GrantNeeds, RevokeNeeds, UpdateProject
from domain.project.events import ProjectBudgetNoticed
from domain.project.settings import ProjectBudget
from domain.task.commands import (
    AcknowledgeAttempt,
    Artifact,
    CompleteTask,
    CreateTask,
    DismissAttention,
    ElapseBackoff,
    FailTask,
    Need,
    ReassignTask,
    ReleaseTask,
    ReportProgress,
    RetryTask,
    Usage,
)
from domain.task.decider import phase_name
from domain.task.derived import ExhaustBudget, PassDeadline, ReachStart
from domain.task.errors import AttentionStands, BudgetSpent, EvidenceRefused, PartsUnsettled, TaskNotReassignable
from domain.task.events import TaskAttemptEnded, TaskCompleted, TaskNeedSettled, TaskStarted
from domain.task.routing import AVOIDED_SECONDS
from domain.task.state import Backoff
from domain.task.terms import Evidence
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused

COMMIT = Evidence(kind="commit", ref="a" * 40)
REPORT = Evidence(kind="test_report", passed=3)
ONCE = RetryRule(max_attempts=1)
AT_ONCE = RetryRule(backoff_seconds_first=0)


def done(fleet: Fleet, token: str, *evidence: Evidence, task: str = "a", usage: Usage | None = None) -> CompleteTask:
    return CompleteTask(project="shop", task=task, token=token, evidence=evidence, usage=usage)


def statuses(fleet: Fleet, *keys: str) -> list[str]:
    return [phase_name(fleet.task(key)) for key in keys]


def failed(fleet: Fleet, key: str, session: str | None = None) -> None:
    """Claim the task and fail it for good, and let everybody know."""
    fleet.fail(key, fleet.claimed(session or fleet.a_session(), key).token)
    fleet.react()


# Evidence


def test_a_completion_carries_what_the_plan_demands() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", evidence=("commit", "test_report")))
    token = fleet.claimed(fleet.a_session()).token
    decision = accepted(fleet.ask(done(fleet, token, COMMIT, REPORT)))
    completed = events_of(decision)[0]
    assert isinstance(completed, TaskCompleted)
    assert completed.evidence == (COMMIT, REPORT)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((COMMIT,), "test_report is missing"),
        ((COMMIT, Evidence(kind="test_report", passed=9, failed=1)), "1 tests failed"),
        ((COMMIT, Evidence(kind="test_report")), "no test is said to have passed"),
        ((COMMIT, Evidence(kind="test_report", verdict="failed")), "the verdict is failed"),
        ((Evidence(kind="commit", ref="abc"), REPORT), "full hash"),
        ((COMMIT, REPORT, Evidence(kind="review", verdict="approved")), "name the reviewer"),
        ((COMMIT, REPORT, Evidence(kind="review", ref="ann", verdict="rejected")), "not approved"),
        ((COMMIT, REPORT, Evidence(kind="artifact", ref="s3://x", digest="md5:00")), "algorithm:hexadecimal"),
        ((COMMIT, REPORT, Evidence(kind="artifact")), "where it is kept"),
        ((COMMIT, REPORT, Evidence(kind="note", text=" ")), "say something"),
    ],
)
def test_evidence_that_proves_nothing_ends_the_attempt_as_invalid(given: Any, words: str) -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", evidence=("commit", "test_report")))
    token = fleet.claimed(fleet.a_session()).token
    decision = fleet.ask(done(fleet, token, *given))
    assert words in refused(decision, EvidenceRefused).reasons
    ended = events_of(decision)[0]
    assert isinstance(ended, TaskAttemptEnded)
    assert (ended.kind, ended.consumed) == ("invalid_result", True)
    assert statuses(fleet, "a") == ["backoff"]
    assert "LocksReleased" not in names_of(decision)
    assert names_of(decision)[-1] == "SessionAttemptEnded", "the session is free for other work"


def test_good_evidence_of_every_kind_is_believed() -> None:
    fleet = Fleet()
    kinds = ("commit", "test_report", "review", "artifact", "note")
    fleet.plan(a_task("a", evidence=kinds))
    proofs = (
        Evidence(kind="commit", ref="0" * 64),
        REPORT,
        Evidence(kind="review", ref="ann", verdict="approved"),
        Evidence(kind="artifact", ref="s3://x", digest="sha256:" + "0" * 64),
        Evidence(kind="note", text="as asked"),
    )
    accepted(fleet.ask(done(fleet, fleet.claimed(fleet.a_session()).token, *proofs)))


# Time


def test_a_task_waits_for_its_earliest_start_whichever_comes_last() -> None:
    fleet = Fleet()
    start = Instant(fleet.now + 60 * SECOND)
    fleet.plan(a_task("n"), a_task("a", not_before=start), a_task("b", "n", not_before=start))
    assert statuses(fleet, "a", "b") == ["pending", "pending"]
    assert not accepted(fleet.ask(ReachStart(project="shop", task="a"))).writes, "not yet"
    fleet.advance(60)
    assert names_of(fleet.ask(ReachStart(project="shop", task="a"))) == ["TaskReadied"]
    assert not accepted(fleet.ask(ReachStart(project="shop", task="b"))).writes, "its need is open"
    fleet.complete("n", fleet.claimed(fleet.a_session(), "n").token)
    fleet.react()
    assert statuses(fleet, "a", "b") == ["ready", "ready"]


def test_a_deadline_that_passes_asks_for_a_person_until_the_task_settles() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", deadline=Instant(fleet.now + 10 * SECOND)))
    assert not accepted(fleet.ask(PassDeadline(project="shop", task="a"))).writes
    fleet.advance(10)
    assert names_of(fleet.ask(PassDeadline(project="shop", task="a"))) == ["TaskAttentionRaised"]
    assert not accepted(fleet.ask(PassDeadline(project="shop", task="a"))).writes, "once"
    assert "overdue" in fleet.task("a").attention
    names = names_of(fleet.complete("a", fleet.claimed(fleet.a_session()).token))
    assert names[:2] == ["TaskCompleted", "TaskAttentionCleared"]
    assert not fleet.task("a").attention


def test_a_start_behind_the_deadline_is_refused() -> None:
    fleet = Fleet()
    task = a_task("a", not_before=Instant(5), deadline=Instant(5))
    assert refused(fleet.plan(task), TermsContradictory).field == "deadline"


# Needs that can no longer be met


def test_block_waits_for_a_person_and_goes_on_once_the_need_is_retried() -> None:
    fleet = Fleet()
    fleet.plan(a_task("n", retry=ONCE), a_task("a", "n"))
    failed(fleet, "n")
    assert dict(fleet.task("a").attention) == {"blocked": "needs that can no longer be met: n"}
    fleet.ask(RetryTask(project="shop", task="n"))
    fleet.react()
    assert not fleet.task("a").attention
    fleet.complete("n", fleet.claimed(fleet.a_session()).token)
    fleet.react()
    assert statuses(fleet, "a") == ["ready"]


def test_cancel_settles_down_the_line_and_a_retry_leaves_it_so_with_attention() -> None:
    fleet = Fleet()
    fleet.plan(
        a_task("n", retry=ONCE),
        a_task("a", "n", on_need_failed="cancel"),
        a_task("b", "a", on_need_failed="cancel"),
        a_task("c", "b", on_need_failed="proceed"),
    )
    failed(fleet, "n")
    assert statuses(fleet, "a", "b", "c") == ["cancelled", "cancelled", "ready"]
    assert fleet.task("a").settled_because == fleet.id_of("n")
    waived = [one.event for one in fleet.log if isinstance(one.event, TaskNeedSettled) and one.event.waived]
    assert [(event.need, event.satisfied) for event in waived] == [(fleet.id_of("b"), False)]
    fleet.ask(RetryTask(project="shop", task="n"))
    fleet.react()
    assert statuses(fleet, "a", "b") == ["cancelled", "cancelled"]
    assert set(fleet.task("a").attention) == {"stranded"}


def test_a_need_that_has_failed_before_the_plan_counts_at_once() -> None:
    fleet = Fleet()
    fleet.plan(a_task("n", retry=ONCE))
    failed(fleet, "n")
    fleet.plan(a_task("b", "n"), a_task("c", "n", on_need_failed="cancel"), a_task("p", "n", on_need_failed="proceed"))
    assert statuses(fleet, "b", "c", "p") == ["pending", "cancelled", "ready"]
    assert set(fleet.task("b").attention) == {"blocked"}


# Budget


def test_spent_tokens_end_the_attempt_and_park_the_task() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", budget=Budget(tokens=100)))
    token = fleet.claimed(fleet.a_session()).token
    progress = ReportProgress(project="shop", task="a", token=token, usage=Usage(input_tokens=60))
    accepted(fleet.ask(progress))
    over = fleet.ask(progress.model_copy(update={"usage": Usage(input_tokens=60, output_tokens=40)}))
    assert "100 of 100 tokens" in refused(over, BudgetSpent).reason
    assert statuses(fleet, "a") == ["parked"]
    assert set(fleet.task("a").attention) == {"parked"}
    fleet.ask(RetryTask(project="shop", task="a", budget=Budget(tokens=500)))
    task = fleet.task("a")
    assert (phase_name(task), task.budget.tokens, task.spent, task.used.output_tokens) == ("ready", 500, Usage(), 40)


def test_what_attempts_spent_adds_up_and_the_last_failure_parks() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", budget=Budget(cost_microdollars=100), retry=AT_ONCE))
    for cost, status in ((60, "backoff"), (40, "parked")):
        token = fleet.claimed(fleet.a_session()).token
        fleet.ask(FailTask(project="shop", task="a", token=token, usage=Usage(cost_microdollars=cost)))
        assert statuses(fleet, "a") == [status]
        elapse(fleet, "a")


def elapse(fleet: Fleet, key: str) -> None:
    """End the backoff of a task, if it is in one."""
    phase = fleet.task(key).phase
    if isinstance(phase, Backoff):
        accepted(fleet.ask(ElapseBackoff(project="shop", task=key, until=phase.until)))


def test_time_is_a_budget_over_all_attempts() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", budget=Budget(wall_seconds=60)))
    token = fleet.claimed(fleet.a_session()).token
    fleet.advance(20)
    fleet.ask(ReleaseTask(project="shop", task="a", token=token))
    token = fleet.claimed(fleet.a_session()).token
    (started,) = events_of(fleet.ask(AcknowledgeAttempt(project="shop", task="a", token=token)))
    assert isinstance(started, TaskStarted)
    assert started.budget_until == fleet.now + 40 * SECOND
    exhaust = ExhaustBudget(project="shop", task="a", token=token)
    assert not accepted(fleet.ask(exhaust)).writes
    fleet.advance(40)
    accepted(fleet.ask(exhaust))
    assert statuses(fleet, "a") == ["parked"]


def test_a_project_hands_out_no_more_than_its_hard_budget_and_what_is_spent_is_spent() -> None:
    fleet = Fleet()
    accepted(fleet.ask(UpdateProject(project="shop", budget_hard=ProjectBudget(tokens=100))))
    fleet.plan(*(a_task(key, budget=Budget(tokens=60)) for key in "abc"))
    token = fleet.claimed(fleet.a_session("one"), "a").token
    assert refused(fleet.claim(fleet.a_session("two"), "b"), BudgetExhausted).reserved == 60
    accepted(fleet.ask(done(fleet, token, usage=Usage(output_tokens=30))))
    token = fleet.claimed(fleet.a_session("two"), "b").token
    fleet.ask(ReportProgress(project="shop", task="b", token=token, usage=Usage(input_tokens=20)))
    fleet.cancel("b")
    rejection = refused(fleet.claim(fleet.a_session("one"), "c"), BudgetExhausted)
    assert (rejection.spent, rejection.reserved) == (50, 0), "also what a cancelled attempt had spent"


def test_a_soft_budget_tells_a_person_once() -> None:
    fleet = Fleet()
    accepted(fleet.ask(UpdateProject(project="shop", budget_soft=ProjectBudget(tokens=10))))
    fleet.plan(*(a_task(key) for key in "abc"))
    told: list[int] = []
    for key in "abc":
        token = fleet.claimed(fleet.a_session(), key).token
        fleet.ask(done(fleet, token, task=key, usage=Usage(input_tokens=6)))
        fleet.react()
        told.append(sum(isinstance(one.event, ProjectBudgetNoticed) for one in fleet.log))
    assert told == [0, 1, 1]


# Concurrency


def test_a_concurrency_key_lets_only_so_many_run() -> None:
    fleet = Fleet()
    fleet.plan(*(a_task(key, concurrency_key="staging", concurrency_limit=2) for key in "abc"), a_task("free"))
    tokens = [fleet.claimed(fleet.a_session(key), key).token for key in "ab"]
    rejection = refused(fleet.claim(fleet.a_session("c"), "c"), ConcurrencyFull)
    assert (rejection.key, rejection.limit, rejection.count) == ("staging", 2, 2)
    assert fleet.claimed(fleet.a_session("c")).key == "free", "others pass it by"
    fleet.complete("a", tokens[0])
    assert fleet.claimed(fleet.a_session("a")).key == "c"


def test_a_project_caps_what_is_under_way() -> None:
    fleet = Fleet()
    accepted(fleet.ask(UpdateProject(project="shop", running_max=1)))
    fleet.plan(a_task("a"), a_task("b"))
    token = fleet.claimed(fleet.a_session("one"), "a").token
    assert refused(fleet.claim(fleet.a_session("two"), "b"), ConcurrencyFull).key == RUNNING_KEY
    fleet.complete("a", token)
    fleet.claimed(fleet.a_session("two"), "b")
    assert refused(fleet.plan(a_task("c", concurrency_key=RUNNING_KEY)), TermsContradictory).task == "c"


# Parts


def test_a_task_waits_for_its_parts_and_gathers_what_they_spent() -> None:
    fleet = Fleet()
    fleet.plan(a_task("p"), a_task("x", parent="p"), a_task("y", "x", parent="p", retry=ONCE))
    assert statuses(fleet, "p", "x", "y") == ["pending", "ready", "pending"]
    assert [fleet.task(key).plan.path_length for key in "xyp"] == [3, 2, 1]
    session = fleet.a_session()
    fleet.ask(done(fleet, fleet.claimed(session, "x").token, task="x", usage=Usage(input_tokens=5)))
    fleet.react()
    token = fleet.claimed(session, "y").token
    fleet.ask(FailTask(project="shop", task="y", token=token, usage=Usage(input_tokens=7)))
    fleet.react()
    assert statuses(fleet, "p", "y") == ["ready", "failed"], "settled one way or the other"
    assert [part.usage.input_tokens for _, part in sorted(fleet.task("p").parts.items())] == [5, 7]
    fleet.ask(RetryTask(project="shop", task="y"))
    fleet.react()
    fleet.ask(done(fleet, fleet.claimed(session, "y").token, task="y", usage=Usage(input_tokens=1)))
    fleet.react()
    assert sum(part.usage.input_tokens for part in fleet.task("p").parts.values()) == 13, "nothing counts twice"


def test_a_running_task_may_be_taken_apart_and_cannot_complete_before_its_parts() -> None:
    fleet = Fleet()
    fleet.plan(a_task("p"))
    session = fleet.a_session()
    token = fleet.claimed(session).token
    accepted(fleet.plan(a_task("x", parent="p")))
    assert refused(fleet.ask(done(fleet, token, task="p")), PartsUnsettled).count == 1
    released = fleet.ask(ReleaseTask(project="shop", task="p", token=token, checkpoint="half"))
    assert names_of(released)[:2] == ["TaskAttemptEnded", "TaskHeldBack"]
    assert statuses(fleet, "p") == ["pending"]
    fleet.complete("x", fleet.claimed(session).token)
    fleet.react()
    again = fleet.claimed(session)
    assert (again.key, again.checkpoint) == ("p", "half")


def test_a_ready_task_that_gets_a_part_is_ready_no_longer() -> None:
    fleet = Fleet()
    fleet.plan(a_task("p"))
    fleet.plan(a_task("x", parent="p"))
    assert statuses(fleet, "p") == ["pending"]
    assert set(fleet.index.candidates(fleet.project)) == {fleet.id_of("x")}


def test_a_part_that_waits_for_its_parent_over_tasks_that_exist_is_refused() -> None:
    fleet = Fleet()
    fleet.plan(a_task("p"), a_task("m", "p"), a_task("n", "m"))
    rejection = refused(fleet.plan(a_task("between", "n"), a_task("x", "between", parent="p")), ParentUnfit)
    assert (rejection.task, rejection.parent) == ("x", "p")
    assert refused(fleet.plan(a_task("x", parent="nobody")), NeedUnknown).field == "parent"
    assert refused(fleet.plan(a_task("x", parent="x")), ParentUnfit).task == "x"
    fleet.complete("p", fleet.claimed(fleet.a_session()).token)
    assert "completed already" in refused(fleet.plan(a_task("x", parent="p")), ParentUnfit).reason


def test_parts_nest_to_a_bounded_depth() -> None:
    fleet = Fleet()
    accepted(fleet.plan(*(a_task(f"t{n}", parent=f"t{n - 1}" if n else None) for n in range(17))))
    assert "more than 16" in refused(fleet.plan(a_task("deep", parent="t16")), ParentUnfit).reason


# Needs across projects


def test_a_need_on_another_project_takes_its_grant() -> None:
    fleet = Fleet()
    other = fleet.a_project("platform")
    fleet.plan(a_task("auth"), project=other)
    task = a_task("a", Need(task="auth", project="platform"))
    assert refused(fleet.plan(task), NeedUnknown).need == "platform/auth"
    absent = refused(fleet.plan(a_task("a", Need(task="auth", project="nowhere"))), NeedUnknown)
    assert absent.need == "nowhere/auth", "answered alike"
    grant = GrantNeeds(project="platform", to="shop")
    accepted(fleet.ask(grant, project=other))
    assert not accepted(fleet.ask(grant, project=other)).writes
    accepted(fleet.plan(task))
    accepted(fleet.plan(task.model_copy(update={"needs": (Need(task="auth", project=other),)})))
    assert statuses(fleet, "a") == ["pending"]
    fleet.ask(RevokeNeeds(project="platform", to="shop"), project=other)
    refused(fleet.plan(a_task("b", Need(task="auth", project="platform"))), NeedUnknown)
    session = fleet.a_session()
    opened = fleet.states[StreamId(session)].opened.model_copy(update={"projects": (fleet.project, other)})
    fleet.given(session, opened)
    claimed = accepted(fleet.claim(session, project=other)).answer
    assert isinstance(claimed, Claimed)
    fleet.complete("auth", claimed.token, project=other)
    fleet.react()
    assert statuses(fleet, "a") == ["ready"], "a need that exists stays when the grant goes"


def test_a_need_on_ones_own_project_by_its_name_is_an_ordinary_one() -> None:
    fleet = Fleet()
    accepted(fleet.plan(a_task("n"), a_task("a", Need(task="n", project="shop"))))
    assert fleet.task("a").plan.needs[0].project == ""


# What a person steers


def test_only_work_that_is_ready_or_held_is_given_to_somebody_else() -> None:
    fleet = Fleet()
    fleet.plan(a_task("n"), a_task("a", Need(task="n")))
    again = ReassignTask(project="shop", task="a")
    assert refused(fleet.ask(again), TaskNotReassignable) == TaskNotReassignable(task="a", status="pending")
    fleet.complete("n", fleet.claimed(fleet.a_session(), "n").token)
    fleet.react()
    accepted(fleet.ask(again))
    fleet.complete("a", fleet.claimed(fleet.a_session("two"), "a").token)
    assert refused(fleet.ask(again), TaskNotReassignable).status == "completed"


def test_what_a_task_s_own_state_says_is_not_dismissed() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", retry=RetryRule(max_attempts=1, on_exhausted="park")))
    failed(fleet, "a")
    assert set(fleet.task("a").attention) == {"parked"}
    dismissal = DismissAttention(project="shop", task="a", topic="parked")
    assert refused(fleet.ask(dismissal), AttentionStands) == AttentionStands(task="a", topic="parked")
    accepted(fleet.ask(dismissal.model_copy(update={"topic": "overdue"})))


# One task, and work that was planned before


def test_one_task_is_created_like_a_plan_of_one() -> None:
    fleet = Fleet()
    command = CreateTask(project="shop", task=a_task("a"))
    first = accepted(fleet.ask(command)).answer
    assert first == TaskCreated(task=fleet.id_of("a"), created=True)
    again = accepted(fleet.ask(command))
    assert again.answer == TaskCreated(task=fleet.id_of("a"), created=False)
    assert not again.writes


def test_work_planned_under_an_idempotency_key_stands_for_what_asks_for_it_again() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", idempotency_key="issue-17"))
    again = accepted(fleet.plan(a_task("b", idempotency_key="issue-17"), a_task("c", "b")))
    assert isinstance(again.answer, PlanApplied)
    assert again.answer.ids["b"] == fleet.id_of("a")
    assert fleet.task("c").plan.needs[0].task == fleet.id_of("a")
    assert (fleet.project, "task", "b") not in fleet.names


# Routing


def test_further_attempts_require_more() -> None:
    fleet = Fleet()
    step = Escalation(after=1, requires=(Requirement(key="tier", operator=">=", value=3),))
    fleet.plan(a_task("a", escalate=(step,), retry=AT_ONCE))
    small, large = fleet.a_session("small", tier=1), fleet.a_session("large", tier=3)
    fleet.fail("a", fleet.claimed(small).token)
    elapse(fleet, "a")
    assert "tier >= 3" in refused(fleet.claim(small, "a"), SessionNotCapable).lacking
    assert fleet.claim(small).rejection is not None, "nor without naming it"
    assert fleet.claimed(large).key == "a"


def test_who_failed_leaves_it_to_others_for_a_while() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", avoid=("session",), retry=AT_ONCE))
    one, two = fleet.a_session("one"), fleet.a_session("two")
    fleet.fail("a", fleet.claimed(one).token)
    elapse(fleet, "a")
    assert "same session" in refused(fleet.claim(one, "a"), TaskWithheld).reason
    claimed = fleet.claimed(two)
    assert [attempt.session for attempt in claimed.failed] == [one]
    fleet.ask(ReleaseTask(project="shop", task="a", token=claimed.token))
    fleet.advance(AVOIDED_SECONDS)
    assert fleet.claimed(one).key == "a", "rather the same than nobody"


def test_the_next_attempt_is_told_what_the_former_ones_left() -> None:
    fleet = Fleet()
    fleet.plan(a_task("a", evidence=("note",)))
    token = fleet.claimed(fleet.a_session("one")).token
    patch, newer = Artifact(name="patch", uri="git:1"), Artifact(name="patch", uri="git:2")
    fleet.ask(ReportProgress(project="shop", task="a", token=token, artifacts=(patch,), checkpoint="c"))
    fleet.ask(ReleaseTask(project="shop", task="a", token=token, note="go on", artifacts=(newer,)))
    claimed = fleet.claimed(fleet.a_session("two"))
    assert (claimed.artifacts, claimed.checkpoint, claimed.handover) == ((newer,), "c", "go on")
    assert claimed.evidence == ("note",)
