"""Verifies what is left of redacted events: page by page it is what the ledger signed when it left something out."""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from infrastructure.bundle.layout import BundleUnreadable, read_file, redactions_file
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.redaction import digest
from infrastructure.bundle.rows import ReadRow
from infrastructure.ledger.redacted_page import RedactedPage, read_page
from infrastructure.ledger.signing import verified
from infrastructure.ledger.statement import WHOLE, Statement
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.note import PublicKey, read_note
from projections.audit_ledger.tree import Frontier
from projections.audit_ledger.verdicts import Finding, Verdict

NOTES_BYTES_MAX: Final = 64 * 1024 * 1024


def examine_redaction(bundle: Bundle, statement: Statement, keys: Sequence[PublicKey]) -> tuple[int, list[Finding]]:
    """Redacted events of which everything that is shown was signed, and what is wrong.

    A statement that does not tell of redaction is of a program that signed none. Raises BundleUnreadable,
    NoteUnreadable.
    """
    rules = bundle.manifest.redaction
    promised = None if statement.redaction in ("", WHOLE) else statement.redaction
    if statement.redaction and promised != (None if rules is None else digest(rules)):
        words = "what was left out of the events is not what the signed statement names"
        return 0, [Finding(Verdict.FORGED, 0, 0, words)]
    if promised is None:
        return 0, []
    attested = 0
    for part in bundle.parts():
        rows = _Rows(bundle.part(part))
        expected, end = bundle.span(part)
        for page in _pages(bundle, part, keys):
            if page is None or page.first != expected or not _belongs(page, bundle, promised):
                words = f"what is shown from @{expected} on is not signed"
                return attested, [Finding(Verdict.FORGED, expected, 0, words)]
            if not _holds(page, rows.until(page.last)):
                words = f"what is shown of the events @{page.first} to @{page.last} is not what was signed"
                return attested, [Finding(Verdict.ALTERED, page.first, page.events, words)]
            attested += page.redacted
            expected = page.last + 1
        if expected != end + 1:
            words = f"of what is shown from @{expected} to @{end} the signature is missing"
            return attested, [Finding(Verdict.INCOMPLETE, expected, end - expected + 1, words)]
    return attested, []


class _Rows:
    """The events of a part, handed out up to one position after the other."""

    def __init__(self, rows: Iterator[ReadRow]) -> None:
        self._rows = rows
        self._ahead: ReadRow | None = next(rows, None)

    def until(self, position: int) -> list[ReadRow]:
        """Those up to a position that were not handed out yet; what cannot be read is among them."""
        found: list[ReadRow] = []
        while self._ahead is not None and self._ahead.row.position <= position:
            found.append(self._ahead)
            self._ahead = next(self._rows, None)
        return found


def _pages(bundle: Bundle, part: int, keys: Sequence[PublicKey]) -> Iterator[RedactedPage | None]:
    """What was signed of a part; None for what nobody who is trusted has signed in time."""
    file = redactions_file(bundle.folder, part)
    try:
        notes = [str(orjson.loads(line)["note"]) for line in read_file(file, NOTES_BYTES_MAX).splitlines()]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BundleUnreadable(f"{file} holds no notes") from error
    for text in notes:
        note = read_note(text)
        page = read_page(note.text)
        yield page if verified(note, keys, page.at) else None


def _belongs(page: RedactedPage, bundle: Bundle, policy: str) -> bool:
    manifest = bundle.manifest
    return (page.origin, page.project, page.policy) == (manifest.origin, manifest.project, policy)


def _holds(page: RedactedPage, rows: Sequence[ReadRow]) -> bool:
    frontier = Frontier()
    try:
        for one in rows:
            frontier.add(leaf_hash(one.row))
    except (struct.error, AttributeError, TypeError, ValueError):
        return False
    redacted = sum(one.redacted for one in rows)
    return (len(rows), redacted, frontier.root()) == (page.events, page.redacted, page.root)
