"""A paused run goes over to another version: what has settled counts, and can be taken back as it was made."""

from typing import Any

import pytest

from domain.dispatch.run_migrate import MigrationPlanned
from domain.kernel.ids import StreamId, derived_id
from domain.kernel.pipeline.definition import Definition, RepeatPhase
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.pipeline.commands import DeprecateDefinition
from domain.pipeline.errors import VersionNotPublished, VersionUnknown
from domain.principal.events import KeyIssued
from domain.run.commands import (
    AcceptDrift,
    ForkRun,
    MigrateRun,
    PauseRun,
    PhaseMapping,
    ResolveUndo,
    ResumeRun,
    ReworkPhases,
    RollbackRun,
    StartRun,
)
from domain.run.errors import BehindNoReturn, MigrationRefused, RunMovedOn, RunNotInState
from domain.run.migrate_events import RunMigrated
from domain.run.rework import stale
from domain.task.commands import ApplyPlan
from domain.task.state import Settled
from projections.gate_inbox.projection import GATE_INBOX
from projections.kernel.replay import replay
from projections.pipeline_runs.projection import PIPELINE_RUNS
from projections.run_phases.projection import RUN_PHASES
from tests.decisions.test_run_gate import gate
from tests.support.fleet import a_task, accepted
from tests.support.nested import Yard, nested
from tests.support.runs import ONCE, branch, join, work

BACK = Undo(task=TaskSpec(title="Take it back", run="v1"))


def a_run(*phases: Any, done: tuple[str, ...] = (), paused: bool = True, **said: Any) -> tuple[Yard, str]:
    yard = Yard()
    yard.publish("plain", *phases, **said)
    run = yard.start("plain")
    yard.succeed(run, *done)
    if paused:
        yard.do(PauseRun(project="shop", run=run))
    return yard, run


def migrated(yard: Yard, run: str, **said: Any) -> MigrationPlanned:
    answer = yard.do(MigrateRun(project="shop", run=run, reason="a mend", **said))
    assert isinstance(answer, MigrationPlanned)
    return answer


def refused(yard: Yard, run: str, **said: Any) -> tuple[str, ...]:
    rejection = yard.ask(MigrateRun(project="shop", run=run, reason="a mend", **said)).rejection
    assert isinstance(rejection, MigrationRefused)
    planned = migrated(yard, run, dry_run=True, **said)
    assert (planned.done, planned.refused, rejection.first) == (False, rejection.reasons, rejection.reasons[0])
    return rejection.reasons


def go_on(yard: Yard, run: str) -> None:
    yard.do(ResumeRun(project="shop", run=run))


def rows(yard: Yard, projection: Any = RUN_PHASES) -> dict[str, Any]:
    return {key.partition("/")[2] or key: row for key, row in replay(projection, yard.log).items()}


def a_key(yard: Yard, role: Any) -> str:
    stream = derived_id("key", yard.now, (role,))
    issued = KeyIssued(name=role, role=role, projects=(), digest="", expires_at=None, at=yard.now)
    yard.given(stream, issued)
    return stream


def under(key: str, phase: Any) -> Any:
    """The same under another key."""
    return phase.model_copy(update={"key": key})


def mapped(**names: str) -> tuple[PhaseMapping, ...]:
    return tuple(PhaseMapping(before=before, after=after) for before, after in names.items())


def drift(*keys: str) -> tuple[AcceptDrift, ...]:
    return tuple(AcceptDrift(phase=key, reason="it does not matter here") for key in keys)


def test_what_has_settled_is_kept_and_the_rest_is_walked_by_the_version() -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", work("a"), work("b", "a", task={"body": "otherwise"}), work("c", "b"))
    before = yard.run(run).phase("b").task
    told = migrated(yard, run)
    assert (told.done, told.version) == (True, 2)
    assert (told.kept, told.anew, told.new, told.dropped, told.gone) == (("a",), ("b",), ("c",), (), ())
    assert yard.stands(run) == "paused"
    old = yard.states[StreamId(before)]
    assert isinstance(old.phase, Settled)
    assert old.phase.outcome == "cancelled"
    go_on(yard, run)
    task = yard.run(run).phase("b").task
    assert (task != before, yard.run(run).phase("b").generation) == (True, 2)
    assert yard.states[StreamId(task)].plan.body == "otherwise"
    yard.succeed(run, "b", "c")
    assert (yard.stands(run), yard.run(run).queued.version, stale(yard.run(run))) == ("succeeded", 2, ())
    assert {key: row.status for key, row in rows(yard).items()} == dict.fromkeys("abc", "succeeded")
    row = rows(yard, PIPELINE_RUNS)[run]
    assert (row.version, row.phases_total, row.phases_settled, row.status) == (2, 3, 3, "succeeded")


def test_what_is_under_way_and_the_same_goes_on_as_it_is() -> None:
    yard, run = a_run(work("a"), work("b"))
    yard.publish("plain", work("a"), work("b"), work("c", "a"))
    tasks = [yard.run(run).phase(key).task for key in "ab"]
    assert migrated(yard, run).kept == ("a", "b")
    go_on(yard, run)
    assert [yard.run(run).phase(key).task for key in "ab"] == tasks
    yard.succeed(run, "a", "b", "c")
    assert yard.stands(run) == "succeeded"


def test_a_parked_phase_is_mended_by_a_version_that_does_it_otherwise() -> None:
    yard, run = a_run(work("a", on_exhausted="park"), work("b", "a"), paused=False)
    yard.go_wrong(run, "a")
    assert yard.status(run, "a") == "parked"
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", work("a", task={"run": "better"}), work("b", "a"))
    assert migrated(yard, run).anew == ("a",)
    go_on(yard, run)
    assert yard.states[StreamId(yard.run(run).phase("a").task)].plan.run == "better"
    yard.succeed(run, "a", "b")
    assert yard.stands(run) == "succeeded"


def test_only_a_paused_run_goes_over_and_none_that_has_ended() -> None:
    yard, run = a_run(work("a"), paused=False)
    yard.publish("plain", work("a"), work("b", "a"))
    assert refused(yard, run) == ("the run is running: pause it first",)
    yard.do(PauseRun(project="shop", run=run))
    migrated(yard, run)
    go_on(yard, run)
    yard.succeed(run, "a", "b")
    rejection = yard.ask(MigrateRun(project="shop", run=run, version=1, reason="back")).rejection
    assert isinstance(rejection, RunNotInState)


def test_nobody_may_be_at_work_for_it() -> None:
    yard, run = a_run(work("a"), work("b", "a"), paused=False)
    task, token = yard.begin(run, "a")
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", work("a"), work("b", "a"), work("c"))
    assert refused(yard, run) == ("a: somebody works on it: wait for the end of that, or cancel its task",)
    yard.do(ResumeRun(project="shop", run=run))
    yard.do(PauseRun(project="shop", run=run))
    yard.complete(task, token)
    yard.react()
    assert migrated(yard, run).kept == ("a",)


def test_asked_twice_it_is_done_once_and_the_same_content_is_no_other_version() -> None:
    yard, run = a_run(work("a"))
    yard.publish("plain", work("a"), work("b"))
    assert migrated(yard, run).done
    seen = len(yard.log)
    assert not migrated(yard, run).done
    assert len(yard.log) == seen


def test_a_version_that_nothing_starts_of_is_none_to_go_over_to() -> None:
    yard, run = a_run(work("a"))
    yard.publish("plain", work("a"), work("b"))
    yard.do(DeprecateDefinition(project="shop", pipeline="plain", version=2))
    command = MigrateRun(project="shop", run=run, version=2, reason="a mend")
    assert isinstance(yard.ask(command).rejection, VersionNotPublished)
    command = MigrateRun(project="shop", run=run, version=7, reason="a mend")
    assert isinstance(yard.ask(command).rejection, VersionUnknown)


def test_a_revision_that_has_passed_is_refused() -> None:
    yard, run = a_run(work("a"))
    yard.publish("plain", work("a"), work("b"))
    command = MigrateRun(project="shop", run=run, reason="a mend", expected_revision=1)
    assert isinstance(yard.ask(command).rejection, RunMovedOn)


def test_a_settled_phase_that_is_another_counts_only_where_that_is_accepted_with_a_reason() -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", work("a", task={"body": "otherwise"}), work("b", "a"))
    assert refused(yard, run) == ("a: it has settled, and its definition is another: accept that with a reason",)
    told = migrated(yard, run, accept_drift=drift("a"))
    assert (told.kept, told.drifted) == (("a", "b"), ("a: it does not matter here",))
    go_on(yard, run)
    yard.succeed(run, "b")
    assert yard.stands(run) == "succeeded"


def test_a_settled_phase_of_another_kind_never_counts() -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", join("a"), work("b", "a"))
    reasons = refused(yard, run, accept_drift=drift("a"))
    assert reasons == ("a: it has settled, and is a join in the version",)


def test_a_new_phase_before_a_settled_one_is_refused_unless_it_is_skipped() -> None:
    yard, run = a_run(work("a"), work("b", "a"), work("c", "b"), done=("a", "b"))
    yard.publish("plain", work("a"), work("x", "a"), work("b", "a", "x"), work("c", "b"))
    assert refused(yard, run) == ("x: it would come before b, which has settled: have it skipped",)
    told = migrated(yard, run, skip=("x",))
    assert (told.skipped, told.new) == (("x",), ("x",))
    assert yard.status(run, "x") == "skipped"
    go_on(yard, run)
    yard.succeed(run, "c")
    assert yard.stands(run) == "succeeded"


def test_an_open_phase_that_had_been_beside_a_settled_one_may_not_come_before_it() -> None:
    yard, run = a_run(work("a"), work("b"), done=("a",))
    yard.publish("plain", work("b"), work("a", "b"))
    assert refused(yard, run) == ("b: it would come before a, which has settled: have it skipped",)
    assert refused(yard, run, skip=("b",))[0] == "b: it has begun or settled, and only what has not is skipped"


def test_what_came_before_it_unsettled_may_still_do_so() -> None:
    yard, run = a_run(work("a"), work("b"), work("c", "a", "b", join="any"), work("d", "c"), done=("a", "c"))
    yard.publish("plain", work("a"), work("b"), work("c", "a", "b", join="any"), work("d", "c"), work("e", "d"))
    assert migrated(yard, run).kept == ("a", "b", "c", "d")
    go_on(yard, run)
    yard.succeed(run, "b", "d", "e")
    assert yard.stands(run) == "succeeded"


def test_a_settled_phase_may_have_another_key_there() -> None:
    made, took = (ValueField(name="made"),), (Binding(name="made", value="phases.a.output.made"),)
    yard, run = a_run(work("a", outputs=made), work("b", "a", inputs=took), paused=False)
    yard.succeed(run, "a", output='{"made": "x"}')
    yard.do(PauseRun(project="shop", run=run))
    took = (Binding(name="made", value="phases.first.output.made"),)
    yard.publish("plain", under("first", work("a", outputs=made)), work("b", "first", inputs=took))
    assert "a: it has settled, and the version does not have it: accept that with a reason" in refused(yard, run)
    told = migrated(yard, run, mapping=mapped(a="first"))
    assert (told.moved, told.kept, told.anew, told.gone) == (("a -> first",), ("first",), ("b",), ())
    go_on(yard, run)
    assert yard.states[StreamId(yard.run(run).phase("b").task)].plan.input == '{"made":"x"}'
    yard.succeed(run, "b")
    assert (yard.stands(run), yard.run(run).phase("a").status) == ("succeeded", "pending")
    found = rows(yard)
    assert set(found) == {"first", "b"}
    assert (found["first"].status, found["first"].output, found["first"].effect) == ("succeeded", '{"made":"x"}', True)
    # Doing it anew under its new key makes another task, and has what took from it done anew as well.
    other = yard.do(ForkRun(project="shop", run=run, phases=("first",)))
    assert [one.partition(":")[0] for one in other.anew] == ["first", "b"]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("z", "first", "z: there is no such phase to be mapped"),
        ("b", "first", "b: the version has it as well, and what has the same key is the same phase"),
        ("a", "second", "a: the version has no phase second"),
        ("a", "b", "a: b is another phase already"),
    ],
)
def test_a_mapping_leads_from_a_key_that_is_gone_to_one_that_is_new(before: str, after: str, why: str) -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", under("first", work("a")), work("b", "first"))
    assert refused(yard, run, mapping=mapped(**{before: after}))[0] == why


def test_what_a_run_of_its_own_has_done_keeps_its_key() -> None:
    yard, run = _with_a_nested_run()
    yard.publish("plain", nested("first"), work("b", "first"))
    assert refused(yard, run, mapping=mapped(a="first"))[0] == "a: a pipeline keeps its key"


def _with_a_nested_run() -> tuple[Yard, str]:
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", nested("a"), work("b", "a"))
    run = yard.start("plain")
    yard.succeed(yard.child(run, "a"), "x")
    yard.do(PauseRun(project="shop", run=run))
    return yard, run


def test_a_key_that_was_moved_away_is_no_new_phase() -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", under("first", work("a")), work("b", "first"))
    migrated(yard, run, mapping=mapped(a="first"))
    yard.publish("plain", work("a"), under("first", work("a", "a")), work("b", "first"))
    assert "a: this was the key of first: map first to it, or name it otherwise" in refused(yard, run)
    back = migrated(yard, run, version=1, mapping=mapped(first="a"))
    assert (back.moved, yard.status(run, "a")) == (("first -> a",), "succeeded")
    go_on(yard, run)
    yard.do(ReworkPhases(project="shop", run=run, phases=("a",), reason="once more", accept_repeat="fine"))
    assert yard.run(run).phase("a").generation == 2
    yard.succeed(run, "a", "b")
    assert yard.stands(run) == "succeeded"


def test_the_effect_of_a_phase_that_is_gone_is_taken_back_as_it_was_made() -> None:
    yard, run = a_run(work("a", undo=BACK), work("b", "a"), done=("a",))
    yard.publish("plain", work("b"))
    told = migrated(yard, run, accept_drift=drift("a"))
    assert (told.gone, told.anew) == (("a",), ("b",))
    assert rows(yard)["a"].status == "succeeded"
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    (entry,) = [one for one in yard.run(run).ledger.values() if one.undo == "undoing"]
    assert (entry.place, yard.states[StreamId(entry.undo_task)].plan.run) == ("a", "v1")
    yard.take_back(run, "a")
    assert (yard.stands(run), yard.run(run).ledger["a@1"].undo, rows(yard)["a"].undo) == (
        "cancelled",
        "undone",
        "undone",
    )


def test_the_effect_of_a_phase_that_drifted_is_taken_back_as_it_was_made_and_the_next_as_the_version_says() -> None:
    other = Undo(task=TaskSpec(title="Take it back", run="v2"))
    yard, run = a_run(work("a", undo=BACK), work("b", "a"), done=("a",))
    yard.publish("plain", work("a", undo=other), work("b", "a"))
    migrated(yard, run, accept_drift=drift("a"))
    go_on(yard, run)
    yard.do(ReworkPhases(project="shop", run=run, phases=("a",), reason="x", accept_repeat="both"))
    yard.succeed(run, "a")
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    said = []
    for _ in range(2):
        (entry,) = [one for one in yard.run(run).ledger.values() if one.undo == "undoing"]
        said.append((entry.generation, yard.states[StreamId(entry.undo_task)].plan.run))
        yard.take_back(run, "a")
    assert said == [(2, "v2"), (1, "v1")]


def test_a_run_that_has_ended_takes_back_what_is_gone_by_another_run() -> None:
    yard, run = a_run(work("a", undo=BACK), work("b", "a"), done=("a",))
    yard.publish("plain", work("b", effect="pure"))
    migrated(yard, run, accept_drift=drift("a"))
    go_on(yard, run)
    yard.succeed(run, "b")
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    back = yard.run(run).rolled_back_by
    assert yard.undoing(back) == ["a"]
    yard.take_back(back, "a")
    assert (yard.stands(run), yard.stands(back)) == ("succeeded", "succeeded")


def test_the_effect_of_a_moved_phase_is_found_under_its_key_of_now() -> None:
    yard, run = a_run(work("a", undo=BACK), work("b", "a", effect="pure"), done=("a",))
    yard.publish("plain", under("first", work("a", undo=BACK)), work("b", "first", effect="pure"))
    migrated(yard, run, mapping=mapped(a="first"))
    go_on(yard, run)
    planned = yard.do(ReworkPhases(project="shop", run=run, phases=("first",), reason="x", undo=True, dry_run=True))
    assert (planned.undone, planned.redone) == (("first",), ("first", "b"))
    yard.do(ReworkPhases(project="shop", run=run, phases=("first",), reason="x", undo=True))
    yard.take_back(run, "first")
    assert yard.run(run).phase("first").generation == 2
    yard.succeed(run, "first", "b")
    assert yard.stands(run) == "succeeded"


def test_a_point_of_no_return_holds_although_the_version_does_not_have_it() -> None:
    yard, run = a_run(work("a", undo=BACK), work("p", "a", point_of_no_return=True), work("b", "p"), done=("a", "p"))
    yard.publish("plain", work("a", undo=BACK), work("b", "a"))
    migrated(yard, run, accept_drift=drift("p"))
    rejection = yard.ask(RollbackRun(project="shop", run=run, reason="no")).rejection
    assert isinstance(rejection, BehindNoReturn)


def test_what_takes_from_a_phase_that_is_gone_is_not_stale_for_ever() -> None:
    yard, run = a_run(work("a"), work("b", "a"), work("c", "b"), done=("a", "b"))
    yard.publish("plain", work("b"), work("c", "b"))
    migrated(yard, run, accept_drift=drift("a"))
    assert stale(yard.run(run)) == ()
    go_on(yard, run)
    yard.succeed(run, "c")
    assert yard.stands(run) == "succeeded"


def test_a_phase_that_comes_back_stands_as_it_did() -> None:
    yard, run = a_run(work("a"), work("b", "a"), done=("a",))
    yard.publish("plain", work("b"))
    migrated(yard, run, accept_drift=drift("a"))
    told = migrated(yard, run, version=1)
    assert (told.kept, told.anew, told.new) == (("a",), (), ())
    assert (yard.status(run, "a"), len(yard.run(run).former)) == ("succeeded", 0)
    go_on(yard, run)
    yard.succeed(run, "b")
    assert yard.stands(run) == "succeeded"


def test_whoever_may_not_override_takes_no_open_question_away() -> None:
    yard, run = a_run(gate("ask"), work("b", "ask"))
    yard.publish("plain", work("b"))
    assert refused(yard, run) == ("ask: only who may override a gate may take it out or change it",)
    command = MigrateRun(project="shop", run=run, reason="x")
    told = accepted(yard.ask(command, by=a_key(yard, "admin"))).answer
    assert isinstance(told, MigrationPlanned)
    assert told.dropped == ("ask",)
    assert set(rows(yard, GATE_INBOX)) == set()
    go_on(yard, run)
    yard.succeed(run, "b")
    assert yard.stands(run) == "succeeded"


def test_a_question_that_stays_as_it_is_keeps_its_votes() -> None:
    yard, run = a_run(gate("ask"), work("b", "ask"))
    yard.publish("plain", gate("ask"), work("b", "ask"), work("c", "b"))
    opened = yard.run(run).phase("ask").gate
    assert migrated(yard, run).kept == ("ask",)
    assert (yard.run(run).phase("ask").gate, rows(yard, GATE_INBOX)["ask"].status) == (opened, "open")


def test_a_run_of_a_phase_that_would_begin_anew_has_to_end_first() -> None:
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", nested("a"), work("b", "a"))
    run = yard.start("plain")
    child = yard.child(run, "a")
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", nested("a", on_exhausted="park"), work("b", "a"))
    assert refused(yard, run)[0] == f"a: its run {child} is under way: cancel it first"
    yard.publish("plain", nested("a"), work("b", "a"), work("c"))
    assert migrated(yard, run).kept == ("a",)
    go_on(yard, run)
    yard.succeed(child, "x")
    yard.succeed(run, "b", "c")
    assert yard.stands(run) == "succeeded"


def test_a_loop_that_has_changed_the_world_does_not_begin_anew() -> None:
    def loop(**said: Any) -> RepeatPhase:
        inner = (work("x"), work("y", "x"))
        return RepeatPhase(key="l", phases=inner, until="iteration == 2", max_iterations=2, **said)

    yard, run = a_run(loop(), paused=False)
    yard.succeed(run, "l/1/x")
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", loop(on_exhausted="park"))
    assert "has changed the world" in refused(yard, run)[0]


def test_inputs_that_the_version_wants_and_the_run_does_not_have_are_refused() -> None:
    yard, run = a_run(work("a"), inputs=(ValueField(name="old", required=False, default="x"),))
    yard.publish("plain", work("a"), work("b"), inputs=(ValueField(name="must"),))
    assert refused(yard, run) == ("the inputs of the run do not fit: must is missing",)
    yard.publish("plain", work("a"), work("c"), inputs=(ValueField(name="may", required=False, default="y"),))
    migrated(yard, run)
    assert yard.run(run).queued.inputs == '{"may":"y"}'


def test_another_deadline_gives_its_whole_time_from_when_the_run_goes_on() -> None:
    yard, run = a_run(work("a"), deadline_seconds=100)
    yard.publish("plain", work("a"), work("b"), deadline_seconds=500)
    paused_at = yard.run(run).paused_at
    yard.advance(50)
    migrated(yard, run)
    assert yard.run(run).deadline == (paused_at or 0) + 500_000_000
    yard.publish("plain", work("a"), work("c"))
    migrated(yard, run)
    assert yard.run(run).deadline is None


def test_a_repeated_start_still_finds_its_run() -> None:
    yard = Yard()
    yard.publish("plain", work("a"), inputs=(ValueField(name="who", required=False, default="x"),))
    start = StartRun(project="shop", pipeline="plain", idempotency_key="k", inputs='{"who": "y"}')
    run = yard.do(start).run
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", work("a"), work("b"))
    migrated(yard, run)
    again = yard.do(start)
    assert (again.run, again.created) == (run, False)


def test_a_branch_keeps_the_arm_that_it_took() -> None:
    way = branch("way", small="1 < 2", default="large")
    side, late = work("s", {"phase": "way", "arm": "small"}), work("t", {"phase": "way", "arm": "large"})
    yard, run = a_run(way, side, late)
    yard.publish("plain", way, side, late, work("u", {"phase": "way", "arm": "large"}), work("v", "s"))
    migrated(yard, run)
    go_on(yard, run)
    yard.succeed(run, "s", "v")
    assert (yard.stands(run), yard.status(run, "u")) == ("succeeded", "skipped")


def test_the_event_holds_all_that_decides_the_course_from_there_on() -> None:
    yard, run = a_run(work("a"))
    yard.publish("plain", work("a"), work("b"))
    migrated(yard, run)
    (event,) = [one.event for one in yard.log if isinstance(one.event, RunMigrated)]
    assert (event.before, event.version, event.reason) == (1, 2, "a mend")
    assert event.definition == Definition(name="plain", phases=(work("a"), work("b")))


def test_what_another_version_did_is_taken_back_one_after_the_other() -> None:
    chain = (work("a", undo=BACK), work("b", "a", undo=BACK), work("c", "b", effect="pure"))
    yard, run = a_run(*chain, done=("a", "b"), undo_parallel=True)
    beside = (work("a", undo=BACK), work("b", undo=BACK), work("c", effect="pure"))
    yard.publish("plain", *beside, undo_parallel=True)
    migrated(yard, run)
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    assert yard.undoing(run) == ["b"]
    yard.take_back(run, "b")
    assert yard.undoing(run) == ["a"]
    yard.take_back(run, "a")
    assert yard.stands(run) == "cancelled"


def test_what_a_run_of_a_phase_has_done_is_taken_back_although_the_phase_is_gone() -> None:
    yard = Yard()
    yard.publish("inner", work("x", undo=BACK))
    yard.publish("plain", nested("a"), work("b", "a"))
    run = yard.start("plain")
    child = yard.child(run, "a")
    yard.succeed(child, "x")
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", work("b"))
    migrated(yard, run, accept_drift=drift("a"))
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    back = yard.run(child).rolled_back_by
    yard.take_back(back, "x")
    assert (yard.stands(back), yard.stands(run)) == ("succeeded", "cancelled")


def test_locks_that_a_gate_kept_are_free_once_the_version_does_not_keep_them() -> None:
    scope = {"scope": ({"claim": "path:repo//src/**"},)}
    build = work("build", effect="pure", task=scope)
    yard, run = a_run(build, gate("ask", "build", keep_locks_seconds=600.0), done=("build",))
    yard.do(ApplyPlan(project="shop", tasks=(a_task("fix", scope=("path:repo//src/a.py",)),)))
    other = yard.a_session("other")
    assert yard.claim(other, yard.id_of("fix")).rejection is not None
    yard.publish("plain", build, gate("ask", "build"))
    accepted(yard.ask(MigrateRun(project="shop", run=run, reason="x"), by=a_key(yard, "admin")))
    yard.react()
    assert yard.claim(other, yard.id_of("fix")).rejection is None


def test_an_undo_that_failed_is_decided_about_although_its_phase_is_gone() -> None:
    back = Undo(task=TaskSpec(title="Take it back", retry=ONCE))
    yard, run = a_run(work("a", undo=back), work("b", "a"), done=("a",))
    yard.publish("plain", work("b"))
    migrated(yard, run, accept_drift=drift("a"))
    yard.do(RollbackRun(project="shop", run=run, reason="no"))
    yard.take_back(run, "a", well=False)
    assert yard.run(run).ledger["a@1"].undo == "failed"
    yard.do(ResolveUndo(project="shop", run=run, phase="a", how="skip", reason="it stays"))
    assert yard.stands(run) == "cancelled"
