"""What may be asked of the record of refusals; never by a caller."""

from typing import ClassVar

from domain.kernel.message import Command


class RecordRefusal(Command):
    """Keep that somebody was refused before the command was decided (derived, by the edge)."""

    NAME: ClassVar[str] = "record_refusal"
    command: str
    code: str
    message: str
    principal: str
