"""Copies of signed checkpoints outside the database: lines in a file of each day, which whoever keeps logs can keep."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from infrastructure.ledger.port import SignedCheckpoint

SECONDS_BETWEEN: Final = 10
"""Under load one of so many seconds is copied, and the last when it is quiet again: some 3 MB a day at most."""
FOLDER_MODE: Final = 0o700
_SECOND: Final = 1_000_000


class CheckpointCopies:
    """Appends to ``YYYY-MM-DD.jsonl`` in one folder. Used by one thread. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._folder: Final = folder
        self._copied = SignedCheckpoint(0, 0, "")

    def keep(self, checkpoint: SignedCheckpoint, *, at_once: bool) -> bool:
        """Copy it durably, unless it is copied already, or one was a moment ago: then False."""
        recent = checkpoint.at - self._copied.at < SECONDS_BETWEEN * _SECOND
        if checkpoint == self._copied or (recent and not at_once):
            return False
        day = datetime.fromtimestamp(checkpoint.at / _SECOND, UTC).strftime("%Y-%m-%d")
        descriptor = os.open(self._folder / f"{day}.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab+") as file:
            # Behind a line that a kill or a full disk cut short a good one would be lost as well.
            file.write((b"\n" if _is_torn(file) else b"") + checkpoint_line(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        self._copied = checkpoint
        return True


def checkpoint_line(checkpoint: SignedCheckpoint) -> bytes:
    """A checkpoint as a line of JSON."""
    return orjson.dumps(checkpoint._asdict(), option=orjson.OPT_APPEND_NEWLINE)


def read_checkpoint_lines(file: Path) -> list[SignedCheckpoint]:
    """The checkpoints of a file of copies; a line that was not written whole is passed over. Raises OSError."""
    found: list[SignedCheckpoint] = []
    for line in file.read_bytes().splitlines():
        try:
            fields = orjson.loads(line)
            found.append(SignedCheckpoint(int(fields["size"]), int(fields["at"]), str(fields["note"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def read_copies(folder: Path) -> list[SignedCheckpoint]:
    """Every copied checkpoint below a folder, in order of size. Raises OSError."""
    return sorted(one for file in sorted(folder.glob("*.jsonl")) for one in read_checkpoint_lines(file))


def _is_torn(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"
