"""What archived streams had come to, changed in the database: what no longer follows from the events is named."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.kernel.erasure_events import SubjectErased
from domain.kernel.ids import Instant, StreamId
from infrastructure.archive import bare_fold
from infrastructure.bundle.report import Report
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_live import verify_live
from infrastructure.log.archived import BaseState
from infrastructure.log.port import NewEvent
from projections.audit_ledger.verdicts import Verdict
from tests.contracts.groups import member
from tests.faults.test_archive_faults import UNTIL, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Archived up to a position, and gone on with behind it."""
    made = World(tmp_path)
    made.archives.archive(UNTIL)
    yield made
    made.log.close()


OTHER = "task_00000000000000000000000000"


def verified(world: World, source: Any = None, *, here: bool = True) -> Report:
    scribe = world.archives.scribe()
    keys = [one.public_key() for one in scribe.store.public_keys()]
    source = source or StoreSource(world.archives.whole, scribe, "key_1")
    boundary = max(one.last for one in world.log.archives() if one.pruned)
    return verify_live(source, keys, archived=0 if here else boundary, boundary=boundary)


def bases(world: World) -> list[BaseState]:
    return world.log.base_states_behind("", limit=5_000)


def changed(world: World, changed_stream: str, **columns: object) -> None:
    with world.log.file.writing() as connection:
        for name, value in columns.items():
            connection.execute(f"UPDATE base_states SET {name} = ? WHERE stream = ?", (value, changed_stream))


def a_task(world: World) -> BaseState:
    """One of which words are kept apart."""
    return next(one for one in bases(world) if one.stream.startswith("task_") and one.words)


def _priority(world: World, base: BaseState) -> None:
    state = orjson.loads(base.state)
    changed(world, base.stream, state=orjson.dumps({**state, "plan": {**state["plan"], "priority": 99}}))


TAMPERINGS: dict[str, tuple[Callable[[World, BaseState], None], Verdict, str]] = {
    "a field": (_priority, Verdict.ALTERED, "is not what its events come to: plan.priority"),
    "bytes": (lambda w, b: changed(w, b.stream, state=b"{"), Verdict.ALTERED, "cannot be read"),
    "something else": (lambda w, b: changed(w, b.stream, state=b"[1]"), Verdict.ALTERED, "all of it"),
    "an earlier version": (
        lambda w, b: changed(w, b.stream, version=b.version - 1), Verdict.ALTERED, "archived events end with",
    ),
    "a later version": (
        lambda w, b: changed(w, b.stream, version=b.version + 1), Verdict.ALTERED, "archived events end with",
    ),
    "a position": (lambda w, b: changed(w, b.stream, position=b.position - 1), Verdict.ALTERED, "archived events end"),
    "lost words": (lambda w, b: changed(w, b.stream, words=b""), Verdict.ALTERED, "lacks the words"),
    "words that are none": (lambda w, b: changed(w, b.stream, words=b"1"), Verdict.ALTERED, "lacks the words"),
    "a shape": (lambda w, b: changed(w, b.stream, kind="task.s999"), Verdict.INCOMPLETE, "1 base states of the shape"),
    "another's": (
        lambda w, b: changed(w, b.stream, stream=OTHER), Verdict.INSERTED, "of which no event",
    ),
}  # fmt: skip


def test_states_that_are_what_their_events_say_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for streams_max in (bare_fold.STREAMS_MAX, 2):
        monkeypatch.setattr(bare_fold, "STREAMS_MAX", streams_max)
        report = verified(world)
        assert (report.verdict, report.bases) == (Verdict.INTACT, len(bases(world)))
    shutil.rmtree(world.bundle)
    report = verified(world, here=False)
    assert (report.verdict, report.bases, report.archived) == (Verdict.INTACT, 0, UNTIL)


def test_a_state_that_was_changed_is_named(world: World) -> None:
    before = bases(world)
    for tampering, (change, verdict, words) in TAMPERINGS.items():
        base = a_task(world)
        change(world, base)
        report = verified(world)
        found = [one for one in report.findings if one.verdict is verdict and words in one.words]
        assert len(found) == 1, (tampering, report.findings)
        assert base.stream in found[0].words or verdict in (Verdict.INCOMPLETE, Verdict.INSERTED), tampering
        assert report.bases == len(before) - 1, tampering
        assert not [one for one in report.findings if "Title" in one.words], "nobody's words are told"
        with world.log.file.writing() as connection:
            connection.execute("DELETE FROM base_states WHERE stream IN (?, ?)", (base.stream, OTHER))
        world.log.keep_base_states([base])
        assert bases(world) == before


def test_fields_that_another_version_left_out_or_added_change_nothing(world: World) -> None:
    base = a_task(world)
    state = orjson.loads(base.state)
    assert state["plan"].pop("concurrency_key") == "", "what is not there is read as nothing"
    changed(world, base.stream, state=orjson.dumps({**state, "of_tomorrow": 1}))
    report = verified(world)
    assert (report.verdict, report.bases) == (Verdict.INTACT, len(bases(world)))


@pytest.mark.parametrize("here", [True, False], ids=["bundle here", "no bundle"])
@pytest.mark.parametrize("goes_on", [True, False], ids=["stream that went on", "stream that ended"])
def test_a_state_that_was_deleted_is_named(world: World, *, here: bool, goes_on: bool) -> None:
    behind = {row.stream for row in world.rows if row.position > UNTIL}
    base = next(one for one in bases(world) if (one.stream in behind) == goes_on and one.version > 1)
    with world.log.file.writing() as connection:
        connection.execute("DELETE FROM base_states WHERE stream = ?", (base.stream,))
    if not here:
        shutil.rmtree(world.bundle)
    (finding,) = verified(world, here=here).findings
    assert finding.verdict is Verdict.DELETED
    assert (
        finding.words == f"the base state of {base.stream}@{base.version}, from which its stream goes on, is not there"
    )


def test_without_the_bundle_a_state_of_before_is_named(world: World) -> None:
    base = next(one for one in bases(world) if one.version > 1)
    changed(world, base.stream, version=base.version - 1)
    shutil.rmtree(world.bundle)
    (finding,) = verified(world, here=False).findings
    assert (finding.verdict, "where its events went on to" in finding.words) == (Verdict.ALTERED, True)


def test_states_that_move_on_while_they_are_compared_are_folded_on(world: World) -> None:
    scribe = world.archives.scribe()
    before = len(bases(world))

    class MovesOn(StoreSource):
        def bases(self, after: str, limit: int) -> list[BaseState]:
            world.archives.archive(world.log.head())
            return super().bases(after, limit)

    report = verified(world, MovesOn(world.archives.whole, scribe, "key_1"))
    assert (report.verdict, report.bases) == (Verdict.INTACT, len(bases(world)))
    assert len(bases(world)) >= before


def test_words_that_are_erased_while_states_are_compared_are_not_missed(tmp_path: Path) -> None:
    world = World(tmp_path)
    task = next(row for row in reversed(world.rows) if row.type == "task.completed.v1" and row.position <= UNTIL).stream
    scribe = world.archives.scribe()

    class Erasing(StoreSource):
        """What is erased behind what was read is archived before the states are asked for."""

        def bases(self, after: str, limit: int) -> list[BaseState]:
            if not world.log.erasures(after=0):
                erase(world, task)
                world.archives.archive(UNTIL)
            return super().bases(after, limit)

    world.archives.archive(UNTIL - 9)
    report = verified(world, Erasing(world.archives.whole, scribe, "key_1"))
    assert (report.findings, report.bases) == ((), len(bases(world)))
    world.log.close()


def erase(world: World, task: str) -> None:
    event = SubjectErased(subject=StreamId(task), reason="17", asked_by="key_1", by="key_2", at=Instant(2))
    version = world.log.events_of(task)[-1].version + 1
    erased = NewEvent(task, version, event.TYPE, 1, event.model_dump_json().encode(), "project_1")
    said = member("cmd_erase", (task, version))._replace(events=(erased,))
    world.archives.log.append([said], now=world.log.now())
    assert world.archives.keys.is_destroyed(task)


@pytest.mark.parametrize("told", [True, False], ids=["by an event", "by nobody"])
def test_words_that_are_gone_have_to_be_erased(tmp_path: Path, *, told: bool) -> None:
    world = World(tmp_path)
    archives = world.archives
    task = next(row for row in reversed(world.rows) if row.type == "task.completed.v1" and row.position <= UNTIL).stream
    if told:
        erase(world, task)
    else:
        archives.keys.destroy(task)
    archives.archive(world.log.head())
    found = next(one for one in bases(world) if one.stream == task)
    words = [f"the base state of {task}@{found.version} lacks the words that nobody erased"]
    assert [one.words for one in verified(world).findings] == ([] if told else words)
    world.log.close()
