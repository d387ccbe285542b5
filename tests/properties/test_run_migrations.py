"""Whatever version a run goes over to, and whenever: nothing that settled changes, and everything can be taken back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.run_migrate import MigrationPlanned
from domain.kernel.ids import StreamId
from domain.kernel.pipeline.definition import WorkPhase
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import AcceptDrift, MigrateRun, PauseRun, PhaseMapping, ResumeRun, RollbackRun
from domain.run.errors import MigrationRefused
from domain.run.evolve import RUN
from domain.run.migrate_events import RunMigrated
from domain.run.rework import stale
from domain.run.state import SETTLED, TERMINAL, Run
from infrastructure.history.refolding import refold
from infrastructure.runtime.state_codec import freeze, thaw
from projections.kernel.replay import replay
from projections.run_phases.projection import RUN_PHASES
from tests.support.exports import export_of
from tests.support.fleet import accepted
from tests.support.nested import Yard
from tests.support.runs import ONCE, edges, work

KEYS = ("a", "b", "c", "d")
FRESH = ("x", "y")


def of_version(key: str, body: str, needs: list[str]) -> WorkPhase:
    """A phase whose undo says by which version it was made."""
    undo = Undo(task=TaskSpec(title="Undo", body=body, retry=ONCE))
    return work(key, task={"body": body}, undo=undo, on_exhausted="park").model_copy(update={"needs": edges((*needs,))})


@st.composite
def chains(draw: st.DrawFn, keys: tuple[str, ...], bodies: tuple[str, ...]) -> tuple[WorkPhase, ...]:
    """Phases in some order, each behind some of those before it."""
    order = draw(st.permutations(draw(st.sets(st.sampled_from(keys), min_size=2).map(sorted))))
    found: list[WorkPhase] = []
    for number, key in enumerate(order):
        needs = sorted(draw(st.sets(st.sampled_from(order[:number]), max_size=2))) if number else []
        found.append(of_version(key, draw(st.sampled_from(bodies)), needs))
    return tuple(found)


@given(
    before=chains(KEYS, ("v1",)),
    after=chains((*KEYS, *FRESH), ("v1", "v2")),
    steps=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=5),
    renamed=st.booleans(),
)
@settings(max_examples=60)
def test_a_migration_keeps_what_settled_and_leaves_a_run_that_ends_and_is_taken_back(
    before: tuple[WorkPhase, ...], after: tuple[WorkPhase, ...], steps: list[tuple[int, bool]], *, renamed: bool
) -> None:
    yard = Yard()
    yard.publish("plain", *before)
    run = yard.start("plain")
    for number, well in steps:
        work_on(yard, run, number, well=well)
    if yard.stands(run) != "running":
        return
    yard.do(PauseRun(project="shop", run=run))
    yard.publish("plain", *after)
    was = yard.run(run)
    names = first_mapping(was, after) if renamed else {}
    answer = go_over(yard, run, names)
    if answer is None:
        return
    now = yard.run(run)
    assert thaw(RUN, freeze(now)) == now
    there = {phase.key for phase in after}
    for key, state in was.phases.items():
        place = names.get(key, key)
        if state.status in SETTLED:
            assert (now.phase(place).status, now.phase(place).generation) == (state.status, state.generation)
        elif place in there and place not in answer.anew:
            assert now.phase(place).task == state.task or now.phase(place).status == "skipped"
    assert [one.task for one in now.ledger.values()] == [one.task for one in was.ledger.values()] or names
    assert {one.task for one in now.ledger.values()} == {one.task for one in was.ledger.values()}
    told(yard, run)
    ends_and_is_taken_back(yard, run)


def go_over(yard: Yard, run: str, names: dict[str, str]) -> MigrationPlanned | None:
    """Ask until nothing stands against it that can be accepted; None where something does."""
    mapping = tuple(PhaseMapping(before=one, after=names[one]) for one in sorted(names))
    said: dict[str, Any] = {"project": "shop", "run": run, "reason": "r", "mapping": mapping}
    drift, skip = set[str](), set[str]()
    for _ in range(20):
        accept_drift = tuple(AcceptDrift(phase=one, reason="r") for one in sorted(drift))
        command = MigrateRun(**said, accept_drift=accept_drift, skip=tuple(sorted(skip)))
        seen = len(yard.log)
        planned = yard.do(command.model_copy(update={"dry_run": True}))
        assert isinstance(planned, MigrationPlanned)
        assert len(yard.log) == seen
        decision = yard.ask(command)
        if decision.rejection is None:
            assert planned.refused == ()
            yard.react()
            answer = decision.answer
            return answer if isinstance(answer, MigrationPlanned) and answer.done else None
        assert isinstance(decision.rejection, MigrationRefused)
        assert decision.rejection.reasons == planned.refused
        wanted = {one.partition(":")[0] for one in planned.refused if one.endswith("accept that with a reason")}
        passed = {one.partition(":")[0] for one in planned.refused if one.endswith("have it skipped")}
        if wanted <= drift and passed <= skip:
            return None  # what has begun would come before what has settled
        drift, skip = drift | wanted, skip | passed
    raise AssertionError("it was never told what stands against it")


def first_mapping(run: Run, after: tuple[WorkPhase, ...]) -> dict[str, str]:
    there = [phase.key for phase in after]
    gone = sorted(key for key in run.phases if key not in there and run.phase(key).status in SETTLED)
    known = {phase.key for phase in run.queued.definition.phases}
    fresh = sorted(key for key in there if key not in known)
    return {gone[0]: fresh[0]} if gone and fresh else {}


def work_on(yard: Yard, run: str, number: int, *, well: bool) -> None:
    offered = sorted(place for place, one in yard.run(run).phases.items() if one.status == "offered")
    if not offered or yard.stands(run) != "running":
        return
    place = offered[number % len(offered)]
    if well:
        yard.succeed(run, place)
    else:
        yard.go_wrong(run, place)


def told(yard: Yard, run: str) -> None:
    """The rows say of every phase of the definition what the run knows."""
    rows = {key: row for key, row in replay(RUN_PHASES, yard.log).items() if key.startswith(run)}
    state = yard.run(run)
    for phase in state.queued.definition.phases:
        row = rows[f"{run}/{phase.key}"]
        known = state.phase(phase.key)
        status = "pending" if known.status == "fired" else known.status
        assert (row.status, row.task or "") == (status, known.task)


def ends_and_is_taken_back(yard: Yard, run: str) -> None:
    yard.do(ResumeRun(project="shop", run=run))
    for _ in range(20):
        work_on(yard, run, 0, well=True)
    told(yard, run)
    assert stale(yard.run(run)) == ()
    state = yard.run(run)
    assert state.status == "succeeded" or any(one.status == "parked" for one in state.phases.values())
    tried = {one.task: one.place for one in state.ledger.values() if yard.states[StreamId(one.task)].attempts}
    if not tried and state.status in TERMINAL:
        return
    made = {one.task: yard.states[StreamId(one.task)].plan.body for one in state.ledger.values()}
    accepted(yard.ask(RollbackRun(project="shop", run=run, reason="r", grace_seconds=0)))
    yard.react()
    back = yard.run(run).rolled_back_by or run
    undone: dict[str, str] = {}
    while yard.undoing(back):
        (entry,) = [one for one in yard.run(back).ledger.values() if one.undo == "undoing"]
        undone[entry.task] = yard.states[StreamId(entry.undo_task)].plan.body
        yard.take_back(back, entry.place)
    assert undone == {task: made[task] for task in tried}
    assert [one.differences for one in refold(export_of(yard, run))] == [()] * (2 if back != run else 1)
    assert any(isinstance(one.event, RunMigrated) for one in yard.log)
