"""What a person says of a phase is held to what the phase declares, and makes that person an author of it."""

from typing import Any

import pytest

from domain.kernel.decider import Decision
from domain.kernel.pipeline.definition import RepeatPhase
from domain.kernel.pipeline.words import ValueField
from domain.run.commands import CastVote, ResolvePhase, SkipPhase
from domain.run.errors import OutputUnfit, VoteRefused
from tests.decisions.test_run_gate import Station, gate, wait
from tests.decisions.test_run_maps import each
from tests.support.fleet import accepted
from tests.support.runs import edges, work

COUNT = (ValueField(name="count", type="integer"),)


def resolve(station: Station, place: str, output: str = "", by: str = "ann", outcome: Any = "succeeded") -> Decision:
    command = ResolvePhase(
        project="shop", run=station.run_id, phase=place, outcome=outcome, reason="by hand", output=output
    )
    decision = station.ask(command, by=station.keys[by])
    station.react()
    return decision


@pytest.mark.parametrize("output", ["", "[1]", "{}", '{"count": "many"}', '{"count": 1, "other": 2}'])
def test_what_does_not_fit_is_refused(output: str) -> None:
    station = Station(work("build", outputs=COUNT, on_exhausted="park"))
    station.go_wrong("build")
    assert isinstance(resolve(station, "build", output).rejection, OutputUnfit)
    assert station.status("build") == "parked"
    accepted(resolve(station, "build", '{"count": 3}'))
    assert (station.stands(), station.run.phase("build").output) == ("succeeded", '{"count": 3}')


def test_a_failure_needs_no_output_and_items_and_signals_are_held_to_theirs() -> None:
    station = Station(work("build", outputs=COUNT, on_exhausted="park"))
    station.go_wrong("build")
    accepted(resolve(station, "build", outcome="failed"))
    outputs = [{"name": "count", "type": "integer"}]
    station = Station(each("m", over="['a']", work={"outputs": outputs, "on_exhausted": "park"}))
    station.go_wrong("m/a")
    assert isinstance(resolve(station, "m/a", "{}").rejection, OutputUnfit)
    accepted(resolve(station, "m/a", '{"count": 3}'))
    assert station.run.phase("m").output == '[{"count":3}]'
    station = Station(wait("word", name="go", deadline_seconds=5, on_deadline="park", outputs=COUNT))
    station.wait(6)
    assert isinstance(resolve(station, "word").rejection, OutputUnfit)
    accepted(resolve(station, "word", '{"count": 3}'))
    assert station.stands() == "succeeded"


def test_whoever_says_what_came_of_a_phase_made_the_evidence() -> None:
    asked = gate("ask", "build", exclude=("evidence_author",))
    station = Station(work("build", on_exhausted="park"), asked)
    station.go_wrong("build")
    accepted(resolve(station, "build"))
    refused = station.vote("ann").rejection
    assert isinstance(refused, VoteRefused)
    assert "made the evidence" in refused.reason
    vote = CastVote(project="shop", run=station.run_id, phase="ask", verdict="approve")
    accepted(station.ask(vote, by=station.keys["bob"]))
    station.react()
    assert station.stands() == "succeeded"


def test_a_loop_that_asks_is_skipped_only_by_who_may_go_past_its_gate() -> None:
    asking = RepeatPhase(
        key="polish", needs=edges(("build",)), phases=(work("x"), gate("ask", "x")), until="true", max_iterations=2
    )
    station = Station(work("build"), asking)
    skip = SkipPhase(project="shop", run=station.run_id, phase="polish", reason="no time")
    assert isinstance(station.ask(skip, by=station.keys["ann"]).rejection, VoteRefused)
    assert station.ask(skip, by=station._key("root", "admin")).rejection is None
