"""How long is remembered what serves only repeats: receipts, ended leases and what nodes said; bounded steps."""

from typing import Final

from domain.kernel.ids import DERIVED_PREFIX, SECOND, Instant
from infrastructure.log.port import Log

KEPT_SECONDS: Final = 8 * 86_400
"""A repeat gets its first answer for seven days, or for one day more than the longest attempt that has a timeout."""
REST_SECONDS: Final = 3_600
"""Between two walks through the receipts."""
ROWS_MAX: Final = 2_000
"""Rows looked at in one step, which holds up no append for long."""
_RANGES: Final = (("", DERIVED_PREFIX), (DERIVED_PREFIX[:-1] + chr(ord(DERIVED_PREFIX[-1]) + 1), "\U0010ffff"))
"""Every id but those of derived commands: a policy asks the same for ever, and must find that it was done."""


class Retention:
    """Walks through the receipts in the order of their ids, one step for every sweep of the node on duty, then rests.

    A walk by id needs no index by time, which every command would pay for. It begins anew on another node.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._range = 0
        self._after = ""
        self._rests_until = Instant(0)

    def step(self, now: Instant) -> None:
        """Delete what is old among the next rows; blocking. Raises StoreUnavailable, OutcomeUnknown."""
        if now < self._rests_until <= now + REST_SECONDS * SECOND:
            return
        before = now - KEPT_SECONDS * SECOND
        if self._range == len(_RANGES):
            if self._log.forget_leases(before=before, rows_max=ROWS_MAX) < ROWS_MAX:
                self._log.forget_node_reports(before=before)
                self._range = 0
                self._rests_until = Instant(now + REST_SECONDS * SECOND)
            return
        first, until = _RANGES[self._range]
        after = max(first, self._after)
        last = self._log.forget_receipts(before=before, after=after, until=until, rows_max=ROWS_MAX)
        self._after = last or ""
        self._range += last is None
