"""The stores themselves as a source, for whoever has them open."""

from collections.abc import Callable, Sequence
from typing import Final

from infrastructure.archive.reading import in_database
from infrastructure.bundle.jsonl import write_line
from infrastructure.bundle.redaction import Redaction, Rules, digest
from infrastructure.ledger.port import KeyPeriod, SignedCheckpoint
from infrastructure.ledger.redacted_page import RedactedPage
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.statement import WHOLE, Statement
from infrastructure.log.archived import BaseState, LostEvent
from infrastructure.log.port import Log, LogRow
from projections.audit_ledger.leaf import leaf_hash
from projections.audit_ledger.proofs import inclusion_proof
from projections.audit_ledger.tiles import node_reader
from projections.audit_ledger.tree import Frontier

LINES_BYTES_MAX: Final = 8 * 1024 * 1024
"""A page of events, or of states, ends with the one that passes this."""


class StoreSource:
    """A log and its ledger in this process. Raises what the stores raise."""

    def __init__(self, log: Log, scribe: Scribe, principal: str) -> None:
        self._log = log
        self._scribe = scribe
        self._principal = principal

    def checkpoint(self) -> SignedCheckpoint | None:
        return self._scribe.current()

    def checkpoints(self, size: int, limit: int) -> list[SignedCheckpoint]:
        return self._scribe.store.checkpoints(size, limit)

    def public_keys(self) -> list[KeyPeriod]:
        return self._scribe.store.public_keys()

    def statement(self, first: int, last: int, project: str | None, rules: Rules | None) -> tuple[str, str | None]:
        events = max(0, last - first + 1)
        if project is not None:
            events = self._log.count_of(project, after=first - 1, through=last)
        now, policy = self._log.now(), digest(rules) if rules else WHOLE
        statement = Statement(self._scribe.origin, first, last, events, project, self._principal, now, policy)
        return str(self._scribe.ring.sign(statement.text(), now=now)), project

    def path(self, position: int, size: int) -> tuple[bytes, ...]:
        return inclusion_proof(position - 1, size, node_reader(self._scribe.read_tile))

    def hashes(self, first_tile: int, count: int) -> bytes:
        return b"".join(self._scribe.store.tiles(0, first_tile, count))

    def lines(self, after: int, limit: int, project: str | None) -> tuple[bytes, int]:
        return self._lines(self._log.page(after=after, limit=limit), after, project, write_line)

    def kept(self, after: int, limit: int) -> tuple[bytes, int]:
        return self._lines(in_database(self._log).page(after=after, limit=limit), after, None, write_line)

    def lost(self, limit: int) -> list[LostEvent]:
        return self._log.lost_events(limit=limit)

    def bases(self, after: str, limit: int) -> list[BaseState]:
        return bases_behind(self._log, after, limit)

    def redacted(self, after: int, limit: int, project: str | None, rules: Rules) -> tuple[bytes, int, str]:
        redaction, tree, left_out = Redaction(rules), Frontier(), 0

        def written(row: LogRow) -> bytes:
            nonlocal left_out
            shown, redacted = redaction.applied(row)
            tree.add(leaf_hash(shown))
            left_out += redacted
            return write_line(shown, redacted=redacted)

        lines, position = self._lines(self._log.page(after=after, limit=limit), after, project, written)
        now = self._log.now()
        page = RedactedPage(
            self._scribe.origin, after + 1, position, tree.size, left_out, project, digest(rules), tree.root(),
            self._principal, now,
        )  # fmt: skip
        return lines, position, str(self._scribe.ring.sign(page.text(), now=now))

    def _lines(
        self, rows: Sequence[LogRow], after: int, project: str | None, written: Callable[[LogRow], bytes]
    ) -> tuple[bytes, int]:
        lines: list[bytes] = []
        position, weight = after, 0
        for row in rows:
            if project is None or row.project == project:
                lines.append(written(row))
                weight += len(lines[-1])
            position = row.position
            if weight >= LINES_BYTES_MAX:
                break
        return b"".join(lines), position


def bases_behind(log: Log, after: str, limit: int) -> list[BaseState]:
    """A page of what archived streams had come to. Raises StoreUnavailable."""
    found: list[BaseState] = []
    weight = 0
    for base in log.base_states_behind(after, limit=limit):
        found.append(base)
        weight += len(base.state) + len(base.words)
        if weight >= LINES_BYTES_MAX:
            break
    return found
