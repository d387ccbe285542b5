"""A task as it was planned, for tests of what does not plan it by itself."""

from typing import Any

from domain.kernel.ids import Instant
from domain.kernel.work import RetryRule
from domain.task.events import TaskPlanned


def planned_task(**fields: Any) -> TaskPlanned:
    """One that needs nothing and may be given to anybody, unless ``fields`` say otherwise."""
    plain: dict[str, Any] = {
        "project": "proj_1",
        "key": "one",
        "title": "work",
        "body": "",
        "kind": "code",
        "priority": 0,
        "needs": (),
        "scope": (),
        "requires": (),
        "retry": RetryRule(),
        "timeout_seconds": None,
        "run": None,
        "path_length": 1,
        "at": Instant(1),
    }
    return TaskPlanned(**plain | fields)
