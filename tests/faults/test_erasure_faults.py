"""What may come between an erasure and its end: a kill, a read model that stands still, older keys, a second node."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from api.composition.erasure import Erasure, open_seeds
from api.composition.opening import opened
from domain.catalogue import REGISTRY
from domain.kernel.erasure_events import SubjectErased
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.message import CommandKey, Event
from domain.node.events import SubjectKeysLost
from domain.node.state import KEYS_STREAM
from domain.task.events import TaskFailed
from infrastructure.erasure import belonging
from infrastructure.erasure.belonging import ForeignKeysError
from infrastructure.erasure.sqlite import SqliteSeeds
from infrastructure.log.archived import Archive, EventsArchived
from infrastructure.log.mapper import new_event, recorded
from infrastructure.log.port import Log, LogRow, Member, StoredSnapshot, StoreUnavailable
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.memory import MemoryRows
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.projector import Projector
from infrastructure.runtime.recent import RecentAnswers
from infrastructure.settings import Settings
from projections.catalogue import PROJECTIONS
from signalbox.client.errors import Refused
from tests.contracts.stores import STORES, Place
from tests.support.waiting import SECONDS_MAX, until

TASK = StreamId("task_01kdvjv9r3f2m8q4t6w0x2z4b6")
OTHER = StreamId("task_01kdvjv9r3f2m8q4t6w0x2z4b7")
SHOP = ProjectId("proj_01kdvjv9r3f2m8q4t6w0x2z4b8")
WORD = "Zibeline"


class Stage:
    """A log with its keys, opened and closed like a process that comes and goes."""

    def __init__(self, folder: Path, store: str, postgres_url: str | None) -> None:
        self.settings = Settings(data=folder, store=postgres_url or store)
        self._log: Callable[[Place], Log] = STORES[store]
        self._place = Place(folder, postgres_url)
        self.rows = MemoryRows()
        self.open()

    def open(self) -> None:
        self.erasure = Erasure(self.reopened(), self.rows, self.settings)

    def reopened(self) -> Log:
        self.log = self._log(self._place)
        return self.log

    def close(self) -> None:
        self.erasure.close()
        self.log.close()

    def write(self, log: Log, stream: StreamId, *events: Event) -> None:
        version = len(self.log.events_of(stream))
        written = tuple(new_event(stream, version + n, event, SHOP) for n, event in enumerate(events, 1))
        number = str(self.log.head())
        said = b"17" if any(isinstance(event, SubjectErased) for event in events) else WORD.encode()
        results = log.append(
            [
                Member(
                    f"cmd_{number}",
                    SHOP,
                    "key_1",
                    1,
                    number,
                    None,
                    None,
                    b"",
                    said,
                    said,
                    reads=((stream, version),),
                    events=written,
                )
            ],
            now=1,
        )
        assert len(results) == 1

    def reason(self, stream: StreamId) -> str:
        row = self.erasure.log.events_of(stream)[0]
        event = REGISTRY.read(row.type, row.state)
        assert isinstance(event, TaskFailed)
        return event.reason

    def project(self) -> Projector:
        log = self.erasure.log
        projector = Projector(log, self.rows, PROJECTIONS, lambda row: recorded(row, REGISTRY))
        projector.open()
        return projector


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    stage = Stage(tmp_path, request.param, url)
    yield stage
    stage.close()


def failed(word: str = WORD) -> TaskFailed:
    return TaskFailed(reason=word, at=Instant(1))


def erased(subject: str = TASK) -> SubjectErased:
    return SubjectErased(subject=subject, reason="17", asked_by="key_1", by="key_2", at=Instant(2))


def test_a_kill_between_the_event_and_the_key_leaves_the_erasure_to_the_next_start(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, OTHER, failed("Susquehanna"))
    assert (stage.reason(TASK), stage.reason(OTHER)) == (WORD, "Susquehanna")
    # What the log itself is given destroys nothing, as if the process had ended right behind the append.
    stage.write(stage.log, TASK, erased())
    assert stage.reason(TASK) == WORD
    stage.project().catch_up()
    assert stage.erasure.eraser.round()
    assert (stage.reason(TASK), stage.reason(OTHER)) == ("[erased]", "Susquehanna")
    assert not stage.log.erasures(after=stage.log.head())
    assert [row.stream for row in stage.log.erasures(after=0)] == [TASK]


def test_what_a_killed_process_left_to_be_erased_is_told_from_the_start_on(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.log, TASK, erased())
    stage.project().catch_up()
    eraser, told = stage.erasure.eraser, list[str]()
    eraser.start(lambda: told.append(eraser.pending))
    until(lambda: not eraser.pending)
    assert told[0] == f"{TASK} at @2: begins"


def test_the_key_is_gone_when_the_append_returns_and_what_comes_late_is_kept_without_words(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, TASK, erased())
    assert stage.reason(TASK) == "[erased]"
    stage.write(stage.erasure.log, TASK, failed("Quixotry"))
    assert all(b"Quixotry" not in row.state for row in stage.log.page(after=0, limit=100))


def test_receipts_stay_but_say_nothing(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, OTHER, failed())
    stage.write(stage.erasure.log, TASK, erased())
    stage.project().catch_up()
    assert stage.erasure.eraser.round()
    written = stage.log.page(after=0, limit=2)
    receipts = {row.stream: stage.log.receipt(CommandKey(row.command_id or "", SHOP, "key_1")) for row in written}
    kept, gone = receipts[OTHER], receipts[TASK]
    assert kept is not None
    assert kept.body == WORD.encode()
    assert gone is not None
    assert WORD.encode() not in gone.body + gone.outcome
    assert b"task_erased" in gone.outcome


def test_receipts_of_what_changed_nothing_say_nothing_either(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, OTHER, failed())
    both = ((OTHER, 1), (TASK, 1))
    repeats = {
        "cmd_repeat": (both, TASK),
        "cmd_reads": (both, OTHER),
        "cmd_names": (((OTHER, 1),), TASK),
    }
    for command_id, (reads, task) in repeats.items():
        body = f'{{"task":"{task}","reason":"{WORD}"}}'.encode()
        repeat = Member(command_id, SHOP, "key_1", 1, command_id, None, None, b"", body, b"17", reads=reads)
        stage.erasure.log.append([repeat], now=1)
    stage.write(stage.erasure.log, TASK, erased())
    stage.project().catch_up()
    assert stage.erasure.eraser.round()
    kept = {one: stage.log.receipt(CommandKey(one, SHOP, "key_1")) for one in repeats}
    assert {one for one, receipt in kept.items() if receipt and WORD.encode() in receipt.body} == {
        "cmd_reads",
        "cmd_names",
    }
    assert all(kept.values())


def test_an_erasure_stays_open_until_every_read_model_has_passed_it(stage: Stage) -> None:
    projector = stage.project()
    stage.write(stage.erasure.log, TASK, failed())
    projector.catch_up()
    stage.write(stage.erasure.log, TASK, erased())
    assert not stage.erasure.eraser.round()
    assert TASK in stage.erasure.eraser.pending
    assert all(WORD not in str(one) for one in lines(stage))
    projector.catch_up()
    assert stage.erasure.eraser.round()
    assert stage.erasure.eraser.pending == ""


@pytest.mark.parametrize("stage", ["memory", "sqlite"], indirect=True)
def test_an_erasure_that_waits_for_a_bundle_holds_up_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (TASK, OTHER):
        stage.write(stage.erasure.log, task, failed())
    for task in (TASK, OTHER):
        # As if the process had ended right behind the append.
        stage.write(stage.log, task, erased(task))
    stage.project().catch_up()
    there, archive = stage.log.events_of, Archive(1, 2, "", "elsewhere", "key_1", 1, pruned=True)

    def lacking(stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        if stream == TASK:
            raise EventsArchived(archive, "it is not there")
        return there(stream, after=after, limit=limit)

    with monkeypatch.context() as patched:
        patched.setattr(stage.log, "events_of", lacking)
        for _ in range(2):
            with pytest.raises(EventsArchived):
                stage.erasure.eraser.round()
        assert stage.reason(OTHER) == "[erased]"
        assert [WORD.encode() in stage.log.receipts_reading(task)[0].body for task in (TASK, OTHER)] == [True, False]
    assert stage.reason(TASK) == "[erased]", "its key did not wait for the bundle"
    assert stage.erasure.eraser.round()
    assert all(WORD.encode() not in one.body for one in stage.log.receipts_reading(TASK))


def lines(stage: Stage) -> list[object]:
    timeline = next(one for one in PROJECTIONS if one.name == "timeline")
    found: list[object] = [one.row for one in stage.rows.history(timeline, "1", limit=10)]
    assert found
    return found


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_older_keys_that_were_put_back_are_destroyed_again(stage: Stage, tmp_path: Path) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    keys = stage.settings.sqlite_file.with_name("subject-keys.db")
    stage.close()
    shutil.copy(keys, tmp_path / "backup")
    stage.open()
    stage.project().catch_up()
    stage.write(stage.erasure.log, TASK, erased())
    stage.project().catch_up()
    assert stage.erasure.eraser.round()
    stage.close()
    shutil.copy(tmp_path / "backup", keys)
    stage.open()
    assert stage.erasure.eraser.round()
    assert stage.reason(TASK) == "[erased]"


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_log_is_not_written_under_other_keys_than_its_own(stage: Stage, tmp_path: Path) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, OTHER, failed("Susquehanna"))
    stage.write(stage.erasure.log, OTHER, erased(OTHER))
    keys = stage.settings.sqlite_file.with_name("subject-keys.db")
    stage.close()
    keys.rename(tmp_path / "own")
    for _ in range(2):
        with pytest.raises(ForeignKeysError, match="missing"):
            Erasure(stage.reopened(), stage.rows, stage.settings)
        stage.log.close()
    keys.unlink()
    foreign = SqliteSeeds(keys)
    foreign.begin(b"7" * 32)
    foreign.close()
    beside = keys.parent / "log" / "signalbox.db"
    shutil.copy(keys, beside.with_name(keys.name))
    with pytest.raises(Refused) as refused, opened(f"sqlite:///{beside}", tmp_path):
        pass
    assert refused.value.code == "keys_foreign"
    beside.with_name(keys.name).unlink()
    with opened(f"sqlite:///{beside}", tmp_path) as past:
        assert past.head() == 3
    with pytest.raises(ForeignKeysError, match="not those"):
        Erasure(stage.reopened(), stage.rows, stage.settings)
    allowed = stage.settings.model_copy(update={"allow_unsafe_durability": True})
    erasure = Erasure(stage.log, stage.rows, allowed)
    assert len(erasure.warnings) == 1
    erasure.close()
    stage.log.close()
    (tmp_path / "own").rename(keys)
    stage.open()
    assert stage.erasure.warnings == ()
    assert stage.reason(TASK) == WORD


@pytest.mark.parametrize("stage", ["sqlite", "postgres"], indirect=True)
def test_keys_of_another_log_are_known_however_long_nothing_was_sealed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belonging, "EVENTS_MAX", 1)
    monkeypatch.setattr(belonging, "PAGE_EVENTS", 1)
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.log, OTHER, erased(OTHER))
    stage.erasure.close()
    own = plant(stage, b"7" * 32)
    with pytest.raises(ForeignKeysError, match="not those of this log, and @1 is sealed"):
        Erasure(stage.log, stage.rows, stage.settings)
    allowed = stage.settings.model_copy(update={"allow_unsafe_durability": True})
    Erasure(stage.log, stage.rows, allowed).close()
    with pytest.raises(ForeignKeysError, match="not those of this log"):
        Erasure(stage.log, stage.rows, stage.settings)
    plant(stage, None)
    with pytest.raises(ForeignKeysError, match="missing, and @1 is sealed"):
        Erasure(stage.log, stage.rows, stage.settings)
    plant(stage, own)
    stage.erasure = Erasure(stage.log, stage.rows, stage.settings)
    assert stage.reason(TASK) == WORD


def plant(stage: Stage, root: bytes | None) -> bytes | None:
    """Other keys in the place of those that are there, or none; the former root, unless it was cut."""
    seeds = open_seeds(stage.settings)
    former = seeds.seed("")
    seeds.close()
    if stage.log.shared:
        with psycopg.connect(stage.settings.store) as connection:
            connection.execute("TRUNCATE signalbox.subject_seeds, signalbox.subject_keys_destroyed")
    else:
        stage.settings.sqlite_file.with_name("subject-keys.db").unlink()
    if root is not None:
        seeds = open_seeds(stage.settings)
        seeds.begin(root)
        seeds.close()
    return former


@pytest.mark.parametrize("stage", ["sqlite", "postgres"], indirect=True)
def test_a_log_in_which_nothing_is_sealed_may_have_other_keys_and_keeps_to_them_then(stage: Stage) -> None:
    stage.write(stage.erasure.log, OTHER, erased(OTHER))
    for root in (b"7" * 32, None):
        stage.erasure.close()
        plant(stage, root)
        former = stage.log.keys_mark()
        stage.erasure = Erasure(stage.log, stage.rows, stage.settings)
        assert stage.log.keys_mark() not in ("", former)
    stage.write(stage.erasure.log, TASK, failed())
    assert stage.reason(TASK) == WORD


def test_a_log_stays_with_the_keys_that_were_bound_first(stage: Stage) -> None:
    mark = stage.log.keys_mark()
    assert mark
    assert stage.log.bind_keys("others", instead_of="") == mark
    assert stage.log.bind_keys("others", instead_of="former") == mark
    assert stage.log.bind_keys("others", instead_of=mark) == "others"


@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_keys_that_were_declared_lost_and_found_again_before_others_were_there_count_in_a_log_without_a_mark(
    stage: Stage,
) -> None:
    """Who declared it was ended behind the event; the log is of before there were marks, so the event names none."""
    stage.write(stage.erasure.log, TASK, failed())
    stage.erasure.close()
    with psycopg.connect(stage.settings.store) as connection:
        connection.execute("DELETE FROM signalbox.keys_mark")
    said = SubjectKeysLost(lost="", new="f" * 32, through=stage.log.head(), reason="17", by="key_1", at=Instant(2))
    stage.write(stage.log, KEYS_STREAM, said)
    for _ in range(2):
        stage.erasure = Erasure(stage.log, stage.rows, stage.settings)
        assert stage.reason(TASK) == WORD
        stage.erasure.close()
    own = plant(stage, b"7" * 32)
    with pytest.raises(ForeignKeysError, match="not those of this log"):
        Erasure(stage.log, stage.rows, stage.settings)
    plant(stage, own)
    stage.erasure = Erasure(stage.log, stage.rows, stage.settings)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_log_from_before_the_mark_is_bound_after_a_look_at_its_end_and_then_without_any(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(belonging, "EVENTS_MAX", 2)
    monkeypatch.setattr(belonging, "PAGE_EVENTS", 2)
    stage.write(stage.erasure.log, TASK, failed())
    for _ in range(3):
        stage.write(stage.erasure.log, OTHER, erased(OTHER))
    mark = stage.log.keys_mark()
    stage.close()
    with closing(sqlite3.connect(stage.settings.sqlite_file.parent / "log" / "signalbox.db")) as connection:
        connection.execute("DELETE FROM keys_mark")
        connection.commit()
    looked_at: list[int] = []
    page = SqliteLog.page

    def spied(log: SqliteLog, *, after: int, limit: int) -> list[LogRow]:
        looked_at.append(limit)
        return page(log, after=after, limit=limit)

    monkeypatch.setattr(SqliteLog, "page", spied)
    stage.open()
    assert (stage.log.keys_mark(), sum(looked_at)) == (mark, 2)
    stage.close()
    looked_at.clear()
    stage.open()
    assert (stage.log.keys_mark(), looked_at) == (mark, [])
    assert stage.reason(TASK) == WORD


@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_another_node_reads_no_words_once_it_has_read_of_the_erasure(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    second = Erasure(stage.log, MemoryRows(), stage.settings)
    try:
        assert WORD.encode() in second.log.events_of(TASK)[0].state
        stage.write(stage.erasure.log, TASK, erased())
        rows = second.log.events_of(TASK)
        assert rows[-1].type == "subject.erased.v1"
        assert all(WORD.encode() not in row.state for row in rows)
    finally:
        second.close()


@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_another_node_forgets_what_it_has_in_memory_though_the_first_one_has_carried_it_out(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    second, told = Erasure(stage.log, MemoryRows(), stage.settings), threading.Event()
    try:
        assert WORD.encode() in second.log.events_of(TASK, limit=1)[0].state
        stage.write(stage.erasure.log, TASK, erased())
        stage.project().catch_up()
        assert stage.erasure.eraser.round()
        second.eraser.start(told.set)
        assert told.wait(SECONDS_MAX)
        assert WORD.encode() not in second.log.events_of(TASK, limit=1)[0].state
    finally:
        second.close()


@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_what_another_node_wrote_before_it_heard_of_the_erasure_is_overwritten_when_it_does(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    first = stage.erasure
    stage.rows = MemoryRows()
    stage.erasure = Erasure(stage.log, stage.rows, stage.settings)
    try:
        stage.project().catch_up()
        assert any(WORD in str(one) for one in lines(stage))
        stage.write(first.log, TASK, erased())
        assert first.eraser.round()  # of read models that are not there yet there is nothing to be done
        stage.log.keep_snapshots([StoredSnapshot(TASK, 1, "task.s1", WORD.encode())])
        stage.project().catch_up()
        assert stage.erasure.eraser.round()
        assert not any(WORD in str(one) for one in lines(stage))
        assert not stage.log.snapshots([TASK])
        assert stage.erasure.eraser.pending == ""
    finally:
        stage.erasure.close()
        stage.erasure = first


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_while_somebody_reads_the_log_as_it_was_the_erasure_stays_open(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    with sqlite3.connect(stage.settings.sqlite_file.parent / "log" / "signalbox.db", isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM commands").fetchone()
        stage.write(stage.erasure.log, TASK, erased())
        stage.project().catch_up()
        with pytest.raises(StoreUnavailable):
            stage.erasure.eraser.round()
        reader.execute("COMMIT")
    reader.close()
    assert stage.erasure.eraser.round()
    files = stage.settings.sqlite_file.parent.rglob("signalbox.db*")
    assert all(WORD.encode() not in file.read_bytes() for file in files)


def test_an_answer_that_was_read_before_an_erasure_is_not_remembered_behind_it() -> None:
    recent = RecentAnswers()
    key, outcome = CommandKey("cmd_1", SHOP, "key_1"), Outcome(WORD.encode(), 1, repeated=True)
    recent.clear([key])
    recent.keep(key, b"", outcome)
    assert recent.get(key) is None
    recent.keep(key, b"", outcome)
    assert recent.get(key) == (b"", outcome)


def test_what_was_read_while_receipts_were_blanked_is_forgotten_once_more(stage: Stage) -> None:
    stage.write(stage.erasure.log, TASK, failed())
    stage.write(stage.erasure.log, TASK, erased())
    stage.project().catch_up()
    kept: list[str] = []

    def forget() -> None:
        receipts = stage.log.receipts_reading(TASK)
        kept.append("words" if any(WORD.encode() in one.body for one in receipts) else "none")

    stage.erasure.eraser.start(forget)
    until(lambda: len(kept) > 1)
    assert (kept[0], kept[-1]) == ("words", "none")
