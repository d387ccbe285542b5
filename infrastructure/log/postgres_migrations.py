"""Bringing a PostgreSQL database to the schema of this program; several nodes may do it at once."""

import hashlib

from psycopg import Connection

from infrastructure.sql import Migration, load, migrations


class MigrationChangedError(Exception):
    """Fault: the database was built from another text of a migration than the one at hand; nothing was changed."""


def migrate(connection: Connection) -> int:
    """Apply what is missing in one transaction; answers how many steps that were.

    Numbers that a newer program has applied are left alone, so nodes of two versions can run beside each other.
    ``connection`` is in autocommit mode. Raises MigrationChangedError.
    """
    queries = load("postgres/migrations.sql")
    with connection.transaction():
        _run(connection, queries["lock"])
        _run(connection, queries["prepare"])
        rows = connection.execute(_text(queries["applied"])).fetchall()
        applied = {int(number): str(digest) for number, digest in rows}
        missing = [step for step in migrations("postgres") if not _is_applied(step, applied)]
        for step in missing:
            _run(connection, step.text)
            connection.execute(_text(queries["record"]), (step.number, step.name, _digest(step)))
    return len(missing)


def _is_applied(step: Migration, applied: dict[int, str]) -> bool:
    digest = applied.get(step.number)
    if digest is not None and digest != _digest(step):
        raise MigrationChangedError(f"{step.number:04d}_{step.name}")
    return digest is not None


def _digest(step: Migration) -> str:
    return hashlib.sha256(step.text.encode()).hexdigest()


def _run(connection: Connection, text: str) -> None:
    connection.execute(_text(text))


def _text(text: str) -> bytes:
    return text.encode()
