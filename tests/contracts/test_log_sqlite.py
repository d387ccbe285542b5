"""What a SQLite file adds to the contract: it outlives the process, has one owner, and fails in known ways."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import StreamId
from infrastructure.log import sqlite_file
from infrastructure.log.file_lock import StoreInUse
from infrastructure.log.port import Appended, OutcomeUnknown, Repeated, StoredSnapshot, StoreUnavailable
from infrastructure.log.sqlite import SqliteLog
from tests.contracts.groups import NOW, asked, key, member

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "signalbox.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(path)
    yield log
    log.close()


def appended(log: SqliteLog, command: str, stream: str, version: int) -> bool:
    (result,) = log.append([member(command, (stream, version))], now=NOW)
    return isinstance(result, Appended)


def set_writer(log: SqliteLog, pragma: str, value: str) -> None:
    assert log.file._writer is not None
    log.file._writer.execute(f"PRAGMA {pragma} = {value}").fetchall()


def test_a_file_that_is_opened_again_holds_the_same_log(path: Path) -> None:
    first = SqliteLog(path)
    opening = LeaseChange("open", StreamId("session_1"), 1, 60)
    first.append(
        [member("c1", ("task_1", 1), ("task_2", 1), keys=(key("n", "task_1"),), leases=(opening,))], now=NOW + 10**13
    )
    first.keep_snapshots([StoredSnapshot("task_1", 1, "task.1", b"{}")])
    first.beat(now=NOW)
    before = (first.page(after=0, limit=9), first.receipt(asked("c1")), first.leases(), first.snapshots(["task_1"]))
    first.close()

    second = SqliteLog(path)

    assert before == (
        second.page(after=0, limit=9),
        second.receipt(asked("c1")),
        second.leases(),
        second.snapshots(["task_1"]),
    )
    assert second.keys([("fleet", "slug", "n")]) == {("fleet", "slug", "n"): "task_1"}
    assert (second.head(), second.era, second.beat(now=NOW)) == (2, 1, NOW)
    assert second.wait_beyond(1, timeout_seconds=0) == 2
    assert second.now() >= NOW + 10**13, "the clock is never below what was recorded"
    (repeated,) = second.append([member("c1", ("task_1", 2))], now=NOW)
    assert isinstance(repeated, Repeated)
    assert second.append([member("c2", ("task_1", 2))], now=NOW) == [Appended(3, NOW + 10**13)]
    second.close()


def test_a_file_has_one_owner(path: Path, log: SqliteLog) -> None:
    with pytest.raises(StoreInUse):
        SqliteLog(path)
    program = (
        f"from pathlib import Path; from infrastructure.log.sqlite import SqliteLog; SqliteLog(Path({str(path)!r}))"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert other.returncode != 0
    assert "StoreInUse" in other.stderr

    log.close()

    SqliteLog(path).close()


def test_nobody_else_may_read_the_file(path: Path, log: SqliteLog) -> None:
    assert appended(log, "c1", "task_1", 1)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == dict.fromkeys(
        ("signalbox.db", "signalbox.db-wal", "signalbox.db-shm", "signalbox.db.lock"), 384
    )


def test_settings_that_lose_acknowledged_work_are_named(log: SqliteLog) -> None:
    with log.file.reading() as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    set_writer(log, "synchronous", "NORMAL")

    (problem,) = log.check_durability()

    assert "synchronous" in problem


def test_only_what_may_be_lost_with_the_power_does_not_wait_for_the_disk(log: SqliteLog) -> None:
    def level(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    with log.file.writing(durable=False) as connection:
        assert level(connection) == 1
    with log.file.writing() as connection:
        assert level(connection) == 2
    with pytest.raises(KeyError), log.file.writing(durable=False):
        raise KeyError
    log.beat(now=NOW)
    log.hold_duty("ticker", "node_1", now=NOW, seconds=3)
    log.tell_node("node_1", 1, b"{}", now=NOW)
    with log.file.writing() as connection:
        assert level(connection) == 2, "whatever went before"


def test_a_writer_whose_durability_cannot_be_set_again_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn(sqlite3.Connection):
        refuses = False

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if sql == "PRAGMA synchronous = FULL" and Stubborn.refuses:
                Stubborn.refuses = False
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    connect = sqlite3.connect

    def connected(place: Path, **named: object) -> sqlite3.Connection:
        return connect(place, **named, factory=Stubborn)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connected)
    log = SqliteLog(path)
    with log.file.writing(durable=False) as first:
        Stubborn.refuses = True
    with log.file.writing() as second:
        assert second is not first
        assert second.execute("PRAGMA synchronous").fetchone() == (2,)
    assert appended(log, "c1", "task_1", 1)
    log.close()


def test_a_closed_log_says_so(log: SqliteLog) -> None:
    log.close()
    log.close()

    with pytest.raises(StoreUnavailable):
        log.head()
    with pytest.raises(StoreUnavailable):
        log.append([member("c1", ("task_1", 1))], now=NOW)


def test_a_file_held_by_another_tool_is_unavailable_and_nothing_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_SECONDS", 0.05)
    log = SqliteLog(path)
    tool = sqlite3.connect(path, isolation_level=None)
    tool.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable):
        appended(log, "c1", "task_1", 1)
    assert log.head() == 0
    tool.execute("ROLLBACK")
    tool.close()

    assert appended(log, "c1", "task_1", 1)
    log.close()


def test_a_full_disk_is_unavailable_and_the_log_goes_on_when_there_is_room(log: SqliteLog) -> None:
    assert appended(log, "c0", "task_0", 1)
    pages = int(log.file.setting("page_count"))
    set_writer(log, "max_page_count", str(pages))
    with pytest.raises(StoreUnavailable):
        log.append([member(f"c{number}", (f"task_{number}", 1)) for number in range(1, 500)], now=NOW)
    assert log.head() == 1
    assert log.receipt(asked("c1")) is None

    set_writer(log, "max_page_count", "1000000")

    assert appended(log, "c1", "task_1", 1)
    assert log.head() == 2


def test_a_commit_that_fails_leaves_the_outcome_unknown_and_the_receipt_decides(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(sqlite3.Connection):
        failing = False

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if sql == "COMMIT" and Failing.failing:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, **named, factory=Failing))
    log = SqliteLog(path)
    Failing.failing = True
    with pytest.raises(OutcomeUnknown):
        appended(log, "c1", "task_1", 1)
    Failing.failing = False

    (result,) = log.append([member("c1", ("task_1", 1))], now=NOW)

    assert isinstance(result, Appended | Repeated)
    assert len(log.events_of("task_1")) == 1
    log.close()


def test_a_writer_that_was_given_up_while_the_disk_was_away_is_replaced_when_it_is_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(sqlite3.Connection):
        disk_away = False

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if sql in ("COMMIT", "ROLLBACK") and Broken.disk_away:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    connect = sqlite3.connect

    def connected(place: Path, **named: object) -> sqlite3.Connection:
        found = place / "nowhere" / "else" if Broken.disk_away else place
        return connect(found, **named, factory=Broken)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connected)
    log = SqliteLog(path)
    Broken.disk_away = True
    with pytest.raises(OutcomeUnknown):
        appended(log, "c1", "task_1", 1)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            appended(log, "c1", "task_1", 1)
        with pytest.raises(StoreUnavailable):
            log.file.setting("synchronous")
    Broken.disk_away = False

    assert appended(log, "c1", "task_1", 1)
    assert log.check_durability() == ()
    Broken.disk_away = True
    with pytest.raises(OutcomeUnknown):
        appended(log, "c2", "task_1", 2)
    log.close()


def test_a_mistake_of_ours_is_not_called_an_unavailable_store(log: SqliteLog) -> None:
    with pytest.raises(sqlite3.OperationalError), log.file.writing() as connection:
        connection.execute("SELECT * FROM no_such_table")

    assert appended(log, "c1", "task_1", 1)


def test_a_file_of_a_newer_version_is_not_touched(path: Path) -> None:
    SqliteLog(path).close()
    tool = sqlite3.connect(path)
    tool.execute("INSERT INTO migrations (number, name) VALUES (9999, 'from the future')")
    tool.commit()
    tool.close()

    with pytest.raises(StoreUnavailable, match="newer"):
        SqliteLog(path)


def test_a_file_that_is_no_database_is_unavailable(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and it is long enough to be read as a header" * 20)

    with pytest.raises(StoreUnavailable):
        SqliteLog(path)


@pytest.mark.parametrize("acknowledged_min", [1, 15])
def test_a_killed_process_leaves_every_acknowledged_append_once(path: Path, acknowledged_min: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.appending_process", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(acknowledged_min)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()

    log = SqliteLog(path)
    rows = log.page(after=0, limit=100_000)
    groups = len(rows) // 3

    assert [(row.position, row.stream, row.version) for row in rows] == [
        (3 * (number - 1) + part, f"task_{number}", part) for number in range(1, groups + 1) for part in range(1, 4)
    ]
    assert groups >= acknowledged[-1] == len(acknowledged)
    receipts = log.receipts_present([f"c{number}-{part}" for number in range(1, groups + 2) for part in range(1, 4)])
    assert len(receipts) == len(rows)
    assert log.head() == len(rows)
    assert appended(log, "after", "task_0", 1)
    log.close()


def test_the_clock_begins_behind_the_last_sign_of_life_though_the_wall_clock_was_put_back(path: Path) -> None:
    ahead = NOW + 10**15
    first = SqliteLog(path)
    first.beat(now=ahead)
    first.close()

    second = SqliteLog(path)

    assert second.now() >= ahead
    second.close()
