"""A dry run of a verb tells what the verb would do, is refused like it, and does nothing."""

from typing import Any

import pytest

from domain.dispatch.run_gate import VoteCounted
from domain.dispatch.run_rehearsal import Rehearsed
from domain.run.commands import CancelRun, CastVote, PauseRun, ResumeRun, RetryPhase, RollbackRun, SkipPhase
from domain.run.errors import RunNotInState
from tests.decisions.test_run_gate import Station, gate
from tests.support.runs import Railway, work


def of(run: Railway, kind: type[Any], **said: Any) -> Any:
    return kind(project="shop", run=run.run_id, **said)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (PauseRun, {}),
        (CancelRun, {"grace_seconds": 0}),
        (SkipPhase, {"phase": "b", "reason": "r"}),
        (RollbackRun, {"reason": "r", "grace_seconds": 0}),
    ],
)
def test_it_tells_what_happens_then_and_writes_nothing(kind: type[Any], said: dict[str, Any]) -> None:
    run = Railway(work("a"), work("b", "a"))
    decision = run.ask(of(run, kind, **said, dry_run=True))
    assert isinstance(decision.answer, Rehearsed)
    assert (decision.writes, decision.keys, decision.answer.done) == ((), (), False)
    done = run.ask(of(run, kind, **said))
    names = [f"{one.TYPE} {getattr(one, 'place', '')}".strip() for write in done.writes for one in write.events]
    assert decision.answer.would == tuple(names)


def test_it_is_refused_like_the_verb() -> None:
    run = Railway(work("a"))
    run.succeed("a")
    for dry_run in (True, False):
        refused = run.ask(of(run, PauseRun, dry_run=dry_run)).rejection
        assert isinstance(refused, RunNotInState)
    assert run.ask(of(run, RetryPhase, phase="a", dry_run=True)).rejection is not None


def test_what_changes_nothing_would_change_nothing() -> None:
    run = Railway(work("a"))
    answer = run.ask(of(run, ResumeRun, dry_run=True)).answer
    assert isinstance(answer, Rehearsed)
    assert answer.would == ()


def test_a_vote_is_told_how_it_would_count() -> None:
    station = Station(gate("ask"))
    vote = of(station, CastVote, phase="ask", verdict="approve", dry_run=True)
    decision = station.ask(vote, by=station.keys["ann"])
    assert isinstance(decision.answer, VoteCounted)
    assert (decision.writes, station.status("ask")) == ((), "waiting")
