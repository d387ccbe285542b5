"""One SQLite file that this process owns: its lock, its one writer, its readers, its migrations."""

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from infrastructure.log.file_lock import FileLock
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable
from infrastructure.sql import load, migrations

BUSY_TIMEOUT_SECONDS: Final = 5.0
"""How long a statement waits for somebody else's tool that holds the file."""
CACHE_KIB_MAX: Final = 8_192
"""Pages that the writer keeps in memory; ids rise with time, so that it writes to the ends of the indexes."""
READER_CACHE_KIB_MAX: Final = 1_024
"""The same for each reader: they are many, and what they read again comes from the system's own cache."""
CHECKPOINT_PAGES: Final = 4_000
"""Pages (4 KiB each) in the write-ahead log before a commit moves them into the file, which costs a second fsync."""
STATEMENTS_KEPT_MAX: Final = 256
"""Prepared statements that a connection keeps: an append has several for each table."""
READERS_KEPT_MAX: Final = 8
"""Idle reading connections that are kept open."""

_SQL: Final = load("sqlite/file.sql")


class SqliteFile:
    """A database file with one writer and as many readers as ask. Safe from any thread.

    The file is created with mode 0600 and a missing folder with 0700. Raises StoreInUse where another process, or
    another object of this one, has the file open; StoreUnavailable where it cannot be opened.
    """

    def __init__(self, path: Path, *, schema: str = "sqlite", synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        """``schema`` names the migrations; NORMAL may lose the last transactions with the power, never half of one."""
        self.path: Final = path
        self._schema = schema
        self._unopened: Final = f"{path} cannot be opened: "  # there are several such files in a data folder
        self._synchronous: Final = synchronous
        self._own_lock = self._claim()
        self._writing = threading.RLock()
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        try:
            self._writer: sqlite3.Connection | None = self._connect()
            self._migrate(self._writer)
        except BaseException as error:
            self._own_lock.release()
            _raise_unavailable(error, self._unopened)
            raise

    @contextmanager
    def writing(self, *, durable: bool = True) -> Generator[sqlite3.Connection]:
        """The writer inside BEGIN IMMEDIATE; committed at the end, rolled back on any exception.

        What need not be ``durable`` may be lost with the power, until the next durable commit takes it along.
        Raises StoreUnavailable where nothing was written, OutcomeUnknown where the commit itself failed.
        """
        with self._writing, self._synchronous_as(durable=durable):
            writer = self._ready()
            try:
                writer.execute("BEGIN IMMEDIATE")
                yield writer
            except BaseException as error:
                self._roll_back(writer)
                _raise_unavailable(error)
                raise
            self._commit(writer)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection that sees everything committed so far. Raises StoreUnavailable."""
        connection = self._reader()
        try:
            yield connection
        except BaseException as error:
            connection.close()
            _raise_unavailable(error)
            raise
        self._put_back(connection)

    def setting(self, name: str) -> str:
        """What the writer says about one of its pragmas, such as ``synchronous``."""
        with self._writing:
            return str(self._ready().execute(f"PRAGMA {name}").fetchone()[0])

    def scrub(self) -> None:
        """Empty the write-ahead log, which holds pages as they were. It waits for nobody, since appends wait for it.

        Raises StoreUnavailable while somebody still reads such a page.
        """
        with self._writing:
            writer = self._ready()
            try:
                writer.execute("PRAGMA busy_timeout = 0")
                busy: int = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                writer.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1_000)}")
        if busy:
            raise StoreUnavailable(f"somebody reads {self.path} as it was")

    def close(self) -> None:
        """Close every connection and give up the file; again is harmless."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            with self._idle_lock:
                idle, self._idle = self._idle, []
            for connection in [*idle, *filter(None, [self._writer])]:
                connection.close()
            self._own_lock.release()

    def _claim(self) -> FileLock:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.path.with_name(self.path.name + ".lock"))
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be opened: {error}") from error
        return lock

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENTS_KEPT_MAX,
            )
        except sqlite3.Error as error:
            _raise_unavailable(error, self._unopened)
            raise
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB_MAX}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            # What is deleted is overwritten, so that what was erased is not found in a page that is free again.
            connection.execute("PRAGMA secure_delete = ON")
        except sqlite3.Error as error:
            connection.close()
            _raise_unavailable(error, self._unopened)
            raise
        return connection

    def _migrate(self, writer: sqlite3.Connection) -> None:
        writer.execute(_SQL["create_migrations"])
        applied = {number for (number,) in writer.execute(_SQL["applied"])}
        known = migrations(self._schema)
        if applied - {migration.number for migration in known}:
            raise StoreUnavailable(f"{self.path} was written by a newer version of this program")
        for migration in known:
            if migration.number not in applied:
                writer.executescript(f"BEGIN IMMEDIATE;\n{migration.text}")
                writer.execute(_SQL["insert_migration"], (migration.number, migration.name))
                writer.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        self._check_open()
        with self._idle_lock:
            if self._idle:
                return self._idle.pop()
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB_MAX}")
        return connection

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._idle_lock:
            if not self._closed and len(self._idle) < READERS_KEPT_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def _ready(self) -> sqlite3.Connection:
        """The writer; another one where the last was given up. Raises StoreUnavailable, and tries again next time."""
        self._check_open()
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    @contextmanager
    def _synchronous_as(self, *, durable: bool) -> Generator[None]:
        """The next commit waits for the disk only if it must be durable; whatever happens, those behind it do again."""
        if durable or self._synchronous == "NORMAL":
            yield
            return
        try:
            self._set_synchronous("NORMAL")
            yield
        finally:
            try:
                self._set_synchronous(self._synchronous)
            except StoreUnavailable:
                self._give_up()

    def _set_synchronous(self, level: Literal["FULL", "NORMAL"]) -> None:
        try:
            self._ready().execute(f"PRAGMA synchronous = {level}")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the durability of {self.path} cannot be set: {error}") from error

    def _commit(self, writer: sqlite3.Connection) -> None:
        try:
            writer.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back(writer)
            raise OutcomeUnknown(f"the commit failed: {error}") from error

    def _roll_back(self, writer: sqlite3.Connection) -> None:
        """Leave no transaction behind; a writer that cannot even do that is given up, and replaced at the next use."""
        try:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
        except sqlite3.Error:
            self._give_up()

    def _give_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.path} was closed")


def _raise_unavailable(error: BaseException, what: str = "") -> None:
    """Turn a failing disk or a file held by others into StoreUnavailable; mistakes of ours stay what they are."""
    failing = type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)
    if isinstance(error, sqlite3.Error) and failing and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
        raise StoreUnavailable(f"{what}{error}") from error
