"""What becomes of an append when PostgreSQL or the way to it fails."""

import os
import select
import socket
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from infrastructure.log.port import Appended, MemberResult, OutcomeUnknown, Repeated, StoreUnavailable
from infrastructure.log.postgres import PostgresLog
from tests.contracts.groups import NOW, asked, member
from tests.support.postgres import PostgresServer
from tests.support.waiting import SECONDS_MAX, until

WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'signalbox append' AND wait_event = 'advisory'"


@pytest.fixture
def log(postgres_url: str) -> Iterator[PostgresLog]:
    opened = PostgresLog(postgres_url)
    yield opened
    opened.close()


@contextmanager
def held_lock(url: str) -> Generator[psycopg.Connection]:
    """Somebody else holds the log's lock, so that an append is caught half way."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        connection.execute("SELECT signalbox.lock_log()")
        yield connection


def test_a_backend_killed_during_an_append_leaves_the_outcome_unknown(log: PostgresLog, postgres_url: str) -> None:
    group = [member("c1", ("task_1", 1)), member("c2", ("task_2", 1))]

    def append() -> list[MemberResult]:
        return log.append(group, now=NOW)

    with ThreadPoolExecutor(1) as threads, held_lock(postgres_url) as holder:
        under_way: Future[list[MemberResult]] = threads.submit(append)
        until(lambda: holder.execute(WAITING).fetchone())
        holder.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting".encode())
        with pytest.raises(OutcomeUnknown):
            under_way.result(timeout=SECONDS_MAX)

    first = append()
    assert [type(result) for result in first] == [Appended, Appended]
    assert [type(result) for result in append()] == [Repeated, Repeated]
    assert log.head() == 2


def test_an_append_whose_answer_was_lost_may_still_commit_and_runs_once(log: PostgresLog, postgres_url: str) -> None:
    group = [member("c1", ("task_1", 1))]
    with ThreadPoolExecutor(1) as threads, held_lock(postgres_url) as holder:
        under_way = threads.submit(log.append, group, now=NOW)
        until(lambda: holder.execute(WAITING).fetchone())
        with socket.socket(fileno=os.dup(log._writer._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RD)
        with pytest.raises(OutcomeUnknown):
            under_way.result(timeout=SECONDS_MAX)
        assert log.receipt(asked("c1")) is None  # proves nothing: the old backend still waits for the lock

    (again,) = log.append(group, now=NOW)
    assert isinstance(again, (Appended, Repeated))
    until(lambda: log.receipt(asked("c1")))
    assert log.head() == 1


def test_a_connection_lost_while_idle_costs_nobody_anything(log: PostgresLog, postgres_url: str) -> None:
    log.append([member("c1", ("task_1", 1))], now=NOW)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^signalbox'"
        )
    wire = log._writer._connection.fileno()
    until(lambda: select.select([wire], [], [], 0)[0])

    (result,) = log.append([member("c2", ("task_1", 2))], now=NOW)

    assert isinstance(result, Appended)
    assert [row.version for row in log.events_of("task_1")] == [1, 2]


def test_a_lock_that_nobody_gives_back_ends_in_store_unavailable(postgres_url: str) -> None:
    log = PostgresLog(f"{postgres_url}?options=-c%20lock_timeout%3D200ms")
    with held_lock(postgres_url), pytest.raises(StoreUnavailable):
        log.append([member("c1", ("task_1", 1))], now=NOW)

    assert isinstance(log.append([member("c1", ("task_1", 1))], now=NOW)[0], Appended)
    log.close()


def test_a_crashed_and_restarted_server_is_found_again(postgres_own_server: PostgresServer) -> None:
    url = postgres_own_server.create_database()
    log = PostgresLog(url)
    log.append([member("c1", ("task_1", 1))], now=NOW)

    postgres_own_server.stop(immediate=True)
    with pytest.raises((StoreUnavailable, OutcomeUnknown)):
        log.append([member("c2", ("task_1", 2))], now=NOW)
    with pytest.raises(StoreUnavailable):
        log.head()
    postgres_own_server.start()

    (result,) = log.append([member("c2", ("task_1", 2))], now=NOW)
    assert isinstance(result, Appended)
    until(lambda: log.head() == 2)
    hears_again(log, PostgresLog(url))
    postgres_own_server.drop_database(url)


def hears_again(log: PostgresLog, other: PostgresLog) -> None:
    """The follower of ``log`` is back: it learns of another node's append."""
    threading.Timer(0.5, lambda: other.append([member("c9", ("task_9", 1))], now=NOW)).start()
    assert log.wait_beyond(2, timeout_seconds=SECONDS_MAX) == 3
    log.close()
    other.close()
