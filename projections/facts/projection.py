"""How what is published under a topic becomes rows."""

from typing import Final, assert_never, cast

from domain.fact.events import ArtefactPublished, ArtefactWithdrawn, FactPublished, SignalPublished
from domain.kernel.decider import Recorded
from projections.facts.rows import FactRow
from projections.kernel.projection import Projection, worded

_Fact = FactPublished | SignalPublished | ArtefactPublished | ArtefactWithdrawn


def keys(recorded: Recorded) -> tuple[str, ...]:
    """One row for each topic, and one for each version of a result."""
    event = cast(_Fact, recorded.event)
    if isinstance(event, ArtefactPublished | ArtefactWithdrawn):
        return (f"{recorded.stream}/{event.version}",)
    return (recorded.stream,)


def evolve(row: FactRow | None, recorded: Recorded, key: str) -> FactRow | None:
    """The row after the event. A withdrawal is also told to who has taken the version, where no row stands."""
    event = cast(_Fact, recorded.event)
    match event:
        case FactPublished():
            return _published(recorded, key)._replace(
                kind="outcome",
                name=event.pipeline,
                correlation_key=event.correlation_key,
                run=event.run,
                outcome=event.outcome,
                content=event.output,
                holds=not event.rolled_back,
                published_at=event.settled_at,
            )
        case SignalPublished():
            return _published(recorded, key)._replace(
                kind="signal", name=event.name, number=event.number, content=event.content, by=event.by
            )
        case ArtefactPublished():
            return _published(recorded, key)._replace(
                name=event.name, version=event.version, uri=event.uri, digest=event.digest, by=event.by
            )
        case ArtefactWithdrawn():
            return None if row is None else row._replace(holds=False, reason=event.reason, changed_at=event.at)
        case _:
            assert_never(event)


def _published(recorded: Recorded, key: str) -> FactRow:
    at = cast(_Fact, recorded.event).at
    return FactRow(
        key=key,
        project=recorded.project,
        kind="artefact",
        name="",
        correlation_key="",
        version="",
        run=None,
        outcome="",
        number=0,
        content="",
        uri="",
        digest="",
        by="",
        holds=True,
        reason="",
        published_at=at,
        changed_at=at,
    )


FACTS: Final = Projection(
    name="facts",
    version=1,
    row=FactRow,
    handles=frozenset({FactPublished, SignalPublished, ArtefactPublished, ArtefactWithdrawn}),
    begins=frozenset({ArtefactPublished}),
    keys=keys,
    evolve=evolve,
    words=worded(content="json"),
    gathers=True,
)
