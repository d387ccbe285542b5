"""What is said of a session in words is under its own key; what it is told of a task under the task's."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {
    "session.opened.v1": Sealing({"name": "text", "worktree": "text"}),
    "session.status_changed.v1": Sealing({"digest": "text", "note": "text"}),
    "session.drain_begun.v1": Sealing({"reason": "text"}),
    "session.revoke_noticed.v1": Sealing({"reason": "text"}, about=("task",)),
}
"""By stored name. Tool, model, host, role and capabilities are what sessions are found by, and stay readable."""
