"""How what is published under a topic folds, and under which id it is found."""

from typing import Final, assert_never

from domain.fact.events import (
    ArtefactPublished,
    ArtefactWithdrawn,
    FactAwaited,
    FactEvent,
    FactLeft,
    FactPublished,
    SignalPublished,
)
from domain.fact.state import Topic
from domain.kernel.change import replace
from domain.kernel.decider import Aggregate
from domain.kernel.ids import Instant, StreamId, derived_id


def topic_of(project: str, pipeline: str, correlation_key: str) -> StreamId:
    """Where a project says what became of the runs of a pipeline: of all, or of those with a correlation key."""
    return derived_id(TOPIC.prefix, Instant(0), (project, pipeline, correlation_key))


def signal_topic(project: str, name: str) -> StreamId:
    """Where a project sends out signals of a name; no pipeline has such a name."""
    return topic_of(project, ":signal", name)


def artefact_topic(project: str, name: str) -> StreamId:
    """Where a project publishes a result, in all of its versions."""
    return topic_of(project, ":artefact", name)


def version_topic(project: str, name: str, version: str) -> StreamId:
    """Where those are known that have taken one version of a result."""
    return topic_of(project, f":artefact:{name}", version)


def evolve(state: Topic, event: FactEvent) -> Topic:
    """The topic after the event."""
    match event:
        case FactPublished():
            return replace(state, latest=event)
        case SignalPublished():
            return replace(state, signal=event)
        case ArtefactPublished():
            return replace(state, artefacts=state.artefacts.set(event.version, event))
        case ArtefactWithdrawn():
            return replace(state, withdrawn=state.withdrawn.set(event.version, event.at))
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
