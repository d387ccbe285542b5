"""What people and agents write to each other: under the key of whom it is about, so that it is erased with it."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {
    "note.posted.v1": Sealing({"text": "text", "agent": "text"}, about=("task", "session")),
    "message.sent.v1": Sealing({"text": "text", "agent": "text"}, about=("to",)),
}
"""By stored name. A message goes with the session that it was written to, a note with the task on whose board it is,
one on the project's board with the session that wrote it. What a person writes there is about nobody, and stays."""
