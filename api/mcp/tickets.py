"""Tickets: what a later call of wait has to know, as a text that the server minted and needs not remember."""

from dataclasses import dataclass
from typing import Final, Literal

from api.mcp.answers import refuse
from api.mcp.errors import TicketUnreadable

TICKET_CHARACTERS_MAX: Final = 400
TicketKind = Literal["lock", "task", "run", "gate"]
_KINDS: Final[dict[str, TicketKind]] = {"lock": "lock", "task": "task", "run": "run", "gate": "gate"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is waited for. It opens nothing: whoever shows it is asked for rights as with any other name."""

    kind: TicketKind
    project: str
    name: str
    """Number of the request, key or id of the task, id of the run, or run and place of the gate."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.project}/{self.name}"


def read_ticket(text: str) -> Ticket:
    """Raises ToolRefused."""
    before, _, rest = text.partition("/")
    project, _, name = rest.partition("/")
    kind = _KINDS.get(before)
    return refuse(TicketUnreadable()) if kind is None or not name else Ticket(kind, project, name)
