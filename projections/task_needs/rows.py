"""What is shown of an edge between two tasks."""

from typing import NamedTuple


class TaskNeedRow(NamedTuple):
    """One task needs another."""

    key: str
    """``task/need``."""
    project: str
    task: str
    need: str
    """Id of the needed task."""
    need_name: str
    """Its key inside the project."""
    accept: str
    """JSON: the outcomes that satisfy it."""
    outcome: str | None
    """How the needed task settled last; None while it has not."""
    satisfied: bool
