"""What a worker tells about itself: lines for people, or JSON lines for programs."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final, TextIO

from api.cli.words import printable

LINE_CHARACTERS_MAX: Final = 4_096


@dataclass(slots=True)
class Totals:
    """What became of the tasks that this worker took."""

    claimed: int = 0
    completed: int = 0
    failed: int = 0
    released: int = 0
    lost: int = 0
    """Attempts that the server took back, or that ended with their session."""


class Journal:
    """Writes to standard output, line by line."""

    def __init__(self, *, as_json: bool, stream: TextIO | None = None) -> None:
        self._as_json = as_json
        self._stream = sys.stdout if stream is None else stream

    def tell(self, event: str, words: str, **data: object) -> None:
        """One thing that happened; ``event`` is a stable name for programs."""
        if self._as_json:
            self._write(json.dumps({"event": event, "at": round(time.time(), 3), **data}, ensure_ascii=False))
        else:
            self._write(f"{time.strftime('%H:%M:%S')} {printable(words)}")

    def output(self, task: str, key: str, source: str, line: str) -> None:
        """One line that a task's command wrote."""
        line = line[:LINE_CHARACTERS_MAX]
        if self._as_json:
            self.tell("output", "", task=task, key=key, source=source, line=line)
        else:
            self._write(f"         {printable(key)} | {printable(line)}")

    def totals(self, totals: Totals) -> None:
        """The last line."""
        counts = asdict(totals)
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        self.tell("ended", f"worker ended: {words}", **counts)

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            # Whoever listened is gone; the work goes on.
            return
