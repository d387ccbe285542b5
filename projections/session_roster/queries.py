"""What can be asked of the roster."""

from dataclasses import dataclass
from typing import Final, Literal

from domain.kernel.activity import SessionStatus
from projections.kernel.requests import LIMIT_DEFAULT, Above, Holds, Order, Selection, equal, one_of, select
from projections.kernel.rows import json_text
from projections.session_roster.projection import SESSION_ROSTER
from projections.session_roster.rows import SessionRosterRow

SessionOrder = Literal["newest_first", "oldest_first"]
_ORDERS: Final[dict[SessionOrder, Order]] = {
    "newest_first": Order(("begun_position",), descending=True),
    "oldest_first": Order(("begun_position",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A page of sessions; what is None or empty is not asked. ``limit`` is 1 to 200."""

    serves: str | None = None
    """Id of a project that they may serve."""
    keys: tuple[str, ...] = ()
    """Ids, for data loaders; at most a page of them."""
    statuses: tuple[SessionStatus, ...] = ()
    tool: str | None = None
    model: str | None = None
    host: str | None = None
    role: str | None = None
    parent: str | None = None
    credential_pool: str | None = None
    capability: str | None = None
    """``key``, or ``key=value``; of a set, one of its members."""
    owner: str | None = None
    busy_only: bool = False
    order: SessionOrder = "newest_first"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[SessionRosterRow]:
        return select(
            SESSION_ROSTER,
            (
                # The quotes belong to it: no id can be found inside another.
                None if self.serves is None else Holds("projects", json_text([self.serves])[1:-1]),
                one_of("key", self.keys),
                one_of("status", self.statuses),
                equal("tool", self.tool),
                equal("model", self.model),
                equal("host", self.host),
                equal("role", self.role),
                equal("parent", self.parent),
                equal("credential_pool", self.credential_pool),
                None if self.capability is None else Holds("labels", json_text([self.capability])[1:-1]),
                equal("owner", self.owner),
                Above("attempts_live", 0) if self.busy_only else None,
            ),
            order=_ORDERS[self.order],
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
