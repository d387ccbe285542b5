"""What a queue of work does, in few words: written from the rules, without looking at the deciders."""

from dataclasses import dataclass, field
from typing import Final

from domain.kernel.ids import SECOND
from domain.task.commands import Outcome

DELAY_SECONDS: Final = 30
HALF_MINUTE: Final = 30 * SECOND
PATH: Final = "path:shop//src/**"
CLAIMS: Final = (None, "env:staging", PATH)
"""None of these overlaps another, and only the path lingers."""
CAPACITY: Final = {"one": 1, "two": 1, "three": 2}
"""Sessions; only the third has a GPU."""


@dataclass
class Row:
    """All that the model knows of a task."""

    needs: dict[str, tuple[Outcome, ...]]
    priority: int
    gpu: bool
    claim: str | None
    attempts_max: int
    park: bool
    on_failed: str = "block"
    """What follows when a need cannot be met any more: block, cancel or proceed."""
    length: int = 1
    status: str = "pending"
    told: set[str] = field(default_factory=set)
    """Needs of which an acceptable end was told."""
    token: str = ""
    holder: str = ""
    since: int = 0
    spent: int = 0
    shut: tuple[int, str] | None = None
    """Until when its locks linger, and under which token."""

    leaves: int | None = None
    """Until when the holder of a cancelled task may report; None where nobody does."""

    @property
    def live(self) -> bool:
        return self.status in ("assigned", "running")

    @property
    def held(self) -> bool:
        """Whether some attempt holds its place and its locks."""
        return self.live or self.leaves is not None

    def cancel(self, now: int, grace_seconds: int) -> None:
        """Settled at once; whoever works on it has the grace."""
        if self.live and grace_seconds:
            self.leaves = now + grace_seconds * SECOND
        elif self.live:
            self.fall_silent(now)
        self.status = "cancelled"

    def revoke(self, now: int) -> None:
        """The grace is over."""
        self.leaves = None
        self.fall_silent(now)

    def ready(self, now: int) -> None:
        self.status, self.since = "ready", now

    def tell(self, need: str, status: str, now: int) -> None:
        """How a need settled."""
        if self.status != "pending" or need in self.told:
            return
        if status in self.needs[need] or self.on_failed == "proceed":
            self.told.add(need)
            if self.told == set(self.needs):
                self.ready(now)
        elif self.on_failed == "cancel":
            self.status = "cancelled"

    def fall_silent(self, now: int) -> None:
        """The attempt ended without its holder's word."""
        if self.claim == PATH:
            self.shut = (now + DELAY_SECONDS * SECOND, self.token)

    def take_away(self, now: int) -> None:
        """Somebody took it from its holder."""
        self.fall_silent(now)
        if self.shut is None:
            self.ready(now)
        else:
            self.status = "backoff"

    def fail(self, consumes: bool) -> None:
        self.spent += consumes
        exhausted = consumes and self.spent >= self.attempts_max
        self.status = ("parked" if self.park else "failed") if exhausted else "backoff"


@dataclass
class Model:
    """All tasks, by key."""

    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    worked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Claims of the tasks that each session took: it rather gets what lies there, of equals."""

    def took(self, key: str, name: str, token: str) -> None:
        row = self.rows[key]
        row.status, row.holder, row.token = "assigned", name, token
        if row.claim is not None:
            self.worked.setdefault(name, set()).add(row.claim)

    def measure(self) -> None:
        """Longest paths; every task stands behind those that it needs."""
        for key in reversed(self.rows):
            after = [row.length for row in self.rows.values() if key in row.needs]
            self.rows[key].length = 1 + max(after, default=0)

    def held(self) -> list[tuple[str, Row]]:
        return [(key, row) for key, row in self.rows.items() if row.held]

    def is_full(self, name: str) -> bool:
        return sum(row.holder == name for _, row in self.held()) >= CAPACITY[name]

    def is_shut(self, claim: str | None) -> bool:
        return claim is not None and any(row.claim == claim and (row.held or row.shut) for row in self.rows.values())

    def claimable(self, name: str, ids: dict[str, str], now: int) -> list[str]:
        """What the session may take, best first: a task rises by one for each half minute that it waits, 20 at most."""

        def rank(key: str) -> tuple[int, int, bool, int, str]:
            row = self.rows[key]
            risen = min(20, now // HALF_MINUTE - row.since // HALF_MINUTE)
            strange = row.claim not in self.worked.get(name, ())
            return (-row.priority - risen, -row.length, strange, row.since, ids[key])

        fitting = (
            key
            for key, row in self.rows.items()
            if row.status == "ready" and (name == "three" or not row.gpu) and not self.is_shut(row.claim)
        )
        return [] if self.is_full(name) else sorted(fitting, key=rank)
