"""Stores for benchmarks: fresh, durable, each in a place of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import open_postgres


@contextmanager
def fresh_stores(names: list[str]) -> Iterator[dict[str, str]]:
    """Settings values of the named stores; ``postgres`` starts a server of its own."""
    if "postgres" not in names:
        yield {name: name for name in names}
        return
    server = open_postgres()
    try:
        yield {name: server.create_database() if name == "postgres" else name for name in names}
    finally:
        server.close()


def fresh_folder() -> Path:
    """An empty folder on the disk that temporary files live on."""
    return Path(tempfile.mkdtemp(prefix="signalbox-bench-"))
