"""What a lock space is, as its decisions see it."""

from dataclasses import InitVar, dataclass, field
from typing import Final

from immutables import Map

from domain.kernel.ids import Instant, Token
from domain.kernel.values import ScopeClaim
from domain.lock.claim_index import ClaimIndex
from domain.lock.resource import Resource, parse


@dataclass(frozen=True, slots=True)
class Grant:
    """All locks of one token: an attempt's, or a session's own."""

    token: Token
    session: str
    incarnation: int
    task: str | None
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant
    lingers_until: Instant | None = None
    """Set once the owner is gone; the locks stay shut against everybody until then."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What follows from the grants and is kept beside them, so that a decision need not walk them all."""

    index: ClaimIndex = ClaimIndex()
    claims: int = 0
    """Live claims of the space, lingering ones included."""
    by_session: Map[str, int] = Map()
    """Live grants of each session; lingering ones no longer count."""

    def added(self, grant: Grant) -> "Coverage":
        """With the grant."""
        index = self.index
        for resource in resources_of(grant.claims):
            index = index.add(str(grant.token), resource)
        counted = self.by_session if grant.lingers_until is not None else _counted(self.by_session, grant.session, 1)
        return Coverage(index, self.claims + len(grant.claims), counted)

    def removed(self, grant: Grant) -> "Coverage":
        """Without the grant."""
        index = self.index
        for resource in resources_of(grant.claims):
            index = index.remove(str(grant.token), resource)
        counted = self.by_session if grant.lingers_until is not None else _counted(self.by_session, grant.session, -1)
        return Coverage(index, self.claims - len(grant.claims), counted)

    def lingering(self, grant: Grant) -> "Coverage":
        """With the grant's owner gone, its claims as shut as before."""
        return Coverage(self.index, self.claims, _counted(self.by_session, grant.session, -1))


NO_COVERAGE: Final = Coverage()


@dataclass(frozen=True, slots=True)
class LockSpace:
    """The live grants of a project. Equality and snapshots look at the fields above ``coverage`` only."""

    last_token: Token = Token(0)
    grants: Map[int, Grant] = Map()
    """By token; a token without claims is not kept."""
    known_coverage: InitVar[Coverage | None] = None
    """The coverage of just these grants where it is known; None computes it, as when a snapshot is thawed."""
    coverage: Coverage = field(init=False, compare=False, repr=False)

    def __post_init__(self, known_coverage: Coverage | None) -> None:
        """Sets the derived part, which no caller can pass in wrongly by way of a snapshot."""
        coverage = coverage_of(self.grants) if known_coverage is None else known_coverage
        object.__setattr__(self, "coverage", coverage)


def coverage_of(grants: Map[int, Grant]) -> Coverage:
    """The coverage from scratch; O(claims)."""
    coverage = NO_COVERAGE
    for grant in grants.values():
        coverage = coverage.added(grant)
    return coverage


def resources_of(claims: tuple[ScopeClaim, ...]) -> tuple[Resource, ...]:
    """The parsed claims. One that today's parser refuses was never indexed; evolve does not refuse what was stored."""
    parsed = (parse(claim.claim) for claim in claims)
    return tuple(resource for resource in parsed if isinstance(resource, Resource))


def _counted(counts: Map[str, int], session: str, change: int) -> Map[str, int]:
    count = counts.get(session, 0) + change
    if count > 0:
        return counts.set(session, count)
    return counts.delete(session) if session in counts else counts
