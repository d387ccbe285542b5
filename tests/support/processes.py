"""What tests see of processes that are not theirs: whether they run, and the ids that they wrote down."""

import os
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_in(file: Path) -> int | None:
    """The id that a process wrote into a file as one line; None until the whole line is there."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return None
    return int(text) if text.endswith("\n") else None
