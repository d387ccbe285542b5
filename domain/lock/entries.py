"""What a lock space holds: grants and waiting requests, who owns them, and which of them tolerate each other."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from immutables import Map

from domain.kernel.ids import SECOND, Instant, Token
from domain.kernel.values import ConcurrencyKey, LockMode, ScopeClaim, Spend
from domain.lock.events import LossRule, TakenMembers
from domain.lock.modes import conflicts
from domain.lock.resource import Resource, parse


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds or wants locks: a life of a session, an attempt in it, or a task by itself (``session`` is empty).

    ``ancestors`` are the names of what the session lies in, such as its parent's life or the run of its task.
    """

    session: str
    incarnation: int
    task: str | None
    ancestors: tuple[str, ...] = ()
    name: str = field(init=False, compare=False, repr=False)
    around: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """Names of all that contains this owner: what they hold does not block it."""

    def __post_init__(self) -> None:
        life = name_of_life(self.session, self.incarnation)
        name, around = life, self.ancestors
        if self.task is not None:
            name = f"{self.task}@{life}" if self.session else self.task
            around = (self.task, life, *self.ancestors) if self.session else self.ancestors
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "around", around)


def name_of_life(session: str, incarnation: int) -> str:
    """The owner's name of one life of a session, as ``ancestors`` has it."""
    return f"{session}#{incarnation}"


class QueueKey(NamedTuple):
    """The place of a request in its queue, which never changes: the smaller is served first."""

    at: int
    """Instant of the enqueueing less the boost, in microseconds."""
    number: int


class Wish(NamedTuple):
    """One claim, parsed."""

    resource: Resource
    mode: LockMode


@dataclass(frozen=True, slots=True)
class Pool:
    """Units that are given one by one."""

    members: Map[str, frozenset[str]]
    """Name -> labels."""
    quota: int | None = None
    quarantined: Map[str, bool] = Map()


@dataclass(frozen=True, slots=True)
class Grant:
    """All locks of one token: an attempt's, or a session's own."""

    token: Token
    owner: Owner
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant
    lingers_until: Instant | None = None
    """Set once the owner is gone; the locks stay shut against everybody until then."""
    concurrency: tuple[ConcurrencyKey, ...] = ()
    reserved: Spend | None = None
    on_loss: LossRule | None = None
    preemptible: bool = False
    quarantined: bool = False
    """The owner is gone; the locks stay shut until a person lifts them."""
    offer: "Offer | None" = None
    """Set from a transfer until it is accepted."""
    members: tuple[TakenMembers, ...] = ()
    """The units of pools that it holds."""
    leaves_at: Instant | None = None
    """Set from a revoke notice on: when a person takes over."""

    @property
    def session(self) -> str:
        return self.owner.session

    @property
    def incarnation(self) -> int:
        return self.owner.incarnation

    @property
    def task(self) -> str | None:
        return self.owner.task

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools whose units it holds."""
        return tuple(one.pool for one in self.members)

    @property
    def is_orphaned(self) -> bool:
        """Whether the owner is gone, so that the locks are shut against everybody."""
        return self.quarantined or self.lingers_until is not None


@dataclass(frozen=True, slots=True)
class Offer:
    """A transfer that was not accepted yet."""

    giver: Owner
    until: Instant


@dataclass(frozen=True, slots=True)
class Waiter:
    """A request that waits for all its claims at once and holds none of them."""

    number: int
    """Order of arrival in the lock space, from 1."""
    owner: Owner
    claims: tuple[ScopeClaim, ...]
    purpose: str
    at: Instant
    boost_seconds: int = 0
    expires_at: Instant | None = None
    """When it gives up by itself."""
    on_loss: LossRule | None = None
    preemptible: bool = False
    replaces: int | None = None
    supersede_key: str = ""
    preempts: bool = False

    key: QueueKey = field(init=False, compare=False, repr=False)
    """Its place in the queue."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", QueueKey(self.at - self.boost_seconds * SECOND, self.number))


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a request that waits no longer."""

    session: str
    token: Token | None
    """Under which it was granted."""
    reason: str
    """Why it was withdrawn; empty where it was granted."""


def wishes_in(claims: tuple[ScopeClaim, ...]) -> Iterator[Wish]:
    """The parsed claims; one that today's parser refuses is left out, since evolve does not refuse what was stored."""
    for claim in claims:
        resource = parse(claim.claim)
        if isinstance(resource, Resource):
            yield Wish(resource, claim.mode)


def mode_of(claims: tuple[ScopeClaim, ...], resource: Resource) -> LockMode:
    """The mode in which the claims name one of their resources."""
    return next(claim.mode for claim in claims if claim.claim == resource.text)


def stands_in_the_way(held: Grant, mode: LockMode, asker: Owner, wanted: LockMode) -> bool:
    """Whether a claim that is held in ``mode`` blocks one that overlaps it; an orphan's blocks everybody."""
    if held.is_orphaned:
        return conflicts(mode, wanted)
    return excludes(held.owner, mode, asker, wanted)


def excludes(first: Owner, mode: LockMode, second: Owner, wanted: LockMode) -> bool:
    """Whether the second owner cannot have ``wanted`` on what the first has in ``mode``.

    What contains an owner never excludes it, and is itself excluded only from writing where the inner one writes.
    """
    if first.name == second.name or not conflicts(mode, wanted) or first.name in second.around:
        return False
    return mode == wanted == "exclusive" if second.name in first.around else True
