"""How a run ends: what it says when it has succeeded, and what is left once everything was taken back."""

from typing import Final, Literal

import orjson

from domain.kernel.ids import Instant
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.kernel.pipeline.graph import Graph, unit_at
from domain.kernel.text import JSON_CHARACTERS_MAX
from domain.run.events import Outcome, RunSettled
from domain.run.evolve import Following, changed
from domain.run.known import Speaker
from domain.run.rework import invalidated
from domain.run.state import Run
from domain.run.undo import is_partial
from domain.run.undo_events import RunCompensated
from domain.run.work_time import set_again

WHOLE: Final = ""
"""Stands for the definition itself where the key of a phase would."""


def settlement(
    run: Run, graph: Graph, expressions: Expressions, outcome: Outcome, because: tuple[str, ...], at: Instant
) -> RunSettled:
    """The end of a run that goes forward; a success says what its definition says of it.

    What cannot be told is left out, with the reason: everything is done by then, and no failure would undo that.
    """
    settled = RunSettled(outcome=outcome, rollback="none", because=because, at=at)
    wanted = run.queued.definition.outputs
    if outcome != "succeeded" or not wanted:
        return settled
    speaker = Speaker(run, graph, WHOLE, expressions)
    values: dict[str, object] = {}
    untold: list[str] = []
    for binding in wanted:
        said = speaker.tell(binding.value)
        if isinstance(said, Flaw):
            untold.append(f"{binding.name}: {said.reason}")
        elif len(orjson.dumps({**values, binding.name: said.value})) > JSON_CHARACTERS_MAX:
            untold.append(f"{binding.name}: with it there are more than {JSON_CHARACTERS_MAX:,} characters")
        else:
            values[binding.name] = said.value
    return settled.model_copy(update={"outputs": orjson.dumps(values).decode(), "untold": tuple(untold)})


def taken_back(run: Run, at: Instant) -> tuple[Following, ...]:
    """What follows once everything is taken back: the run ends, or goes on with phases that are done anew."""
    return _anew(run, at) if run.then == "running" else (_rolled_back(run, at),)


def _anew(run: Run, at: Instant) -> tuple[Following, ...]:
    """A next generation of the phases; what else waits is looked at again, whatever came due meanwhile."""
    found: list[Following] = []
    for key in run.redo:
        found.append(invalidated(run, key, "its effect was taken back", at))
        run = changed(run, found[-1])
    rollback: Literal["complete", "partial"] = "complete"
    if any(one.left and one.undo in ("failed", "skipped") for one in map(run.ledger.__getitem__, run.owed)):
        rollback = "partial"
    found.append(RunCompensated(rollback=rollback, at=at, deadline=run.deadline))
    places = sorted(run.phases)
    return (*found, *set_again(run, places, (one for one in places if unit_at(one) == one), at))


def _rolled_back(run: Run, at: Instant) -> RunSettled:
    """The end of a run whose effects were taken back; one that only does that has succeeded if nothing is left."""
    partial = is_partial(run)
    outcome: Outcome = "failed" if run.then == "failed" else "cancelled"
    if run.queued.rolls_back:
        outcome = "failed" if partial else "succeeded"
    return RunSettled(outcome=outcome, rollback="partial" if partial else "complete", because=run.because, at=at)
