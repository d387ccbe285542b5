"""What the events of a task say in words of people and agents: under the task's own key, so that it can be erased."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {
    "task.planned.v1": Sealing({"title": "text", "body": "text", "input": "json", "origin": {"changes": "text"}}),
    "task.progressed.v1": Sealing({"note": "text", "checkpoint": "text", "artifacts": "list", "digest": "text"}),
    "task.completed.v1": Sealing({"summary": "text", "artifacts": "list", "evidence": "list", "output": "json"}),
    "task.attempt_ended.v1": Sealing({"reason": "text", "checkpoint": "text", "artifacts": "list"}),
    "task.late_report_discarded.v1": Sealing({"digest": "text"}),
    "task.failed.v1": Sealing({"reason": "text"}),
    "task.parked.v1": Sealing({"reason": "text"}),
    "task.cancelled.v1": Sealing({"reason": "text"}),
    "task.reassigned.v1": Sealing({"reason": "text"}),
    "task.attention_raised.v1": Sealing({"reason": "text"}),
}
"""By stored name. Keys, labels, kinds, claims and ids are names by which programs find things, and stay readable; a
digest does not, for whoever guesses the words could try them out by it."""
