"""How what is published under a topic folds, and under which id it is found."""

from typing import Final, assert_never

from domain.fact.events import FactAwaited, FactEvent, FactLeft, FactPublished
from domain.fact.state import Topic
from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import Instant, StreamId, derived_id


def topic_of(project: str, pipeline: str, correlation_key: str) -> StreamId:
    """Where a project says what became of the runs of a pipeline: of all, or of those with a correlation key."""
    return derived_id(TOPIC.prefix, Instant(0), (project, pipeline, correlation_key))


def evolve(state: Topic, event: FactEvent) -> Topic:
    """The topic after the event."""
    match event:
        case FactPublished():
            return replace(state, latest=event)
        case FactAwaited():
            return replace(state, awaited_by=state.awaited_by.set(event.run, event.project))
        case FactLeft():
            known = event.run in state.awaited_by
            return replace(state, awaited_by=state.awaited_by.delete(event.run)) if known else state
        case _:
            assert_never(event)


TOPIC: Final[Aggregate[Topic]] = Aggregate(
    prefix="topic", initial=Topic(), evolve=evolve, state_type=Topic, snapshot_every=100
)
