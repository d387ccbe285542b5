"""What the ledger signs for a page of redacted events: what is left of them, so that nothing of it can be changed."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from projections.audit_ledger.note import NoteUnreadable, read_instant, written
from projections.audit_ledger.tree import HASH_BYTES

_KIND: Final = "/redaction"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_EVERY: Final = "*"
_LINES: Final = 10


@dataclass(frozen=True, slots=True)
class RedactedPage:
    """The events of the positions ``first`` to ``last``, of one project or of all, as a policy leaves them."""

    origin: str
    first: int
    last: int
    events: int
    redacted: int
    """How many of them had something left out."""
    project: str | None
    policy: str
    """Digest of the policy."""
    root: bytes
    """Of the tree (RFC 6962) over the leaves of the events as they are shown."""
    principal: str
    at: int
    """Microseconds since 1970."""

    def text(self) -> str:
        """What is signed."""
        lines = (
            f"{self.origin}{_KIND}",
            *map(str, (self.first, self.last, self.events, self.redacted)),
            self.project or _EVERY,
            self.policy,
            base64.b64encode(self.root).decode(),
            self.principal,
            written(self.at),
        )
        return "".join(f"{line}\n" for line in lines)


def read_page(text: str) -> RedactedPage:
    """Raises NoteUnreadable."""
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[_LINES] or not lines[0].endswith(_KIND):
        raise NoteUnreadable(f"a page of redacted events has {_LINES} lines")
    if not all(map(_NUMBER.fullmatch, lines[1:5])):
        raise NoteUnreadable("a number of a page of redacted events cannot be read")
    try:
        root = base64.b64decode(lines[7], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteUnreadable("the root of a page of redacted events is no base64") from error
    if len(root) != HASH_BYTES:
        raise NoteUnreadable("the root of a page of redacted events is none")
    first, last, events, redacted = map(int, lines[1:5])
    project = None if lines[5] == _EVERY else lines[5]
    origin = lines[0].removesuffix(_KIND)
    return RedactedPage(
        origin, first, last, events, redacted, project, lines[6], root, lines[8], read_instant(lines[9])
    )
