"""`PERSISTENCE_MODULE=infrastructure.log.factory_sqlite`: the library on our log in a SQLite file."""

from pathlib import Path
from typing import Final

from eventsourcing.persistence import InfrastructureFactoryError

from infrastructure.log.factory import LogFactory
from infrastructure.log.library_port import PlainLog
from infrastructure.log.recorders import LogTrackingRecorder
from infrastructure.log.sqlite_plain import PlainSqliteLog

SQLITE_DBNAME: Final = "SQLITE_DBNAME"
"""Setting: path of the file, as in the library; every process needs a file of its own."""


class SqliteFactory(LogFactory[LogTrackingRecorder]):
    """Each factory owns its file until it is closed."""

    def open_log(self) -> PlainLog:
        path = self.env.get(SQLITE_DBNAME)
        if not path:
            raise InfrastructureFactoryError(f"name the file of the log in {SQLITE_DBNAME}")
        return PlainSqliteLog(Path(path))
