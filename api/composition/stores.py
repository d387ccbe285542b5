"""The stores of a node, opened where its settings say."""

from typing import Final

from infrastructure.log.port import Log
from infrastructure.rows.port import RowStore
from infrastructure.settings import Settings

ROWS_FILE: Final = "rows.db"


def open_log(settings: Settings) -> Log:
    """The log where the settings say."""
    match settings.store_kind:
        case "memory":
            from infrastructure.log.memory import MemoryLog

            return MemoryLog()
        case "sqlite":
            from infrastructure.log.sqlite import SqliteLog

            return SqliteLog(settings.sqlite_file)
        case "postgres":
            from infrastructure.log.postgres import PostgresLog

            return PostgresLog(settings.store)


def open_rows(settings: Settings) -> RowStore:
    """The rows beside the log: an own file, so that the projector's transactions never wait for the committer's."""
    match settings.store_kind:
        case "memory":
            from infrastructure.rows.memory import MemoryRows

            return MemoryRows()
        case "sqlite":
            from infrastructure.rows.sqlite import SqliteRows

            return SqliteRows(settings.sqlite_file.with_name(ROWS_FILE))
        case "postgres":
            from infrastructure.rows.postgres import PostgresRows

            return PostgresRows(settings.store)
