"""Waiting for more: whoever waits beyond a position is woken by the append, not by the clock."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from infrastructure.log.port import Log
from tests.contracts.groups import NOW, member

LONG_SECONDS = 60.0
"""Far longer than the test may take: only a wake-up ends the wait in time."""


def test_a_wait_for_a_position_that_is_passed_answers_at_once(log_store: Log) -> None:
    log_store.append([member("c1", ("task_1", 1), ("task_1", 2))], now=NOW)

    assert log_store.wait_beyond(0, timeout_seconds=LONG_SECONDS) == 2
    assert log_store.wait_beyond(1, timeout_seconds=LONG_SECONDS) == 2


def test_a_wait_ends_with_its_time(log_store: Log) -> None:
    assert log_store.wait_beyond(0, timeout_seconds=0.01) == 0
    assert log_store.wait_beyond(0, timeout_seconds=0) == 0


def test_an_append_wakes_everybody_who_waits(log_store: Log) -> None:
    started = monotonic()
    ready = threading.Barrier(4)

    def wait() -> int:
        ready.wait()
        return log_store.wait_beyond(0, timeout_seconds=LONG_SECONDS)

    with ThreadPoolExecutor(3) as threads:
        waits = [threads.submit(wait) for _ in range(3)]
        ready.wait()
        log_store.append([member("c1", ("task_1", 1))], now=NOW)
        heads = [found.result() for found in waits]

    assert heads == [1, 1, 1]
    assert monotonic() - started < LONG_SECONDS / 2


def test_an_append_that_writes_no_event_wakes_nobody(log_store: Log) -> None:
    log_store.append([member("c1", reads=(("task_1", 0),))], now=NOW)

    assert log_store.wait_beyond(0, timeout_seconds=0.05) == 0


def test_closing_the_log_ends_every_wait(log_store: Log) -> None:
    started = monotonic()
    ready = threading.Barrier(2)

    def wait() -> int:
        ready.wait()
        return log_store.wait_beyond(0, timeout_seconds=LONG_SECONDS)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        ready.wait()
        log_store.close()
        assert waiting.result() == 0

    assert monotonic() - started < LONG_SECONDS / 2


def test_whoever_listens_is_told_of_every_growth_once(log_store: Log) -> None:
    told: list[int] = []
    log_store.tell_growth(told.append)
    log_store.append([member("c1", ("task_1", 1))], now=NOW)
    log_store.append([member("c1", ("task_1", 1))], now=NOW)
    log_store.append([member("c2", ("task_1", 2), ("task_1", 3))], now=NOW)
    assert told == [1, 3]
