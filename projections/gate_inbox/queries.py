"""What can be asked of gates."""

from dataclasses import dataclass

from projections.gate_inbox.projection import GATE_INBOX
from projections.gate_inbox.rows import GateRow, GateStatus
from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, Tally, equal, one_of, select, tally


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePage:
    """A page of gates by run and place, the oldest runs first; what is None or empty is not asked. ``limit``: 1-200."""

    project: str | None = None
    run: str | None = None
    place: str | None = None
    statuses: tuple[GateStatus, ...] = ()
    gate_class: str | None = None
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[GateRow]:
        return select(
            GATE_INBOX,
            (
                equal("project", self.project),
                equal("run", self.run),
                equal("place", self.place),
                one_of("status", self.statuses),
                equal("gate_class", self.gate_class),
            ),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTally:
    """How many questions of all runs stand in each class."""

    as_of: int | None = None

    def tally(self) -> Tally[GateRow]:
        return tally(GATE_INBOX, (equal("status", "open"),), column="gate_class", as_of=self.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestGate:
    """The question of all runs that has stood longest."""

    as_of: int | None = None

    def selection(self) -> Selection[GateRow]:
        return select(
            GATE_INBOX,
            (equal("status", "open"),),
            order=Order(("opened_at", "key")),
            limit=1,
            cursor=None,
            as_of=self.as_of,
        )
