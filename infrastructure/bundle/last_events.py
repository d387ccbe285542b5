"""The last events of archived streams, which the database has to have as long as none follows them."""

from collections.abc import Iterator, Sequence

from infrastructure.bundle.examination import FINDINGS_MAX
from infrastructure.bundle.rows import ReadRow
from infrastructure.log.archived import LostEvent
from projections.audit_ledger.verdicts import Finding, Verdict


class LastEvents:
    """Of each stream that ends at or before a boundary, as bundles tell it; memory holds one place for each."""

    def __init__(self, boundary: int) -> None:
        self._boundary = boundary
        self._ends: dict[str, LostEvent] = {}

    def of_log(self, rows: Iterator[ReadRow]) -> Iterator[ReadRow]:
        """The same rows, of the whole log in order; they are noted as they pass."""
        for one in rows:
            row = one.row
            if row.position <= self._boundary:
                self._ends[row.stream] = LostEvent(row.stream, row.version, row.position)
            else:
                self._ends.pop(row.stream, None)
            yield one

    def of_database(self, rows: Iterator[ReadRow]) -> Iterator[ReadRow]:
        """The same rows, of the database itself, behind all of the log's; those that are there are missed no more."""
        for one in rows:
            end = self._ends.get(one.row.stream)
            if end is not None and end.position == one.row.position:
                del self._ends[end.stream]
            yield one

    def missed(self) -> list[LostEvent]:
        """Those that are still noted."""
        return list(self._ends.values())


def lost_events(lost: Sequence[LostEvent], findings: Sequence[Finding]) -> list[Finding]:
    """Each of them once, in order, at most 100; what is wrong at the same place is told already."""
    named = {one.position for one in findings}
    left = sorted({one.position: one for one in lost if one.position not in named}.items())
    words = "neither {}@{}, the last archived event of its stream, nor a later one is there"
    return [
        Finding(Verdict.DELETED, position, 1, words.format(one.stream, one.version))
        for position, one in left[:FINDINGS_MAX]
    ]
