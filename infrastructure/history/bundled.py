"""The events of a bundle as a log in a scratch file, so that everything that is asked of a log can be asked of it."""

from itertools import islice
from pathlib import Path
from typing import Final

from infrastructure.bundle.reader import Bundle
from infrastructure.log.port import LogRow
from infrastructure.log.sqlite_file import SqliteFile
from infrastructure.sql import load

ROWS_AT_ONCE: Final = 5_000
_LOG: Final = load("sqlite/log.sql")


def unpack(folder: Path, file: Path) -> None:
    """Copy the events of a bundle into a new log; in constant memory. Raises BundleUnreadable.

    A bundle keeps neither receipts nor unique names: what needs them finds none.
    """
    copy = SqliteFile(file)
    try:
        with copy.writing() as connection:
            last: LogRow | None = None
            rows = Bundle(folder).rows()
            while page := list(islice(rows, ROWS_AT_ONCE)):
                connection.executemany(_LOG["insert_event"], page)
                last = page[-1]
            if last is not None:
                connection.execute(_LOG["move_head"], (last.position, last.recorded_at))
    finally:
        copy.close()
