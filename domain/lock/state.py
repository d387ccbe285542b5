"""What a lock space is, as its decisions see it."""

from dataclasses import InitVar, dataclass, field
from typing import Final

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.ids import Instant, Token
from domain.kernel.values import Spend
from domain.lock.coverage import NOTHING, NOTHING_SPENT, Coverage, coverage_of
from domain.lock.entries import Fate, Grant, Pool, Waiter

FATES_MAX: Final = 1_024
"""Requests whose fate is remembered, the latest."""
HOLDS_MAX: Final = 64
"""Weight of the past in the mean time of holding."""


@dataclass(frozen=True, slots=True)
class LockSpace:
    """The live grants and waiting requests of a project. Equality and snapshots look at the fields above
    ``known_coverage`` only."""

    last_token: Token = Token(0)
    grants: Map[int, Grant] = Map()
    """By token; a token that holds nothing is not kept."""
    last_request: int = 0
    last_at: Instant = Instant(0)
    """The latest instant at which a request was queued: no later one is queued before it."""
    waiters: Map[int, Waiter] = Map()
    """By number of the request."""
    spent: Spend = NOTHING_SPENT
    """What the work that ended has cost; what live work may still cost is the coverage's ``reserved``."""
    fates: Map[int, Fate] = Map()
    """What became of the latest requests, for whoever comes to ask."""
    fences: Map[str, Token] = Map()
    """The largest token seen at each resource of the fence register."""
    pools: Map[str, Pool] = Map()
    holds: int = 0
    """Releases that ``hold_mean`` is made of, at most ``HOLDS_MAX``."""
    hold_mean: int = 0
    """How long grants were held lately, in microseconds: a moving mean, for estimates only."""
    ignoring_case: frozenset[str] = frozenset()
    """Repositories in which claims on paths and branches are compared without regard to letter case."""
    known_coverage: InitVar[Coverage | None] = None
    """The coverage of just these where it is known; None computes it once it is asked for."""
    kept_coverage: Coverage | None = field(init=False, compare=False, repr=False)
    """None where it was not asked for since a snapshot was thawed: whoever only looks at the past never does."""

    def __post_init__(self, known_coverage: Coverage | None) -> None:
        """Sets the derived part, which no caller can pass in wrongly by way of a snapshot."""
        object.__setattr__(self, "kept_coverage", known_coverage)

    @property
    def coverage(self) -> Coverage:
        """What decisions look up; from here on it is kept along."""
        known = self.kept_coverage
        if known is not None:
            return known
        if not self.grants and not self.waiters:
            return NOTHING  # and not kept: an empty space is shared by those who decide and those who look
        known = coverage_of(self.grants, self.waiters)
        object.__setattr__(self, "kept_coverage", known)
        return known

    def with_grant(self, grant: Grant) -> "LockSpace":
        """With the grant under its token, which is new."""
        known, last_token = self.kept_coverage, Token(max(self.last_token, grant.token))
        grants = self.grants.set(grant.token, grant)
        return replace(self, last_token=last_token, grants=grants, known_coverage=known and known.with_grant(grant))

    def without_grant(self, token: int) -> "LockSpace":
        """Without the grant, if there is one."""
        held = self.grants.get(token)
        if held is None:
            return self
        known = self.kept_coverage
        return replace(self, grants=self.grants.delete(token), known_coverage=known and known.without_grant(held))

    def with_changed(self, grant: Grant) -> "LockSpace":
        """With another grant in place of the one with its token."""
        known = self.kept_coverage
        changed = known and known.without_grant(self.grants[grant.token]).with_grant(grant)
        return replace(self, grants=self.grants.set(grant.token, grant), known_coverage=changed)

    def with_noted(self, grant: Grant) -> "LockSpace":
        """With a grant whose claims and owner are those of before."""
        return replace(self, grants=self.grants.set(grant.token, grant), known_coverage=self.kept_coverage)

    def with_rehoused(self, grant: Grant) -> "LockSpace":
        """With the grant whose owner lies in another family, its name and its claims unchanged."""
        known = self.kept_coverage
        grants = self.grants.set(grant.token, grant)
        return replace(self, grants=grants, known_coverage=known and known.rehoused(grant))

    def with_orphan(self, orphan: Grant) -> "LockSpace":
        """With the grant that has lost its owner, its claims unchanged."""
        known = self.kept_coverage
        changed = known and known.orphaned(self.grants[orphan.token], orphan)
        return replace(self, grants=self.grants.set(orphan.token, orphan), known_coverage=changed)

    def with_waiter(self, waiter: Waiter) -> "LockSpace":
        """With the request under its number, which is new."""
        known = self.kept_coverage
        waiters = self.waiters.set(waiter.number, waiter)
        return replace(self, waiters=waiters, known_coverage=known and known.with_waiter(waiter, self.grants))

    def with_changed_waiter(self, waiter: Waiter) -> "LockSpace":
        """With another request in place of the one with its number, which waits on."""
        known = self.kept_coverage
        changed = known and known.without_waiter(waiter.number).with_waiter(waiter, self.grants)
        return replace(self, waiters=self.waiters.set(waiter.number, waiter), known_coverage=changed)

    def without_waiter(self, number: int, token: Token | None, reason: str) -> "LockSpace":
        """Without the request, if it waits; its fate is remembered."""
        waiter = self.waiters.get(number)
        if waiter is None:
            return self
        fates = self.fates.set(number, Fate(waiter.owner.session, token, reason))
        waiters = self.waiters.delete(number)
        if len(fates) > FATES_MAX:
            fates = fates.delete(_oldest(fates, number, self.last_request, len(waiters)))
        known = self.kept_coverage
        return replace(
            self,
            waiters=waiters,
            fates=fates,
            known_coverage=known and known.without_waiter(number),
        )


def _oldest(fates: Map[int, Fate], latest: int, last_request: int, waiting: int) -> int:
    """The smallest number among full fates, the ``latest`` of which was added just now.

    It is that one, or no number behind it was ever forgotten: every request from there on waits or has its fate here.
    """
    first = last_request - len(fates) - waiting + 1
    return latest if latest < first else next(number for number in range(first, last_request + 1) if number in fates)
