"""What was refused."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class CommandRefused(Event):
    """A command was refused in a way that matters for audit."""

    TYPE: ClassVar[str] = "command.refused.v1"
    command: str
    code: str
    message: str
    principal: str
    at: Instant
