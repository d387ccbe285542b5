"""A fork takes over what would do the same and took the same, and does the rest anew; its source stays as it is."""

from typing import Any

import pytest

from domain.dispatch.run_fork import RunForked
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.kernel.pipeline.words import Binding, ValueField
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.pipeline.commands import DeprecateDefinition
from domain.pipeline.errors import VersionNotPublished, VersionUnknown
from domain.run.commands import ForkRun, OverrideGate, ReworkPhases, RollbackRun
from domain.run.errors import InputsUnfit, RunMovedOn
from domain.run.fork_events import PhaseAdopted
from projections.gate_inbox.projection import GATE_INBOX
from projections.kernel.replay import replay
from tests.decisions.test_explain_run import told
from tests.decisions.test_run_gate import gate
from tests.support.nested import Yard
from tests.support.runs import ONCE, branch, work

WHO = ValueField(name="who", required=False, default="one")
SAID = (Binding(name="who", value="inputs.who"),)
MADE = (ValueField(name="made"),)
TOOK = (Binding(name="made", value="phases.a.output.made"),)


def a_chain(*, done: int = 4, **second: Any) -> tuple[Yard, str]:
    """a, then b that takes from it, and c beside them that speaks of an input, then d behind both."""
    yard = Yard()
    yard.publish("plain", *phases(**second), inputs=(WHO,))
    run = yard.start("plain")
    for place in ("a", "c", "b", "d")[:done]:
        yard.succeed(run, place, output='{"made": "x"}' if place == "a" else "")
    return yard, run


def phases(**second: Any) -> tuple[Any, ...]:
    first = work("a", outputs=MADE, effect="pure")
    return first, work("b", "a", inputs=TOOK, **second), work("c", inputs=SAID), work("d", "b", "c", effect="pure")


def forked(yard: Yard, run: str, **said: Any) -> RunForked:
    answer = yard.do(ForkRun(project="shop", run=run, **said))
    assert isinstance(answer, RunForked)
    return answer


def test_what_is_named_and_all_that_took_from_it_is_done_anew_and_the_rest_counts_as_it_settled() -> None:
    yard, run = a_chain()
    other = forked(yard, run, phases=("b",))
    assert other.adopted == ("a", "c")
    assert [one.partition(":")[0] for one in other.anew] == ["b", "d"]
    assert [yard.status(other.run, place) for place in "abcd"] == ["succeeded", "offered", "succeeded", "pending"]
    assert yard.states[StreamId(yard.run(other.run).phase("b").task)].plan.input == '{"made":"x"}'
    assert (yard.stands(run), yard.run(other.run).queued.forked_from) == ("succeeded", run)
    adopted = [one.event for one in yard.log if isinstance(one.event, PhaseAdopted)]
    assert {(one.place, one.run, one.source_generation) for one in adopted} == {("a", run, 1), ("c", run, 1)}
    yard.succeed(other.run, "b", "d")
    assert yard.stands(other.run) == "succeeded"


def noted(yard: Yard, run: str) -> list[str]:
    return [one.words for one in told(yard, run).reasons if one.code == "source_moved_on"]


def test_what_the_source_takes_back_later_stays_as_it_was_taken_over_and_the_explanation_says_so() -> None:
    undo = Undo(task=TaskSpec(title="Undo b", retry=ONCE))
    yard, run = a_chain(undo=undo)
    other = forked(yard, run, phases=("d",)).run
    assert noted(yard, other) == []
    yard.do(RollbackRun(project="shop", run=run, reason="it is bad"))
    assert noted(yard, other) == [f"it took over b, which run {run} has taken back or done anew since"]
    assert yard.status(other, "b") == "succeeded"
    third = forked(yard, other, phases=("d",)).run
    assert noted(yard, third) == noted(yard, other), "what a fork took over holds no longer for a fork of it either"


def test_what_the_source_does_anew_later_is_told_and_what_it_did_anew_before_is_not() -> None:
    undo = Undo(task=TaskSpec(title="Undo b", retry=ONCE))
    yard, run = a_chain(done=3, undo=undo)
    again = ReworkPhases(project="shop", run=run, phases=("b",), reason="r", undo=True)
    yard.do(again)
    yard.take_back(run, "b")
    yard.succeed(run, "b")
    other = forked(yard, run).run
    assert (yard.run(other).phase("b").adopted_generation, noted(yard, other)) == (2, [])
    yard.do(again)
    assert noted(yard, other) == [f"it took over b, which run {run} has taken back or done anew since"]
    third = forked(yard, other).run
    yard.do(ReworkPhases(project="shop", run=other, phases=("b",), reason="r", accept_repeat="r"))
    assert noted(yard, other) == [], "it has done that anew itself"
    assert [f"run {other} has" in one for one in noted(yard, third)] == [True]


def test_an_input_that_is_another_has_that_done_anew_which_speaks_of_it() -> None:
    yard, run = a_chain()
    other = forked(yard, run, inputs='{"who": "two"}')
    assert other.adopted == ("a", "b")
    assert "c: it speaks of inputs.who, which is another now" in other.anew
    assert yard.run(other.run).queued.inputs == '{"who":"two"}'


def test_of_another_version_what_does_the_same_is_taken_over() -> None:
    yard, run = a_chain()
    more = work("e", "d", effect="pure")
    yard.publish("plain", *phases(on_exhausted="park"), more, inputs=(WHO,))
    other = forked(yard, run, version=2)
    assert other.adopted == ("a", "c")
    assert other.anew == ("b: its definition is another", "d: b is done anew", "e: it is new")


def test_what_has_not_settled_well_is_done_anew_and_what_was_skipped_stays_so() -> None:
    yard = Yard()
    side = work("s", {"phase": "way", "arm": "small"})
    yard.publish("plain", work("a"), branch("way", small="1 > 2", default="large"), side, work("b", "a"))
    run = yard.start("plain")
    yard.go_wrong(run, "a")
    other = forked(yard, run)
    assert other.adopted == ("way", "s")
    assert [yard.status(other.run, place) for place in ("a", "s", "b")] == ["offered", "skipped", "pending"]
    assert yard.stands(run) == "failed"


def test_what_was_taken_back_is_not_there_to_be_taken_over() -> None:
    undo = Undo(task=TaskSpec(title="Undo b", retry=ONCE))
    yard, run = a_chain(undo=undo)
    yard.do(RollbackRun(project="shop", run=run, reason="it is bad"))
    assert forked(yard, run, dry_run=True).adopted == ("a",)


def test_a_fork_may_be_done_anew_in_part_and_knows_what_took_from_what() -> None:
    yard, run = a_chain()
    other = forked(yard, run, phases=("d",))
    yard.do(ReworkPhases(project="shop", run=other.run, phases=("a",), reason="again", accept_repeat="yes"))
    assert [yard.run(other.run).phase(place).generation for place in "abcd"] == [2, 2, 1, 2]


def test_asked_for_only_it_tells_and_begins_nothing() -> None:
    yard, run = a_chain(done=2)
    before = len(yard.log)
    told = forked(yard, run, dry_run=True)
    assert (told.run, told.adopted, len(yard.log)) == ("", ("a", "c"), before)
    assert told.anew == ("b: it is offered there", "d: it is pending there")


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"phases": ("nothing",)}, UnknownThing),
        ({"version": 7}, VersionUnknown),
        ({"inputs": '{"who": 1}'}, InputsUnfit),
        ({"inputs": "[]"}, InputsUnfit),
        ({"expected_revision": 1}, RunMovedOn),
    ],
)
def test_what_cannot_be_forked_is_refused(said: dict[str, Any], refusal: type[Any]) -> None:
    yard, run = a_chain(done=1)
    assert isinstance(yard.ask(ForkRun(project="shop", run=run, **said)).rejection, refusal)


def test_of_a_version_of_which_nothing_begins_any_more_only_another_one_is_forked() -> None:
    yard, run = a_chain(done=1)
    yard.publish("plain", *phases(on_exhausted="park"), inputs=(WHO,))
    yard.do(DeprecateDefinition(project="shop", pipeline="plain", version=1))
    assert isinstance(yard.ask(ForkRun(project="shop", run=run)).rejection, VersionNotPublished)
    assert forked(yard, run, version=2).adopted == ("a",)


@pytest.mark.parametrize(("by", "adopted"), [(None, ("ask", "other")), ("key_else", ("other",))])
def test_a_gate_that_leaves_out_whoever_starts_the_run_is_asked_anew_where_somebody_else_does(
    by: str | None, adopted: tuple[str, ...]
) -> None:
    yard = Yard()
    yard.publish("plain", gate("ask", exclude=("requester",)), gate("other"), work("ship", "ask", "other"))
    run = yard.start("plain")
    for phase in ("ask", "other"):
        yard.do(OverrideGate(project="shop", run=run, phase=phase, decision="approved", reason="yes"))
    answer = yard.ask(ForkRun(project="shop", run=run, dry_run=True), **({} if by is None else {"by": by})).answer
    assert isinstance(answer, RunForked)
    assert answer.adopted[: len(adopted)] == adopted


def test_a_gate_that_is_taken_over_does_not_stand_as_a_question() -> None:
    yard = Yard()
    yard.publish("plain", gate("ask"), work("ship", "ask"))
    run = yard.start("plain")
    yard.do(OverrideGate(project="shop", run=run, phase="ask", decision="approved", reason="yes"))
    other = forked(yard, run)
    row = replay(GATE_INBOX, yard.log)[f"{other.run}/ask"]
    assert (row.status, row.comment) == ("closed", f"taken over of {run}")
