"""What several nodes on one PostgreSQL may rely on."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import Instant, StreamId
from infrastructure.log import postgres_follower
from infrastructure.log.port import Appended, Member, MemberResult, Moved, StoreUnavailable
from infrastructure.log.postgres import PostgresLog
from infrastructure.log.postgres_clock import ServerClock
from infrastructure.log.postgres_connections import connect
from infrastructure.log.postgres_migrations import MigrationChangedError, migrate
from infrastructure.sql import load
from tests.contracts.groups import NOW, asked, member
from tests.support.waiting import SECONDS_MAX, until

SESSION = StreamId("session_1")
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'signalbox follow' AND query = %s"


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers look by themselves once in an hour."""
    monkeypatch.setattr(postgres_follower, "POLL_SECONDS_MIN", 3_600.0)
    monkeypatch.setattr(postgres_follower, "POLL_SECONDS_MAX", 3_600.0)


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[tuple[PostgresLog, PostgresLog]]:
    """Two nodes on one database, stamped by its clock."""
    one, other = PostgresLog(postgres_url), PostgresLog(postgres_url)
    yield one, other
    one.close()
    other.close()


def test_nodes_that_append_at_once_leave_no_hole(nodes: tuple[PostgresLog, PostgresLog]) -> None:
    def write(worker: int) -> int:
        taken = 0
        for number in range(1, 26):
            group = [
                member(f"own-{worker}-{number}", (f"task_{worker}", number)),
                member(f"shared-{worker}-{number}", ("task_shared", number)),
            ]
            taken += sum(isinstance(result, Appended) for result in nodes[worker % 2].append(group, now=NOW))
        return taken

    with ThreadPoolExecutor(4) as workers:
        taken = sum(workers.map(write, range(4)))

    rows = nodes[0].page(after=0, limit=1000)
    assert [row.position for row in rows] == list(range(1, taken + 1))
    assert [row.version for row in rows if row.stream == "task_shared"] == list(range(1, taken - 100 + 1))
    assert taken > 100
    stamps = [row.recorded_at for row in rows]
    assert stamps == sorted(stamps)


def test_an_append_of_another_node_is_heard_without_looking(
    seldom: None, nodes: tuple[PostgresLog, PostgresLog], postgres_url: str
) -> None:
    one, other = nodes
    clock = load("postgres/log.sql")["clock"]  # what a follower asks last before it listens
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(other.wait_beyond, 0, timeout_seconds=2 * SECONDS_MAX)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            until(lambda: connection.execute(LISTENING, (clock,)).fetchone() == (2,))
        one.append([member("c1", ("task_1", 1))], now=NOW)
        assert waiting.result(timeout=SECONDS_MAX) == 1


def test_a_node_that_stops_with_the_lock_in_hand_cannot_hold_the_fleet(nodes: tuple[PostgresLog, PostgresLog]) -> None:
    one, other = nodes
    locked, goes_on = threading.Event(), threading.Event()

    def stop() -> list[Member]:
        locked.set()
        goes_on.wait(SECONDS_MAX)
        return [member("c1", ("task_1", 1))]

    def append_and_stop() -> None:
        with pytest.raises(StoreUnavailable):
            one.append_locked(stop, now=NOW)

    with ThreadPoolExecutor(1) as workers:
        stopped = workers.submit(append_and_stop)
        locked.wait()
        try:
            assert isinstance(other.append([member("c2", ("task_1", 1))], now=NOW)[0], Appended)
            assert not stopped.done()
        finally:
            goes_on.set()
        stopped.result()

    assert one.receipt(asked("c1")) is None
    assert one.append([member("c3", ("task_1", 2))], now=NOW)[0] == Appended(
        2, one.page(after=1, limit=1)[0].recorded_at
    )


def test_nodes_that_start_at_once_migrate_once(postgres_url: str) -> None:
    def start(_: int) -> int:
        with connect(postgres_url, purpose="test") as connection:
            return migrate(connection)

    with ThreadPoolExecutor(4) as workers:
        applied = sorted(workers.map(start, range(4)))

    assert applied[:3] == [0, 0, 0]
    assert applied[3] >= 1


def test_a_database_of_another_text_is_refused(postgres_url: str) -> None:
    PostgresLog(postgres_url).close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE signalbox.migrations SET digest = 'other' WHERE number = 1")

    with pytest.raises(MigrationChangedError, match="0001_log"):
        PostgresLog(postgres_url)


def test_the_log_is_written_at_read_committed_only(postgres_url: str) -> None:
    PostgresLog(postgres_url).close()
    with psycopg.connect(postgres_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.Error, match="READ COMMITTED"):
            connection.execute("SELECT signalbox.lock_log()")


def test_a_setting_that_would_lose_commits_is_named(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())

    log = PostgresLog(postgres_url)
    assert log.check_durability() == ("synchronous_commit is off",)
    log.close()


def test_only_what_may_be_lost_with_the_power_does_not_wait_for_the_disk(postgres_url: str) -> None:
    PostgresLog(postgres_url).close()
    queries = load("postgres/log.sql")
    lazy: dict[str, Sequence[object] | dict[str, object]] = {
        "beat": (False, NOW),
        "hold_duty": {"duty": "ticker", "node": "node_1", "now": NOW, "length": 3},
        "tell_node": {"node": "node_1", "incarnation": 1, "at": NOW, "report": b"{}"},
    }
    with psycopg.connect(postgres_url) as connection:
        for name, values in lazy.items():
            connection.execute(queries[name].encode(), values)
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",), name
            connection.commit()
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",), name


def test_instants_are_the_server_s_whatever_the_caller_says(nodes: tuple[PostgresLog, PostgresLog]) -> None:
    one, other = nodes
    before = other.now()
    (result,) = one.append([member("c1", ("task_1", 1), leases=(opening(),))], now=NOW)
    assert isinstance(result, Appended)
    renewed = other.renew([(SESSION, 1), ("session_2", 1)], now=NOW)

    assert list(renewed) == [(SESSION, 1)]
    assert before - 100_000 < result.recorded_at < renewed[SESSION, 1] < other.now() + 100_000
    assert other.beat(now=NOW) == 0
    assert one.beat(now=NOW) >= result.recorded_at


def test_an_expiry_and_a_renewal_cannot_cross(nodes: tuple[PostgresLog, PostgresLog]) -> None:
    one, other = nodes
    one.append([member("c0", (SESSION, 1), leases=(opening(),))], now=NOW)
    lease = one.lease(SESSION, 1)
    assert lease is not None
    other.renew([(SESSION, 1)], now=NOW)

    expiry = LeaseChange("expire", SESSION, 1, stamp=Instant(lease.renewed_at))

    assert one.append([member("c1", (SESSION, 2), leases=(expiry,))], now=NOW) == [Moved(lease=True)]
    assert len(one.leases()) == 1


def test_renewals_and_lease_changes_never_wait_in_a_circle(nodes: tuple[PostgresLog, PostgresLog]) -> None:
    sessions = [(f"session_{number}", 1) for number in range(20)]
    changes = tuple(LeaseChange("open", StreamId(session), 1, ttl_seconds=60) for session, _ in sessions)
    nodes[0].append([member("c0", leases=changes)], now=NOW)

    def renew(_: int) -> int:
        return sum(len(nodes[1].renew(sessions[::-1], now=NOW)) for _ in range(30))

    def change(worker: int) -> list[MemberResult]:
        groups = ([member(f"c{worker}-{number}", leases=changes[::-1])] for number in range(15))
        return [nodes[0].append(group, now=NOW)[0] for group in groups]

    with ThreadPoolExecutor(4) as workers:
        renewed, changed = workers.map(renew, range(2)), workers.map(change, range(2))
        assert list(renewed) == [600, 600]
        assert all(isinstance(result, Appended) for results in changed for result in results)


def test_a_jump_of_the_server_s_clock_is_counted_and_followed() -> None:
    ours, theirs = [1_000], [5_000_000]
    clock = ServerClock(monotonic=lambda: ours[0])
    clock.measure(lambda: theirs[0])
    assert (clock.now(), clock.jumped) == (5_000_000, 0)

    ours[0] += 10_000_000
    theirs[0] += 10_000_000 - 1_900_000  # slow, but no jump: time stands still rather than go back
    assert clock.now() == 15_000_000
    clock.measure(lambda: theirs[0])
    assert (clock.now(), clock.jumped) == (15_000_000, 0)

    theirs[0] -= 3_000_000
    clock.measure(lambda: theirs[0])
    assert (clock.now(), clock.jumped) == (theirs[0], 1)


def opening() -> LeaseChange:
    return LeaseChange("open", SESSION, 1, ttl_seconds=60)
