"""What `PERSISTENCE_MODULE` names to put an `eventsourcing` application on our log in PostgreSQL."""

from typing import Final

from eventsourcing.persistence import InfrastructureFactoryError

from infrastructure.log.factory import LogFactory
from infrastructure.log.library_port import PlainLog
from infrastructure.log.postgres_plain import PlainPostgresLog
from infrastructure.log.recorders import LogTrackingRecorder

POSTGRES_URL: Final = "POSTGRES_URL"
"""Setting: where the database is, such as ``postgresql://user@host/database``."""


class PostgresFactory(LogFactory[LogTrackingRecorder]):
    """Recorders on the log of one PostgreSQL database."""

    def open_log(self) -> PlainLog:
        url = self.env.get(POSTGRES_URL)
        if not url:
            raise InfrastructureFactoryError(f"{POSTGRES_URL} names no database")
        return PlainPostgresLog(url)
