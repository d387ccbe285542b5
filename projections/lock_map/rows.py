"""What the map shows of the locks under one token."""

from dataclasses import dataclass
from typing import NamedTuple

from domain.kernel.values import LockMode
from projections.kernel.rows import entries


class LockMapRow(NamedTuple):
    """All locks of one token: they were granted together and go together."""

    key: str
    """``lock space/token``."""
    project: str
    token: int
    session: str
    """The holder."""
    incarnation: int
    task: str | None
    """The task whose attempt holds them; None where the session itself does."""
    claims: str
    """JSON: [{claim, mode}], 1 to 64; see ``claims_of``."""
    claims_total: int
    purpose: str
    granted_at: int
    """Microseconds since 1970."""
    lingers_until: int | None
    """The holder is gone; the locks stay shut until this instant."""
    lingers_because: str
    """How the holder came to be gone, such as ``lost``; empty while held. Without an instant it is a quarantine, which
    only a person ends."""
    accept_until: int | None
    """They were transferred and go back at this instant unless they are accepted."""
    leaves_at: int | None
    """The holder is told to go; a person takes them over at this instant."""


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """One resource of a row, as a line of the screen."""

    resource: str
    mode: LockMode


def claims_of(row: LockMapRow) -> tuple[ShownClaim, ...]:
    """The resources under the row's token."""
    return tuple(ShownClaim(entry["claim"], entry["mode"]) for entry in entries(row.claims))
