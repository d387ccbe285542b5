"""Every text that was ever stored still folds: into the state of its stream, and into the read models that show it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from domain.catalogue import AGGREGATES, REGISTRY
from domain.kernel.decider import Aggregate, Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import Event
from infrastructure.runtime.state_codec import freeze, thaw
from projections.catalogue import PROJECTIONS
from projections.kernel.replay import replay
from projections.kernel.rows import ColumnKind, columns_of

HERE = Path(__file__).parent
TEXTS = {file.stem: file for folder in ("events", "earlier") for file in sorted((HERE / folder).glob("*.json"))}
"""As ``test_stored_events``: ``task.planned.v1@1`` is the first text of a type that has got further fields since."""

CELLS: dict[ColumnKind, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "real": (float, int),
    "boolean": (bool,),
}


def kinds_of(aggregate: Aggregate[Any]) -> tuple[type[Any], ...]:
    """The events that an aggregate folds, as its own function says."""
    said = get_type_hints(aggregate.evolve)["event"]
    return get_args(said) or (said,)


KINDS: dict[type[Any], Aggregate[Any]] = {
    kind: aggregate for aggregate in AGGREGATES.values() for kind in kinds_of(aggregate)
}


@cache
def read(name: str) -> Event:
    return REGISTRY.read(name.partition("@")[0], TEXTS[name].read_bytes())


def beginnings(aggregate: Aggregate[Any]) -> Iterator[Event]:
    """Every text of an event that begins a stream of the aggregate, those of former programs as well."""
    for name in TEXTS:
        event = read(name)
        if KINDS[type(event)] is aggregate and aggregate.evolve(aggregate.initial, event) != aggregate.initial:
            yield event


def recorded(*events: Event) -> list[Recorded]:
    return [
        Recorded(place, StreamId("one_1"), place, event, Instant(place), ProjectId("proj_1"), "key_1", "cmd_1", "cmd_1")
        for place, event in enumerate(events, start=1)
    ]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_stored_text_folds_into_the_state_of_its_stream(name: str) -> None:
    event = read(name)
    aggregate = KINDS[type(event)]
    for state in (aggregate.initial, *(aggregate.evolve(aggregate.initial, one) for one in beginnings(aggregate))):
        after = aggregate.evolve(state, event)
        assert thaw(aggregate, freeze(after)) == after, "and a snapshot of it is the same"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_stored_text_folds_into_every_read_model_that_shows_it(name: str) -> None:
    event = read(name)
    begun = list(beginnings(KINDS[type(event)]))
    for projection in PROJECTIONS:
        if type(event) not in projection.handles:
            continue
        shape: Any = projection.row
        kinds = [CELLS[column.kind] for column in columns_of(shape)]
        for history in ([event], *([one, event] for one in begun if type(one) in projection.handles)):
            for row in replay(projection, recorded(*history)).values():
                assert all(cell is None or isinstance(cell, kind) for cell, kind in zip(row, kinds, strict=True)), row


def test_every_event_belongs_to_one_kind_of_stream() -> None:
    assert {type(read(name)) for name in TEXTS} <= set(KINDS)
