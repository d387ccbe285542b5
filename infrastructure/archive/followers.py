"""Who follows the log from event to event, and how far each has come: nobody may find that what comes next is gone."""

from collections.abc import Callable
from dataclasses import dataclass

from infrastructure.ledger.scribe import Scribe
from infrastructure.log.port import Log
from infrastructure.rows.port import RowStore
from infrastructure.runtime import hints_checkpoint, reactor
from projections.catalogue import PROJECTIONS


@dataclass(frozen=True, slots=True)
class Followers:
    """Looked at from any thread. Raises StoreUnavailable."""

    log: Log
    rows: RowStore
    scribe: Scribe
    keep_hints: Callable[[], None]
    """Have this node's hints kept as they are; it may take a moment."""

    def behind(self, position: int) -> str:
        """Whoever has not read so far, in words; empty where all have."""
        for projection in PROJECTIONS:
            for one in self.rows.generations(projection):
                if one.state != "retired" and one.checkpoint < position:
                    return f"{projection.name} (generation {one.number}) is at @{one.checkpoint}"
        size = self.scribe.size()
        return f"the ledger is at @{size}" if size < position else ""

    def unkept(self, position: int) -> str:
        """Whoever would begin before that position when a node starts, in words; empty where nobody would."""
        streams = (hints_checkpoint.STREAM, reactor.CHECKPOINT_STREAM)
        kept = self.log.snapshots(streams)
        kinds = (hints_checkpoint.KIND, reactor.CHECKPOINT_KIND)
        hints, swept = (
            kept[one].version if one in kept and kept[one].kind == kind else 0
            for one, kind in zip(streams, kinds, strict=True)
        )
        if hints < position:
            self.keep_hints()
            return f"the hints are kept as of @{hints}"
        return f"the reactor is kept as of @{swept}" if swept < position else ""
