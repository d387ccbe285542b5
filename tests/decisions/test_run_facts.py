"""Facts that are no runs: tasks, results in versions, and signals of another project."""

from typing import Any

import orjson
import pytest

from domain.dispatch.take import Claimed
from domain.fact.commands import PublishArtefact, PublishSignal, WithdrawArtefact
from domain.fact.decider import artefact_topic, signal_topic, version_topic
from domain.fact.errors import VersionAbsent, VersionsFull, VersionTaken
from domain.fact.events import ArtefactPublished
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.versions import is_within
from domain.kernel.work import RetryRule
from domain.project.commands import RevokeNeeds
from domain.run.commands import RetryPhase, RollbackRun, TellNeed
from domain.run.need_events import ExternalNeedResolved, UpstreamRevised
from domain.task.commands import ApplyPlan, CancelTask, CompleteTask, FailTask, RetryTask
from tests.decisions.test_run_needs import Two
from tests.support.fleet import a_task, accepted, refused

ARTEFACT = {"kind": "artefact", "name": "core-lib", "constraint": ">=1.2,<2"}
SIGNAL = {"kind": "signal", "name": "deployed"}
TASK = {"kind": "task", "task": "'schema'"}


class Three(Two):
    """The producer publishes what is no run."""

    def plan_schema(self) -> str:
        planned = a_task("schema", retry=RetryRule(max_attempts=1))
        self.do(ApplyPlan(project=self.core, tasks=(planned,)), project=self.core)
        return self.names[self.core, "task", "schema"]

    def held(self, task: str) -> str:
        """Somebody of the producer works on it; answers the token."""
        session = self.crews.get(self.core) or self.crew_of("crew of core", self.core)
        answer = accepted(self.claim(session, task, project=self.core)).answer
        assert isinstance(answer, Claimed)
        return answer.token

    def fail_in(self, task: str) -> None:
        said: dict[str, Any] = {"project": self.core, "task": task, "token": self.held(task)}
        self.do(FailTask(**said, kind="agent", reason="it broke"), project=self.core)

    def publish_version(self, version: str, **said: Any) -> Any:
        uri = said.pop("uri", f"file:{version}")
        command = PublishArtefact(project=self.core, name="core-lib", version=version, uri=uri, **said)
        decision = self.ask(command, project=self.core)
        self.react()
        return decision

    def withdraw(self, version: str) -> Any:
        command = WithdrawArtefact(project=self.core, name="core-lib", version=version, reason="it is broken")
        decision = self.ask(command, project=self.core)
        self.react()
        return decision

    def send(self, content: str = "") -> None:
        self.do(PublishSignal(project=self.core, name="deployed", content=content), project=self.core)

    def taken(self, run: str) -> Any:
        """What the phase has taken."""
        return orjson.loads(self.run(run).phase("dep").output)

    def works(self, run: str) -> str:
        return self.status(run, "dep")


@pytest.mark.parametrize(
    ("version", "constraint", "fits"),
    [
        ("1.2", ">=1.2,<2", True),
        ("1.10", ">1.9", True),
        ("2.0", "<2", False),
        ("1.4.0", "==1.4", True),
        ("1.4", "1.4.0", True),
        ("1.4.1", "!=1.4.1", False),
        ("7", "", True),
        ("7", "~7", False),
    ],
)
def test_versions_are_compared_number_by_number(version: str, constraint: str, *, fits: bool) -> None:
    assert is_within(version, constraint) is fits


def test_the_highest_version_that_fits_is_taken_and_frozen() -> None:
    three = Three(what=ARTEFACT)
    for version in ("1.1", "1.9", "1.10", "2.0"):
        accepted(three.publish_version(version, digest="sha256:ab"))
    run = three.start("release")
    assert three.works(run) == "succeeded"
    source = version_topic(three.core, "core-lib", "1.10")
    told = {"name": "core-lib", "version": "1.10", "uri": "file:1.10", "digest": "sha256:ab"}
    assert three.taken(run) == {"id": source, "outcome": "succeeded", "output": told}
    accepted(three.publish_version("1.11"))
    assert three.taken(run)["output"] == told
    (frozen,) = three.said(ExternalNeedResolved)
    assert frozen.source == source


def test_a_version_that_comes_later_is_waited_for_and_one_that_does_not_fit_is_waited_past() -> None:
    three = Three(what=ARTEFACT)
    run = three.start("release")
    assert three.run(run).phase("dep").reason == "core: core-lib >=1.2,<2"
    accepted(three.publish_version("2.1"))
    assert three.works(run) == "waiting"
    accepted(three.publish_version("1.3"))
    assert three.works(run) == "succeeded"
    assert not three.states[artefact_topic(three.core, "core-lib")].awaited_by


def test_only_what_is_published_from_now_on_counts_where_it_is_said_so() -> None:
    three = Three(what=ARTEFACT, match="future_only", max_age_seconds=60.0)
    accepted(three.publish_version("1.9"))
    run = three.start("release")
    assert three.works(run) == "waiting"
    three.now = Instant(three.now + SECOND)
    accepted(three.publish_version("1.3"))
    assert three.taken(run)["output"]["version"] == "1.3"


def test_a_version_stays_what_it_is() -> None:
    three = Three(what=ARTEFACT)
    accepted(three.publish_version("1.4"))
    before = len(three.log)
    accepted(three.publish_version("1.4.0", uri="file:1.4"))
    assert len(three.log) == before, "the same again changes nothing"
    assert ", and it says something else" in refused(three.publish_version("1.4", uri="other"), VersionTaken).message()
    assert "; there are 1.4." in refused(three.withdraw("1.5"), VersionAbsent).message()
    accepted(three.withdraw("1.4"))
    before = len(three.log)
    accepted(three.withdraw("1.4"))
    assert len(three.log) == before
    assert "withdrawn" in refused(three.publish_version("1.4"), VersionTaken).message()
    stream = artefact_topic(three.core, "core-lib")
    for number in range(999):
        one = ArtefactPublished(name="core-lib", version=f"9.{number}", uri="", digest="", by="k", at=three.now)
        three.given(stream, one, project=three.core)
    refused(three.publish_version("10"), VersionsFull)
    absent = refused(three.withdraw("10"), VersionAbsent)
    assert absent.message().endswith("there are 9.998, 9.997, 9.996, 9.995, 9.994, 9.993, 9.992, 9.991 and 992 more.")


@pytest.mark.parametrize(("policy", "status"), [("attention", "running"), ("pause", "paused"), ("ignore", "running")])
def test_whoever_has_taken_a_version_is_told_when_it_is_withdrawn_and_nobody_takes_it_after(
    policy: str, status: str
) -> None:
    three = Three(what=ARTEFACT, on_revised=policy)
    accepted(three.publish_version("1.3"))
    accepted(three.publish_version("1.4"))
    run = three.start("release")
    accepted(three.withdraw("1.4"))
    (told,) = three.said(UpstreamRevised)
    assert (told.how, told.policy, three.stands(run)) == ("rolled_back", policy, status)
    assert three.taken(run)["output"]["version"] == "1.4"
    source = version_topic(three.core, "core-lib", "1.4")
    three.ask(TellNeed(project=three.project, run=run, source=source, owner=three.core))
    assert len(three.said(UpstreamRevised)) == 1, "the same word again changes nothing"
    other = three.start("release")
    assert three.taken(other)["output"]["version"] == "1.3"


def test_what_took_a_withdrawn_version_is_done_anew_with_another_one() -> None:
    three = Three(what=ARTEFACT, on_revised="rework")
    accepted(three.publish_version("1.3"))
    accepted(three.publish_version("1.4"))
    run = three.start("release")
    accepted(three.withdraw("1.4"))
    assert three.taken(run)["output"]["version"] == "1.3"
    assert three.run(run).phase("dep").generation == 2


def test_a_signal_is_heard_by_who_waits_and_found_by_who_asks_later() -> None:
    three = Three(what=SIGNAL)
    run = three.start("release")
    assert three.works(run) == "waiting"
    three.send('{"url": "x"}')
    stream = signal_topic(three.core, "deployed")
    assert three.taken(run) == {"id": stream, "outcome": "succeeded", "output": {"url": "x"}}
    three.send('{"url": "y"}')
    assert three.taken(run)["output"] == {"url": "x"}, "frozen"
    assert three.taken(three.start("release"))["output"] == {"url": "y"}
    assert three.states[stream].signal.number == 2
    future = Three(what=SIGNAL, match="future_only")
    future.send()
    assert future.works(future.start("release")) == "waiting"


def test_a_task_that_ends_is_a_fact_with_what_it_left() -> None:
    three = Three(what=TASK)
    task = three.plan_schema()
    run = three.start("release")
    assert (three.works(run), three.run(run).phase("dep").reason) == ("waiting", "core: task schema")
    assert set(three.states[StreamId(task)].awaited_by) == {run}
    token = three.held(task)
    left = ({"name": "ddl", "uri": "file:ddl", "digest": "sha256:cd"},)
    said = {"project": three.core, "task": task, "token": token, "artifacts": left}
    three.do(CompleteTask.model_validate(said, strict=False), project=three.core)
    assert three.taken(run) == {"id": task, "outcome": "succeeded", "output": {"said": None, "artifacts": list(left)}}
    (frozen,) = three.said(ExternalNeedResolved)
    assert (frozen.source, frozen.source_generation) == (task, 1)
    assert three.works(three.start("release")) == "succeeded", "it is there already"


def test_a_task_that_ends_otherwise_fails_the_phase_or_is_taken_where_that_is_accepted() -> None:
    three = Three(what=TASK)
    task = three.plan_schema()
    run = three.start("release")
    three.do(CancelTask(project=three.core, task=task, reason="not wanted"), project=three.core)
    assert (three.works(run), three.run(run).phase("dep").reason) == (
        "failed",
        f"{task} cancelled, and succeeded is wanted",
    )
    three = Three(what=TASK, accept=["succeeded", "failed"])
    task = three.plan_schema()
    three.fail_in(task)
    run = three.start("release")
    assert three.taken(run)["outcome"] == "failed"
    three.do(RetryTask(project=three.core, task=task), project=three.core)
    assert three.said(UpstreamRevised) == []
    three.now = Instant(three.now + SECOND)
    three.do(CompleteTask(project=three.core, task=task, token=three.held(task)), project=three.core)
    (told,) = three.said(UpstreamRevised)
    assert told.how == "done_anew"


def test_a_task_of_a_run_that_is_taken_back_is_told() -> None:
    three = Three(what={"kind": "task", "task": "inputs.release"})
    built = three.build()
    task = three.run(built).phase("make").task
    run = three.start("release", inputs=orjson.dumps({"release": task}).decode())
    assert three.taken(run)["output"]["said"] == {"package": "core-1"}
    three.do(RollbackRun(project=three.core, run=built, reason="bad"), project=three.core)
    back = three.run(three.run(built).rolled_back_by)
    (entry,) = back.ledger.values()
    undo = entry.undo_task
    three.do(CompleteTask(project=three.core, task=undo, token=three.held(undo)), project=three.core)
    (told,) = three.said(UpstreamRevised)
    assert (told.how, told.source) == ("rolled_back", task)


@pytest.mark.parametrize("what", [TASK, ARTEFACT, SIGNAL])
def test_without_a_grant_it_might_as_well_not_exist(what: Any) -> None:
    three = Three(what=what, granted=False)
    three.plan_schema()
    accepted(three.publish_version("1.3"))
    run = three.start("release")
    assert three.works(run) == "parked"
    three.grant(three.core, "shop")
    three.do(RetryPhase(project="shop", run=run, phase="dep"))
    assert three.works(run) == ("succeeded" if what is ARTEFACT else "waiting")
    three.do(RevokeNeeds(project=three.core, to="shop"), project=three.core)
    three.send()
    if what is SIGNAL:
        assert three.works(run) == "parked"


def test_a_task_that_is_not_there_parks_and_may_be_asked_for_again() -> None:
    three = Three(what=TASK)
    run = three.start("release")
    assert three.run(run).phase("dep").reason == "there is no task schema in core"
    three.plan_schema()
    three.do(RetryPhase(project="shop", run=run, phase="dep"))
    assert three.works(run) == "waiting"
    assert "waits for core: task schema" in " ".join(three.words(run))


def test_a_word_that_comes_twice_or_late_is_taken_once() -> None:
    three = Three(what=SIGNAL)
    run = three.start("release")
    three.send()
    stream = signal_topic(three.core, "deployed")
    before = len(three.log)
    three.ask(TellNeed(project=three.project, run=run, source=stream, owner=three.core))
    assert len(three.log) == before
