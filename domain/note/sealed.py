"""What is written on the board of a task: under the task's key, so that it is erased with it."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {"note.posted.v1": Sealing({"text": "text", "agent": "text"}, about="task")}
"""By stored name. A note on the project's board is about no task, and a message belongs to nobody's work."""
