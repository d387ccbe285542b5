"""Following PostgreSQL: hearing of other nodes' appends, and keeping the server's clock measured."""

import socket
import threading
import time
from collections.abc import Callable
from random import SystemRandom
from select import POLLIN, poll
from typing import Final

import psycopg

from infrastructure.log.head_signal import HeadSignal
from infrastructure.log.port import StoreUnavailable
from infrastructure.log.postgres_clock import ServerClock
from infrastructure.sql import load

POLL_SECONDS_MIN: Final = 1.0
POLL_SECONDS_MAX: Final = 30.0
MEASURE_SECONDS: Final = 10.0
RECONNECT_SECONDS_MIN: Final = 0.1
RECONNECT_SECONDS_MAX: Final = 5.0


class Follower:
    """A thread with a connection of its own: it listens, polls beneath, measures the clock, and reconnects."""

    def __init__(self, connect: Callable[[], psycopg.Connection], signal: HeadSignal, clock: ServerClock) -> None:
        queries = load("postgres/log.sql")
        self._connect = connect
        self._signal = signal
        self._clock = clock
        self._listen, self._head, self._time = (queries[name].encode() for name in ("listen", "head", "clock"))
        self._stopped = False
        self._jitter = SystemRandom()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="signalbox-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and wait for its end; closing again does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._wake.send(b"!")
        self._thread.join()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        pause = RECONNECT_SECONDS_MIN
        while not self._stopped:
            try:
                with self._connect() as connection:
                    connection.add_notify_handler(lambda notice: self._notified(notice.payload.encode()))
                    connection.execute(self._listen)
                    pause = RECONNECT_SECONDS_MIN
                    self._follow(connection)
            except (psycopg.Error, StoreUnavailable):
                self._wait(None, pause * self._jitter.uniform(0.5, 1.5))
                pause = min(2 * pause, RECONNECT_SECONDS_MAX)

    def _follow(self, connection: psycopg.Connection) -> None:
        interval = POLL_SECONDS_MIN
        poll_at = measure_at = 0.0
        while not self._stopped:
            now = time.monotonic()
            if now >= poll_at:
                known = self._signal.wait_beyond(-1, timeout_seconds=0)
                head = _number(connection, self._head)
                self._signal.announce(head)
                missed = head > known
                interval = POLL_SECONDS_MIN if missed or not poll_at else min(2 * interval, POLL_SECONDS_MAX)
                poll_at = now + interval * self._jitter.uniform(0.5, 1.0)
            if now >= measure_at:
                self._clock.measure(lambda: _number(connection, self._time))
                measure_at = now + MEASURE_SECONDS
            if self._wait(connection, min(poll_at, measure_at) - now):
                self._take_notices(connection)

    def _wait(self, connection: psycopg.Connection | None, seconds: float) -> bool:
        """Wait until the server says something (True), time is up or the follower is closed."""
        waiting = poll()
        waiting.register(self._woken, POLLIN)
        if connection is not None:
            waiting.register(connection.fileno(), POLLIN)
        ready = {number for number, _ in waiting.poll(max(0.0, seconds) * 1000)}
        return bool(ready - {self._woken.fileno()})

    def _take_notices(self, connection: psycopg.Connection) -> None:
        connection.pgconn.consume_input()
        while notice := connection.pgconn.notifies():
            self._notified(notice.extra)

    def _notified(self, payload: bytes) -> None:
        self._signal.announce(int(payload))


def _number(connection: psycopg.Connection, query: bytes) -> int:
    return int(connection.execute(query).fetchall()[0][0])
