"""What a session is told of a task in words of people: under the task's key, so that it is erased with it."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {"session.revoke_noticed.v1": Sealing({"reason": "text"}, about="task")}
"""By stored name."""
