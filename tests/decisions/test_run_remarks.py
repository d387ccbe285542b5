"""What people say of a run changes nothing that it does; what they have seen does not ask them any more."""

from typing import Any

from domain.kernel.erasure_events import SubjectErased
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.work import Budget
from domain.run.budget_events import RunBudgetNoticed
from domain.run.commands import CancelRun, RollbackRun
from domain.run.errors import AnnotationsFull, RunErased, RunMovedOn
from domain.run.events import PhaseParked
from domain.run.need_events import UpstreamRevised
from domain.run.remark_commands import ANNOTATIONS_MAX, AnnotateRun, DismissRunAttention
from domain.run.remark_events import RunAnnotated, RunAttentionDismissed
from projections.attention.projection import ATTENTION
from projections.kernel.replay import replay
from projections.pipeline_runs.projection import ANNOTATIONS_SHOWN, PIPELINE_RUNS
from tests.decisions.test_run_budget import Purse
from tests.decisions.test_run_needs import Two
from tests.support.fleet import accepted
from tests.support.runs import Railway, work


def remark(railway: Railway, text: str, **said: Any) -> Any:
    return railway.ask(AnnotateRun(project="shop", run=railway.run_id, text=text, **said))


def asks(yard: Any) -> list[tuple[str, str]]:
    """What asks a person, of runs."""
    rows = replay(ATTENTION, [one for one in yard.log if type(one.event) in ATTENTION.handles])
    return sorted((row.topic, row.about) for row in rows.values() if row.stands and row.subject == "run")


def test_a_remark_is_kept_and_nothing_follows_also_of_a_run_that_has_ended() -> None:
    railway = Railway(work("a"), work("b", "a"))
    before = railway.statuses
    said = accepted(remark(railway, "the gateway is slow today", phase="a"))
    (write,) = said.writes
    assert write.events == (RunAnnotated(place="a", text="the gateway is slow today", by="key_owner", at=railway.now),)
    assert railway.statuses == before
    railway.do(CancelRun(project="shop", run=railway.run_id))
    accepted(remark(railway, "no longer wanted"))
    assert (railway.stands(), railway.run.annotations) == ("cancelled", 2)


def test_a_remark_names_a_phase_that_is_there_and_a_revision_that_is_now() -> None:
    railway = Railway(work("a"))
    assert isinstance(remark(railway, "x", phase="nowhere").rejection, UnknownThing)
    assert isinstance(remark(railway, "x", expected_revision=1).rejection, RunMovedOn)
    assert railway.ask(AnnotateRun(project="shop", run=railway.run_id, text="x", dry_run=True)).writes == ()
    assert railway.run.annotations == 0


def test_a_run_keeps_so_many_remarks_and_its_row_shows_the_latest() -> None:
    railway = Railway(work("a"))
    for number in range(ANNOTATIONS_SHOWN + 2):
        accepted(remark(railway, f"number {number}"))
    rows = replay(PIPELINE_RUNS, [one for one in railway.log if type(one.event) in PIPELINE_RUNS.handles])
    row = rows[railway.run_id]
    assert (row.annotations_total, row.annotations.count("number")) == (ANNOTATIONS_SHOWN + 2, ANNOTATIONS_SHOWN)
    assert 'number 1"' not in row.annotations
    assert f"number {ANNOTATIONS_SHOWN + 1}" in row.annotations
    one = RunAnnotated(place="", text="more", by="key", at=railway.now)
    railway.given(railway.run_id, *(one for _ in range(ANNOTATIONS_MAX)), project=railway.project)
    assert isinstance(remark(railway, "one too many").rejection, AnnotationsFull)


def test_a_fact_that_was_revised_behind_a_run_asks_until_somebody_has_seen_it() -> None:
    two = Two(on_revised="attention")
    built = two.build()
    run = two.start("release")
    two.succeed(run, "ship")
    seen = DismissRunAttention(project="shop", run=run, topic="revised_fact", phase="dep")
    assert accepted(two.ask(seen)).writes == ()
    two.do(RollbackRun(project="core", run=built, reason="it is bad"), project=two.core)
    assert asks(two) == [("revised_fact", run)]
    two.do(seen)
    assert asks(two) == []
    assert two.stands(run) == "succeeded"
    assert [one.place for one in two.said(RunAttentionDismissed)] == ["dep"]
    assert accepted(two.ask(seen)).writes == ()
    assert len(two.said(UpstreamRevised)) == 1


def test_a_run_whose_words_were_erased_asks_no_longer_than_until_somebody_has_seen_it() -> None:
    two = Two(on_revised="attention")
    built = two.build()
    run = two.start("release")
    two.succeed(run, "ship")
    erased = SubjectErased(subject=run, reason="17", asked_by="key_a", by="key_b", at=two.now)
    two.given(StreamId(run), erased, project=two.project)
    two.do(RollbackRun(project="core", run=built, reason="it is bad"), project=two.core)
    assert asks(two) == [("revised_fact", run)]
    assert isinstance(two.ask(AnnotateRun(project="shop", run=run, text="hm")).rejection, RunErased)
    two.do(DismissRunAttention(project="shop", run=run, topic="revised_fact", phase="dep"))
    assert asks(two) == []


def test_a_budget_that_is_nearly_spent_asks_until_somebody_has_seen_it() -> None:
    purse = Purse()
    purse.publish("ship", work("a"), work("b", "a"), budget=Budget(tokens=100), budget_soft=Budget(tokens=10))
    run = purse.start("ship")
    purse.spends(run, "a", 20)
    assert [one for one in purse.log if isinstance(one.event, RunBudgetNoticed)]
    assert asks(purse) == [("run_budget", run)]
    seen = DismissRunAttention(project="shop", run=run, topic="run_budget")
    purse.do(seen)
    assert asks(purse) == []
    assert accepted(purse.ask(seen)).writes == ()


def test_what_was_seen_of_a_phase_does_not_hide_what_it_asks_now() -> None:
    two, place = Two(on_revised="attention"), "dep"
    built = two.build()
    run = two.start("release")
    two.do(RollbackRun(project="core", run=built, reason="it is bad"), project=two.core)
    parked = PhaseParked(place=place, generation=1, kind="definition", reason="it cannot be told", at=two.now)
    two.given(StreamId(run), parked, project=two.project)
    assert asks(two) == [("parked_phase", run)]
    two.do(DismissRunAttention(project="shop", run=run, topic="revised_fact", phase=place))
    assert asks(two) == [("parked_phase", run)]
