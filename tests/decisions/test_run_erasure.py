"""Given, when, then: who erases what was said of a run, when, what goes with it, and what is left of it."""

from typing import Any

from pydantic_core import from_json, to_json

from domain.catalogue import REGISTRY, SEALINGS
from domain.dispatch.erasing import ErasureTaken
from domain.fact.decider import topic_of
from domain.fact.events import FactPublished
from domain.kernel.decider import Decision, fold
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.message import Event
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.sealing import ERASED, blanked, says
from domain.run.commands import CancelRun, ForkRun, ReviseEvidence, ReworkPhases, RollbackRun, StartRun
from domain.run.errors import RunErased, RunInside, RunUnsettled
from domain.run.evolve import RUN
from domain.task.commands import EraseSubject, RetryTask
from domain.task.errors import TaskErased, WordsOfRun
from tests.decisions.test_erasure import a_person
from tests.decisions.test_run_gate import Station, gate
from tests.support.fleet import accepted, events_of, refused
from tests.support.nested import Yard, nested
from tests.support.runs import work

WORD = "Zibeline"
SAID = f'{{"who": "{WORD}"}}'


def erase(yard: Any, subject: str, by: str = "", **said: Any) -> Decision:
    command = EraseSubject(project="shop", subject=subject, reason="she asked for it", **said)
    decision: Decision = yard.ask(command, by=by or a_person(yard, "owner", "owner"))
    return decision


def bare(event: Event) -> Event:
    """The event as it reads once its key is gone."""
    sealing, said = SEALINGS.get(event.TYPE), from_json(event.stored())
    fields = {} if sealing is None else sealing.fields
    gone = {name: blanked(kind, said[name], ERASED) for name, kind in fields.items() if says(kind, said[name])}
    return REGISTRY.read(event.TYPE, to_json(said | gone))


def worded() -> tuple[Yard, str, str]:
    """A run that has ended, with words wherever it has any, and the run inside of it."""
    yard = Yard()
    found = (ValueField(name="who"),)
    said = (Binding(name="who", value="phases.build.output.who"),)
    yard.publish("inner", work("build", outputs=found, effect="pure"), outputs=said, inputs=found)
    handed = ({"name": "who", "value": "inputs.who"},)
    first = work("first", inputs=handed, outputs=found, task={"body": "for ${who}"})
    sub = nested("sub", "first", inputs=handed)
    yard.publish("outer", first, sub, inputs=found, outputs=(Binding(name="who", value="phases.sub.output.who"),))
    run = yard.start("outer", inputs=SAID, correlation_key="night", idempotency_key="n-1")
    yard.succeed(run, "first", output=SAID)
    child = yard.child(run, "sub")
    yard.succeed(child, "build", output=SAID)
    assert (yard.stands(run), yard.stands(child)) == ("succeeded", "succeeded")
    return yard, run, child


def test_a_run_goes_with_its_tasks_and_with_the_runs_inside_of_it() -> None:
    yard, run, child = worded()
    tasks = sorted((*yard.run(run).tasks, *yard.run(child).tasks))
    dry = accepted(erase(yard, run, dry_run=True))
    assert events_of(dry) == ()
    done = accepted(erase(yard, run))
    assert isinstance(dry.answer, ErasureTaken)
    assert isinstance(done.answer, ErasureTaken)
    assert done.answer.with_it == dry.answer.with_it == (child, *tasks)
    assert (done.answer.erased, done.answer.stays_readable, done.answer.with_it_total) == (True, False, 1 + len(tasks))
    erased = {one.subject for one in events_of(done) if isinstance(one, SubjectErased)}
    assert erased == {run, child, *tasks}
    left = repr([yard.states[StreamId(name)] for name in (run, child, *tasks)])
    assert WORD not in left
    assert ERASED in left
    assert events_of(accepted(erase(yard, run))) == ()


def test_what_was_published_of_it_is_said_once_more_without_the_words() -> None:
    yard, run, _ = worded()
    topics = [topic_of(yard.project, "outer", key) for key in ("", "night")]
    for topic in topics:
        assert WORD in repr(yard.states[topic])
    erase(yard, run)
    yard.react()
    for topic in topics:
        latest = yard.states[topic].latest
        assert isinstance(latest, FactPublished)
        assert (latest.run, latest.outcome, latest.output) == (run, "succeeded", f'"{ERASED}"')
    assert all(WORD not in repr(state) for state in yard.states.values())


def test_a_fold_of_its_erased_events_is_what_it_had_come_to_without_its_words() -> None:
    yard, run, child = worded()
    station = Station(gate("ask", evidence=[{"name": "plan", "subject": "plan", "value": "'x'"}]))
    station.do(ReviseEvidence(project="shop", run=station.run_id, phase="ask", name="plan", value=f'"{WORD}"'))
    station.vote("ann", "reject", comment=WORD)
    for world, stream in ((yard, run), (yard, child), (station, station.run_id)):
        events = tuple(one.event for one in world.log if one.stream == stream)
        over = SubjectErased(subject=stream, reason="17", asked_by="key_a", by="key_b", at=world.now)
        whole, without = fold(RUN, (*events, over)), fold(RUN, (*map(bare, events), over))
        assert WORD in repr(events)
        assert WORD not in repr(without)
        assert whole == without


def test_it_takes_a_second_person_and_the_first_may_ask_as_often_as_he_likes() -> None:
    yard, run, _ = worded()
    ann, bob = a_person(yard, "ann"), a_person(yard, "bob")
    asked = accepted(erase(yard, run, ann))
    assert [type(event) for event in events_of(asked)] == [SubjectErasureAsked]
    assert events_of(accepted(erase(yard, run, ann))) == ()
    assert yard.run(run).erasure_asked_by == ann
    done = accepted(erase(yard, run, bob))
    assert {(one.asked_by, one.by) for one in events_of(done) if isinstance(one, SubjectErased)} == {(ann, bob)}


def test_what_is_inside_of_a_run_is_not_erased_without_it() -> None:
    yard, run, child = worded()
    assert refused(erase(yard, child), RunInside).root == run
    (task,) = yard.run(child).tasks
    assert refused(erase(yard, task), WordsOfRun).run == run
    refused(erase(yard, f"{run[:-1]}x" if run[-1] != "x" else f"{run[:-1]}y"), UnknownThing)


def test_the_run_that_took_back_what_it_did_goes_with_it() -> None:
    yard, run, _ = worded()
    yard.do(RollbackRun(project="shop", run=run, reason=WORD, grace_seconds=0))
    other = yard.run(run).rolled_back_by
    assert other
    if yard.stands(other) not in ("succeeded", "failed", "cancelled"):
        refused(erase(yard, run), RunUnsettled)
        for place in list(yard.undoing(other)):
            yard.take_back(other, place)
    assert refused(erase(yard, other), RunInside).root == run
    done = accepted(erase(yard, run)).answer
    assert isinstance(done, ErasureTaken)
    assert other in done.with_it
    yard.react()
    assert all(WORD not in repr(state) for state in yard.states.values())


def test_what_somebody_may_still_need_is_not_erased() -> None:
    yard = Yard()
    yard.publish("plain", work("build"))
    run = yard.start("plain")
    assert refused(erase(yard, run), RunUnsettled).status == "running"
    yard.begin(run, "build")
    yard.do(CancelRun(project="shop", run=run, reason=WORD, grace_seconds=60))
    refused(erase(yard, run), RunUnsettled)


def test_of_a_run_from_before_there_were_keys_it_is_told_that_its_words_stay() -> None:
    station = Station(gate("ask"))
    station.vote("ann")
    assert station.stands() == "succeeded"
    answer = accepted(erase(station, station.run_id)).answer
    assert isinstance(answer, ErasureTaken)
    assert answer.stays_readable


def test_nothing_is_done_with_an_erased_run() -> None:
    yard, run, child = worded()
    erase(yard, run)
    said: dict[str, Any] = {"project": "shop", "run": run}
    for command in (
        ReworkPhases(**said, phases=("first",), reason="anew"),
        ForkRun(**said),
        RollbackRun(**said, reason="back", grace_seconds=0),
        CancelRun(**said),
        StartRun(project="shop", pipeline="outer", inputs=SAID, idempotency_key="n-1"),
    ):
        assert refused(yard.ask(command), RunErased).run == run
    (task,) = yard.run(child).tasks
    refused(yard.ask(RetryTask(project="shop", task=task)), TaskErased)
