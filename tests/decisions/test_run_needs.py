"""Facts of other projects: by grant only, frozen once taken, told of when they change, and never in a circle."""

from typing import Any

import pytest

from domain.dispatch.explain_run import explain_run
from domain.dispatch.explanation import Explanation
from domain.fact.commands import PublishFact
from domain.fact.decider import topic_of
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import SECOND, Instant, ProjectId
from domain.kernel.pipeline.definition import ExternalPhase, RepeatPhase
from domain.kernel.pipeline.flow import External
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.policies.agenda import Agenda
from domain.project.commands import FreezeProject, GrantNeeds, RevokeNeeds
from domain.run.commands import PauseRun, ResumeRun, RetryPhase, RollbackRun, TellNeed
from domain.run.need_events import ExternalNeedResolved, UpstreamRevised
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, edges, work

PACKAGE = Binding(name="package", value="phases.make.output.package")


def external(key: str, *needs: Any, project: str = "core", **said: Any) -> ExternalPhase:
    """A phase that waits for the latest build of the other project, unless it says else."""
    what = said.pop("what", {"kind": "latest", "pipeline": "build", "correlation_key": "inputs.release"})
    wanted = External.model_validate({"project": project, "what": what, **said}, strict=False)
    return ExternalPhase(key=key, needs=edges(needs), external=wanted)


class Two(Yard):
    """A consumer, ``shop``, and a producer, ``core``, that lets it need what it makes."""

    def __init__(self, *, granted: bool = True, **said: Any) -> None:
        super().__init__()
        self.core = self.a_project("core", 0)
        undo = Undo(task=TaskSpec(title="Undo make", retry=ONCE))
        made = work("make", outputs=(ValueField(name="package"),), undo=undo)
        self.publish("build", made, outputs=(PACKAGE,), project=self.core)
        release = (ValueField(name="release", required=False, default="v1"),)
        self.publish("release", external("dep", **said), work("ship", "dep", effect="pure"), inputs=release)
        if granted:
            self.grant(self.core, "shop")

    def grant(self, owner: ProjectId, to: str) -> None:
        self.do(GrantNeeds(project=owner, to=to), project=owner)

    def build(self, release: str = "v1", *, well: bool = True) -> str:
        run = self.start("build", project=self.core, correlation_key=release)
        self.work_in(self.core, run, "make", output='{"package": "core-1"}', well=well)
        return run

    def words(self, run: str) -> list[str]:
        def task(name: str) -> Explanation | UnknownThing:
            return UnknownThing(kind="task", name=name)

        found = explain_run(run, "", self.project, self.now, self, task)
        assert isinstance(found, Explanation)
        return [one.words for one in found.reasons]

    def said(self, kind: type[Any]) -> list[Any]:
        return [one.event for one in self.log if isinstance(one.event, kind)]


def test_a_phase_waits_for_the_latest_run_of_another_project_and_freezes_what_it_says() -> None:
    two = Two()
    run = two.start("release")
    assert (two.status(run, "dep"), two.run(run).phase("dep").reason) == ("waiting", "core: the latest build of v1")
    two.build("v2")
    assert two.status(run, "dep") == "waiting"
    built = two.build()
    phase = two.run(run).phase("dep")
    assert (phase.status, two.status(run, "ship")) == ("succeeded", "offered")
    assert phase.output == f'{{"id":"{built}","outcome":"succeeded","output":{{"package":"core-1"}}}}'
    (frozen,) = two.said(ExternalNeedResolved)
    assert (frozen.source, frozen.project) == (built, two.core)
    topic = two.states[topic_of(two.core, "build", "v1")]
    assert not topic.awaited_by


@pytest.mark.parametrize("kind", ["latest", "run"])
def test_what_keeps_the_other_project_back_is_told_as_the_reason(kind: str) -> None:
    two = Two() if kind == "latest" else Two(what={"kind": "run", "run": "inputs.release"})
    two.start("build", project=two.core, correlation_key="another")
    if kind == "latest":
        run = two.start("release")
        assert two.words(run) == ["dep: it waits for core: the latest build of v1, and no run of that is under way"]
    built = two.start("build", project=two.core, correlation_key="v1")
    run = two.start("release", inputs=f'{{"release": "{built if kind == "run" else "v1"}"}}')
    (words,) = two.words(run)
    assert (built in words, words.endswith("is running")) == (True, True)
    two.do(PauseRun(project=two.core, run=built), project=two.core)
    assert [f"is paused by {two.run(built).paused_by}" in one for one in two.words(run)] == [True]
    assert two.status(run, "dep") == "waiting", "it has not failed"
    two.do(FreezeProject(project=two.core, reason="a fire"), project=two.core)
    assert [one.rpartition(", ")[2] for one in two.words(run)] == ["and that project is frozen"]


def test_what_is_there_already_is_taken_at_once_unless_only_what_comes_counts() -> None:
    two = Two()
    built = two.build()
    run = two.start("release")
    assert two.status(run, "dep") == "succeeded"
    assert set(two.run(built).awaited_by) == {run}
    two = Two(match="future_only")
    two.build()
    run = two.start("release")
    assert two.status(run, "dep") == "waiting"
    two.now = Instant(two.now + SECOND)
    two.build()
    assert two.status(run, "dep") == "succeeded"


def test_what_is_too_old_or_ended_otherwise_is_waited_past() -> None:
    two = Two(max_age_seconds=60.0)
    two.build()
    two.now = Instant(two.now + 61 * SECOND)
    run = two.start("release")
    two.build(well=False)
    assert two.status(run, "dep") == "waiting"
    two.build()
    assert two.status(run, "dep") == "succeeded"


def test_a_failure_is_taken_where_it_is_accepted() -> None:
    two = Two(accept=["succeeded", "failed"])
    run = two.start("release")
    two.build(well=False)
    assert '"outcome":"failed"' in two.run(run).phase("dep").output


def test_without_a_grant_the_other_project_might_as_well_not_exist_and_a_retry_asks_again() -> None:
    two = Two(granted=False)
    run = two.start("release")
    refused = two.run(run).phase("dep").reason
    missing = Two(project="nowhere")
    other = missing.run(missing.start("release")).phase("dep").reason
    assert refused == other.replace("nowhere", "core") == "there is no project core that lets this one need its results"
    two.grant(two.core, "shop")
    two.do(RetryPhase(project="shop", run=run, phase="dep"))
    assert two.status(run, "dep") == "waiting"


@pytest.mark.parametrize("kind", ["latest", "run"])
def test_behind_a_revoked_grant_nothing_further_is_heard_and_a_retry_asks_again(kind: str) -> None:
    two = Two() if kind == "latest" else Two(what={"kind": "run", "run": "inputs.release"})
    built = two.start("build", project=two.core, correlation_key="v1")
    run = two.start("release", inputs=f'{{"release": "{built if kind == "run" else "v1"}"}}')
    assert two.status(run, "dep") == "waiting"
    two.do(RevokeNeeds(project=two.core, to="shop"), project=two.core)
    (words,) = two.words(run)
    assert words.endswith("and that project does not let this one need its results any more")
    two.work_in(two.core, built, "make", output='{"package": "core-1"}')
    phase = two.run(run).phase("dep")
    assert (phase.status, phase.output) == ("parked", "")
    assert phase.reason == "there is no project core that lets this one need its results"
    two.do(RetryPhase(project="shop", run=run, phase="dep"))
    assert two.status(run, "dep") == "parked"
    two.grant(two.core, "shop")
    two.do(RetryPhase(project="shop", run=run, phase="dep"))
    assert two.status(run, "dep") == "succeeded"


def test_one_run_is_named_and_how_it_ends_is_told() -> None:
    two = Two(what={"kind": "run", "run": "inputs.release"})
    built = two.start("build", project=two.core)
    run = two.start("release", inputs=f'{{"release": "{built}"}}')
    gone = two.start("release")
    assert (two.status(run, "dep"), two.run(gone).phase("dep").reason) == ("waiting", "there is no run v1 in core")
    two.work_in(two.core, built, "make", well=False)
    phase = two.run(run).phase("dep")
    assert (phase.status, phase.reason) == ("failed", f"{built} has failed, and succeeded is wanted")


@pytest.mark.parametrize(("rule", "status"), [("fail", "failed"), ("skip", "skipped"), ("park", "parked")])
def test_it_is_waited_for_no_longer_than_to_the_deadline(rule: str, status: str) -> None:
    two = Two(deadline_seconds=60.0, on_deadline=rule)
    run, agenda = two.start("release"), Agenda()
    for one in two.log:
        agenda.observe(one)
    two.now = Instant(two.now + 60 * SECOND)
    for _, _, derived in agenda.due(two.now):
        two.do(derived.command)
    assert two.status(run, "dep") == status
    assert "did not come in time" in two.run(run).phase("dep").reason


def test_what_comes_while_the_run_is_paused_is_taken_and_nothing_begins() -> None:
    two = Two()
    run = two.start("release")
    two.do(PauseRun(project="shop", run=run))
    two.build()
    assert (two.status(run, "dep"), two.status(run, "ship")) == ("succeeded", "pending")
    two.do(ResumeRun(project="shop", run=run))
    assert two.status(run, "ship") == "offered"


def test_told_twice_it_is_taken_once() -> None:
    two = Two()
    run = two.start("release")
    built = two.build()
    before = len(two.log)
    for source in (built, topic_of(two.core, "build", "v1")):
        two.do(TellNeed(project="shop", run=run, source=source, owner=two.core))
    assert len(two.log) == before


REVISED = [("ignore", "running", "succeeded"), ("attention", "running", "succeeded"), ("pause", "paused", "succeeded")]


@pytest.mark.parametrize(("policy", "stands", "status"), [*REVISED, ("rework", "running", "waiting")])
def test_what_was_taken_back_is_told_to_who_took_it(policy: str, stands: str, status: str) -> None:
    two = Two(on_revised=policy)
    built = two.build()
    run = two.start("release")
    back = RollbackRun(project="core", run=built, reason="it is bad")
    two.do(back, project=two.core)
    (revised,) = two.said(UpstreamRevised)
    assert (revised.how, revised.policy) == ("rolled_back", policy)
    assert (two.stands(run), two.status(run, "dep")) == (stands, status)
    two.do(TellNeed(project="shop", run=run, source=built, owner=two.core))
    assert len(two.said(UpstreamRevised)) == 1
    if policy == "rework":
        two.build()
        assert (two.status(run, "dep"), two.run(run).phase("ship").generation) == ("succeeded", 2)


def test_a_run_that_has_succeeded_stays_so_and_a_person_is_told() -> None:
    two = Two(on_revised="rework")
    built = two.build()
    run = two.start("release")
    two.succeed(run, "ship")
    two.do(RollbackRun(project="core", run=built, reason="it is bad"), project=two.core)
    (revised,) = two.said(UpstreamRevised)
    assert (revised.policy, two.stands(run)) == ("attention", "succeeded")


def test_a_circle_over_projects_is_refused_with_the_way() -> None:
    two = Two()
    two.grant(two.project, "core")
    two.publish(
        "build", external("back", project="shop", what={"kind": "latest", "pipeline": "release"}), project=two.core
    )
    release = two.start("release")
    build = two.start("build", project=two.core, correlation_key="v1")
    phase = two.run(build).phase("back")
    way = f"build {build} waits for release {release} waits for build {build}"
    assert (phase.status, phase.reason) == ("parked", f"it would wait for itself: {way}")


def test_of_several_ways_around_the_first_by_its_runs_is_told_wherever_it_is_decided() -> None:
    two = Two()
    two.grant(two.project, "core")
    releases = [two.start("release") for _ in range(6)]
    back = external("back", project="shop", what={"kind": "latest", "pipeline": "release"})
    two.publish("build", back, project=two.core)
    build = two.start("build", project=two.core, correlation_key="v1")
    assert f"waits for release {min(releases)} waits for" in two.run(build).phase("back").reason


def test_a_circle_through_a_parent_and_one_of_its_own_are_refused_too() -> None:
    two = Two()
    two.grant(two.project, "core")
    two.publish("whole", nested("sub", pipeline="release"))
    whole = two.start("whole")
    of_whole = {"kind": "latest", "pipeline": "whole"}
    two.publish("build", external("back", project="shop", what=of_whole), project=two.core)
    build = two.start("build", project=two.core, correlation_key="v1")
    assert f"waits for whole {whole} waits for release" in two.run(build).phase("back").reason
    two.publish("self", external("me", project="shop", what={"kind": "latest", "pipeline": "self"}))
    assert two.status(two.start("self"), "me") == "parked"


def test_what_is_done_anew_for_a_revised_fact_does_not_keep_another_phase_from_hearing_it() -> None:
    two = Two()
    built = two.start("build", project=two.core)
    said: dict[str, Any] = {"what": {"kind": "run", "run": f"'{built}'"}, "accept": ["succeeded", "failed"]}
    late = external("late", "between", **said)
    two.publish("pair", external("early", on_revised="rework", **said), work("between"), late, work("x", "early"))
    run = two.start("pair")
    two.work_in(two.core, built, "make", well=False)
    two.now = Instant(two.now + SECOND)
    two.do(RetryPhase(project=two.core, run=built, phase="make"), project=two.core)
    two.succeed(run, "between")
    assert [two.status(run, place) for place in ("early", "late")] == ["succeeded", "waiting"]
    two.work_in(two.core, built, "make", output='{"package": "core-1"}')
    assert two.run(run).phase("early").generation == 2
    assert [two.status(run, place) for place in ("early", "late", "x")] == ["succeeded", "succeeded", "offered"]


def test_the_end_of_a_run_that_is_heard_behind_a_later_one_is_not_the_latest() -> None:
    two = Two()
    first = two.build()
    two.now = Instant(two.now + SECOND)
    second = two.build()
    two.do(PublishFact(project=two.core, run=first, correlation_key="v1"), project=two.core)
    assert two.states[topic_of(two.core, "build", "v1")].latest.run == second


def test_whoever_waits_for_the_next_fact_behind_the_one_that_came_hears_it() -> None:
    two = Two()
    what = {"kind": "latest", "pipeline": "build"}
    one, other = (external(key, *needs, what=what, match="future_only") for key, needs in (("a", ()), ("b", ("a",))))
    two.publish("both", one, other)
    run = two.start("both")
    two.now = Instant(two.now + SECOND)
    two.build()
    assert (two.status(run, "a"), two.status(run, "b")) == ("succeeded", "waiting")
    two.now = Instant(two.now + SECOND)
    two.build()
    assert (two.status(run, "b"), two.stands(run)) == ("succeeded", "succeeded")
    assert not two.states[topic_of(two.core, "build", "")].awaited_by


def test_a_loop_may_only_wait_for_another_project_until_what_comes_is_enough() -> None:
    two = Two()
    until = "phases.dep.output.output.package == 'core-2'"
    what = {"kind": "latest", "pipeline": "build"}
    dep = external("dep", what=what, match="future_only")
    two.publish("watch", RepeatPhase(key="each", phases=(dep,), until=until, max_iterations=5))
    run = two.start("watch")
    for iteration in (1, 2):
        assert two.status(run, f"each/{iteration}/dep") == "waiting"
        two.now = Instant(two.now + SECOND)
        two.build()
    two.now = Instant(two.now + SECOND)
    last = two.start("build", project=two.core)
    two.work_in(two.core, last, "make", output='{"package": "core-2"}')
    assert (two.run(run).phase("each").iteration, two.stands(run)) == (3, "succeeded")


def test_an_iteration_that_took_what_was_there_already_is_no_other() -> None:
    two = Two()
    two.build()
    dep = external("dep", what={"kind": "latest", "pipeline": "build"}, deadline_seconds=60.0)
    two.publish("watch", RepeatPhase(key="each", phases=(dep,), until="false", max_iterations=5))
    run = two.start("watch")
    assert (two.status(run, "each"), two.run(run).phase("each").iteration) == ("parked", 1)
