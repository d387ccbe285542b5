"""What the ledger signs for an export: which events were asked for, so that a bundle that lost some is found out."""

import re
from dataclasses import dataclass
from typing import Final

from projections.audit_ledger.note import NoteUnreadable, read_instant, written

_KIND: Final = "/export"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_EVERY: Final = "*"
WHOLE: Final = "-"
"""Stands for the policy of redaction where nothing is left out."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Events ``first`` to ``last`` of a log, of one project or of all, as many as there were."""

    origin: str
    first: int
    last: int
    events: int
    project: str | None
    principal: str
    at: int
    """Microseconds since 1970."""
    redaction: str = ""
    """Digest of the policy by which something is left out, or WHOLE; empty in statements that do not tell."""

    def text(self) -> str:
        """What is signed."""
        lines = (
            f"{self.origin}{_KIND}",
            str(self.first),
            str(self.last),
            str(self.events),
            self.project or _EVERY,
            self.principal,
            written(self.at),
            *((self.redaction,) if self.redaction else ()),
        )
        return "".join(f"{line}\n" for line in lines)


def read_statement(text: str) -> Statement:
    """Raises NoteUnreadable."""
    lines = text.split("\n")
    if len(lines) not in (8, 9) or lines[-1] or not lines[0].endswith(_KIND):
        raise NoteUnreadable("a statement has lines for origin, first, last, events, project, principal, time, policy")
    if not all(map(_NUMBER.fullmatch, lines[1:4])):
        raise NoteUnreadable("a number of the statement cannot be read")
    project = None if lines[4] == _EVERY else lines[4]
    first, last, events = map(int, lines[1:4])
    origin = lines[0].removesuffix(_KIND)
    redaction = lines[7] if len(lines) == 9 else ""
    return Statement(origin, first, last, events, project, lines[5], read_instant(lines[6]), redaction)
