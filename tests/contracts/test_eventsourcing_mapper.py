"""Rows become events only by names of the closed registry, also where the library reads them."""

import sys
from collections.abc import Iterator
from typing import ClassVar

import pytest
from eventsourcing.persistence import EventStore, StoredEvent

from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.registry import Registry, UnknownEventType
from infrastructure.log.library_port import PlainEvent
from infrastructure.log.mapper import RegistryMapper, StreamEvent, new_event, recorded
from infrastructure.log.memory_plain import PlainMemoryLog
from infrastructure.log.recorders import LogAggregateRecorder
from tests.contracts.groups import NOW, member


class LampLit(Event):
    TYPE: ClassVar[str] = "lamp.lit.v2"
    colour: str
    lumen: int


def _with_lumen(data: dict[str, object]) -> dict[str, object]:
    return {**data, "lumen": 800}


REGISTRY = Registry((LampLit,), {"lamp.lit.v1": ("lamp.lit.v2", _with_lumen)})
CRAFTED = ("os:system", "subprocess:Popen", "this", "lamp.lit.v3", "domain.kernel.message:Event", "", "antigravity")


@pytest.fixture
def log() -> Iterator[PlainMemoryLog]:
    log = PlainMemoryLog()
    yield log
    log.close()


def test_an_event_comes_back_from_its_row_with_place_and_origin(log: PlainMemoryLog) -> None:
    lit = LampLit(colour="red", lumen=40)
    made = new_event(StreamId("lamp_1"), 1, lit, ProjectId("project_1"))
    assert (made.type, made.schema_version, made.state) == ("lamp.lit.v2", 2, b'{"colour":"red","lumen":40}')

    fields = {name: getattr(member("c1", ("lamp_1", 1)), name) for name in member("c1")._fields}
    log.append([type(member("c1"))(**{**fields, "events": (made,)})], now=NOW)
    (back,) = (recorded(row, REGISTRY) for row in log.page(after=0, limit=1))

    assert (back.position, back.stream, back.version, back.event) == (1, "lamp_1", 1, lit)
    assert (back.recorded_at, back.project, back.actor, back.command_id) == (NOW, "project_1", "key_1", "c1")
    assert (back.correlation_id, back.causation_id) == ("correlation of c1", None)


def test_an_old_row_is_brought_up_to_the_current_version(log: PlainMemoryLog) -> None:
    log.insert_plain([PlainEvent("lamp_1", 1, "lamp.lit.v1", b'{"colour":"red","gone":1}')])

    (row,) = log.page(after=0, limit=1)

    assert recorded(row, REGISTRY).event == LampLit(colour="red", lumen=800)


def test_a_row_of_the_plain_library_belongs_to_the_fleet(log: PlainMemoryLog) -> None:
    log.insert_plain([PlainEvent("lamp_1", 1, "lamp.lit.v1", b'{"colour":"red"}')])

    (row,) = log.page(after=0, limit=1)

    assert (recorded(row, REGISTRY).project, recorded(row, REGISTRY).actor) == ("fleet", "library")


@pytest.mark.parametrize("topic", CRAFTED)
def test_a_crafted_topic_is_refused_and_imports_nothing(log: PlainMemoryLog, topic: str) -> None:
    sys.modules.pop("antigravity", None)
    sys.modules.pop("this", None)
    log.insert_plain([PlainEvent("lamp_1", 1, topic, b'{"args":["true"]}')])
    (row,) = log.page(after=0, limit=1)

    with pytest.raises(UnknownEventType):
        recorded(row, REGISTRY)
    with pytest.raises(UnknownEventType):
        RegistryMapper(REGISTRY).to_domain_event(StoredEvent("lamp_1", 1, topic, b"{}"))

    assert not {"this", "antigravity"} & sys.modules.keys()


def test_the_library_s_event_store_reads_and_writes_events_of_the_registry(log: PlainMemoryLog) -> None:
    store = EventStore(RegistryMapper(REGISTRY), LogAggregateRecorder(log, "text"))
    lit = StreamEvent("lamp_1", 1, LampLit(colour="red", lumen=40))

    store.put([lit])

    assert list(store.get("lamp_1")) == [lit]
    assert [row.type for row in log.page(after=0, limit=9)] == ["lamp.lit.v2"]


def test_the_mapper_takes_no_event_from_outside_the_registry() -> None:
    class Foreign:
        originator_id = "lamp_1"
        originator_version = 1

    with pytest.raises(TypeError):
        RegistryMapper(REGISTRY).to_stored_event(Foreign())
