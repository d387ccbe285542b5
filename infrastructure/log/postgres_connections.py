"""Connections to PostgreSQL: one that appends, a few for everything else, and what their failures mean."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from select import POLLIN, poll
from typing import Any, Final, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from infrastructure.log import postgres_arrays
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable

R = TypeVar("R")
Parameters = Sequence[object] | Mapping[str, object]
Row = tuple[Any, ...]

CONNECT_SECONDS_MAX: Final = 5
POOL_WAIT_SECONDS_MAX: Final = 5.0
LOCK_WAIT_SECONDS_MAX: Final = 10
IDLE_IN_TRANSACTION_SECONDS_MAX: Final = 1
READ_ATTEMPTS_MAX: Final = 3

#: A stopped node is thrown out of its transaction after a second, so that it cannot hold the fleet.
_SETTINGS: Final = {
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS_MAX}s",
    "lock_timeout": f"{LOCK_WAIT_SECONDS_MAX}s",
    "jit": "off",
    "default_transaction_isolation": "read\\ committed",
}
#: A server that vanished without a word is noticed within some ten seconds.
_NETWORK: Final = {
    "connect_timeout": CONNECT_SECONDS_MAX,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def connect(url: str, *, purpose: str) -> psycopg.Connection:
    """Open a connection in autocommit mode with the settings of the log. Raises StoreUnavailable."""
    try:
        connection = psycopg.connect(conninfo(url, purpose=purpose), autocommit=True)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    _prepare(connection)
    return connection


def conninfo(url: str, *, purpose: str) -> str:
    """The URL with the settings of the log; what the URL says itself stands."""
    given = conninfo_to_dict(url)
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    given_options = str(given.get("options") or "")
    merged: dict[str, Any] = {"application_name": f"signalbox {purpose}", **_NETWORK, **given}
    return make_conninfo("", **{**merged, "options": f"{options} {given_options}".strip()})


class Writer:
    """The one connection that appends. One thread at a time; reconnects at the next call after a loss."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection = connect(url, purpose="append")

    def run(self, query: str, parameters: Parameters) -> Row:
        """Run one statement that is a transaction of its own, in one round trip; answers its row.

        Raises OutcomeUnknown where the connection broke under way, StoreUnavailable where nothing was written.
        """
        with self._lock:
            connection = self._ready()
            with _faults(connection, broken=OutcomeUnknown):
                return _row(connection, query, parameters)

    def transaction(self, body: Callable[["Transaction"], R], *, begin: str, commit: str) -> R:
        """Run ``body`` in a transaction; whatever it raises undoes everything.

        Raises StoreUnavailable before the commit was sent, OutcomeUnknown where the connection broke during it.
        """
        with self._lock:
            connection = self._ready()
            try:
                with _faults(connection, broken=StoreUnavailable):
                    connection.execute(begin.encode())
                    result = body(Transaction(connection))
                with _faults(connection, broken=OutcomeUnknown):
                    connection.execute(commit.encode())
            except BaseException:
                _abandon(connection)
                raise
            return result

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _ready(self) -> psycopg.Connection:
        try:
            assert_alive(self._connection)
        except psycopg.OperationalError:
            self._connection.close()
            self._connection = connect(self._url, purpose="append")
        return self._connection


class Transaction:
    """What the body of a writer's transaction may do."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def row(self, query: str, parameters: Parameters = ()) -> Row:
        """Run a statement that answers exactly one row."""
        return _row(self._connection, query, parameters)

    def rows(self, query: str, parameters: Parameters = ()) -> list[Row]:
        return self._connection.execute(query.encode(), parameters, binary=True).fetchall()


class Readers:
    """Connections for everything but appends, each statement a transaction of its own."""

    def __init__(self, url: str, *, connections_max: int) -> None:
        self._pool = ConnectionPool(
            conninfo(url, purpose="read"),
            kwargs={"autocommit": True},
            min_size=1,
            max_size=connections_max,
            timeout=POOL_WAIT_SECONDS_MAX,
            configure=_prepare,
            check=assert_alive,
            open=True,
        )

    def rows(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """Run a statement that may be repeated; a lost connection is replaced. Raises StoreUnavailable."""
        for _ in range(READ_ATTEMPTS_MAX - 1):
            try:
                return self.rows_once(query, parameters)
            except OutcomeUnknown:
                self._pool.check()
        try:
            return self.rows_once(query, parameters)
        except OutcomeUnknown as error:
            raise StoreUnavailable(str(error)) from error

    def rows_once(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """Run a statement that must not run twice. Raises StoreUnavailable, OutcomeUnknown."""
        try:
            with self._pool.connection() as connection, _faults(connection, broken=OutcomeUnknown):
                return connection.execute(query.encode(), parameters, binary=True).fetchall()
        except psycopg.OperationalError as error:  # of the pool itself: none came in time, or it is closed
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        self._pool.close()


def assert_alive(connection: psycopg.Connection) -> None:
    """Close an idle connection that the server has ended, without a round trip. Raises psycopg.OperationalError.

    What a server says unasked is almost always its last word, which arrives before the end of the connection does; for
    the rare other words (a setting was reloaded) a new connection is cheaper than an outcome that nobody knows.
    """
    if connection.closed:
        raise psycopg.OperationalError("the connection is closed")
    waiting = poll()
    waiting.register(connection.fileno(), POLLIN)
    if waiting.poll(0):
        connection.close()  # a pool would give one that looks open to the next who asks
        raise psycopg.OperationalError("the server speaks without being asked")


def _prepare(connection: psycopg.Connection) -> None:
    postgres_arrays.register(connection)


def _row(connection: psycopg.Connection, query: str, parameters: Parameters) -> Row:
    rows: list[Row] = connection.execute(query.encode(), parameters, prepare=True, binary=True).fetchall()
    return rows[0]


@contextmanager
def _faults(connection: psycopg.Connection, *, broken: type[Exception]) -> Generator[None]:
    """Say what an error of the driver means: with the connection gone ``broken``, else that nothing was written.

    A session that was thrown out for being idle, and a server that has become read-only, count as internal errors.
    """
    try:
        yield
    except psycopg.Error as error:
        if connection.closed:
            raise broken(str(error)) from error
        if isinstance(error, (psycopg.OperationalError, psycopg.InternalError)):
            raise StoreUnavailable(str(error)) from error
        raise


def _abandon(connection: psycopg.Connection) -> None:
    """Undo a transaction; where even that fails, closing the connection undoes it."""
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()
