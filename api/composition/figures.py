"""How runs stand in the whole store, counted from the read models when the figures are asked for, not more often."""

import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from api.composition.reads import RowReader
from domain.kernel.ids import SECOND, Instant
from infrastructure.run_figures import OPEN_PHASES, RunFigures
from projections.gate_inbox.queries import GateTally, OldestGate
from projections.pipeline_runs.queries import ReservedTally, RunTally
from projections.run_phases.queries import RunPhaseTally

FRESH_SECONDS: Final = 5.0
"""How long what was counted counts: whoever asks more often does not have the store count more often."""


class RunStand:
    """Counts by index, five questions for all runs together."""

    def __init__(self, reads: RowReader, figures: RunFigures) -> None:
        self._reads = reads
        self._figures = figures
        self._counted_at: float | None = None

    async def look(self, now: Instant) -> None:
        """Set the gauges to how runs stand by now. Raises ServiceFault."""
        if self._counted_at is not None and time.monotonic() < self._counted_at + FRESH_SECONDS:
            return
        self._counted_at = time.monotonic()
        runs = await self._reads.count(RunTally())
        phases = await self._reads.count(RunPhaseTally(statuses=OPEN_PHASES))
        gates = await self._reads.count(GateTally())
        reserved = await self._reads.count(ReservedTally())
        oldest: Any = next(iter((await self._reads.ask(OldestGate())).rows), None)
        since = now if oldest is None or oldest.opened_at is None else oldest.opened_at
        self._figures.stand(
            runs=runs.totals, phases=phases.totals, gates=gates.totals, oldest_seconds=max(0, now - since) / SECOND
        )
        self._figures.set_aside(_summed(reserved.totals))


def _summed(totals: Mapping[str, int]) -> dict[str, float]:
    """By unit, of so many runs each."""
    sums: dict[str, float] = {}
    for text, runs in totals.items():
        for unit, amount in orjson.loads(text).items():
            sums[unit] = sums.get(unit, 0) + amount * runs
    return sums
