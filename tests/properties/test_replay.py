"""The same script of commands tells the same story on every store, may be told twice, and replays to what is live."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import catalogue
from domain.kernel.decider import Aggregate
from domain.kernel.ids import prefix
from infrastructure.log.memory import MemoryLog
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.sqlite import SqliteLog
from tests.support.postgres import Postgres
from tests.support.teller import Step, Story, steps, told_on


def replayed(story: Story, length: int) -> dict[str, Any]:
    """States folded from a prefix of the story, by nothing but evolve."""
    states: dict[str, Any] = {}
    for stream, _, name, state in story[:length]:
        aggregate: Aggregate[Any] = catalogue.AGGREGATES[prefix(stream)]
        event = catalogue.REGISTRY.read(name, state)
        states[stream] = aggregate.evolve(states.get(stream, aggregate.initial), event)
    return states


@settings(max_examples=40)
@given(steps)
def test_a_repeated_command_changes_nothing_and_replay_equals_live(script: list[Step]) -> None:
    once, _ = told_on(MemoryLog(), script)
    story, teller = told_on(MemoryLog(), script, twice=True)
    assert story == once
    states = replayed(story, len(story))
    for stream, state in states.items():
        held = teller.hot.get(stream)
        if held is not None:
            assert held[1] == state


@settings(max_examples=15)
@given(steps, st.data())
def test_any_prefix_of_the_log_is_a_legal_state(script: list[Step], data: st.DataObject) -> None:
    story, _ = told_on(MemoryLog(), script)
    length = data.draw(st.integers(0, len(story)))
    states = replayed(story, length)
    versions = {stream: version for stream, version, _, _ in story[:length]}
    assert states.keys() == versions.keys()


@settings(max_examples=8)
@given(steps)
def test_the_same_script_tells_the_same_story_on_every_store(postgres_server: Postgres, script: list[Step]) -> None:
    expected, _ = told_on(MemoryLog(), script)
    with TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder) / "log.db")
        try:
            assert told_on(log, script)[0] == expected
        finally:
            log.close()
    url = postgres_server.create_database()
    other = PostgresLog(url)
    try:
        assert told_on(other, script)[0] == expected
    finally:
        other.close()
        postgres_server.drop_database(url)
