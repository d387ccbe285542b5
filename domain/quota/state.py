"""What a credential pool is, as its decisions see it."""

from dataclasses import dataclass

from immutables import Map

from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.quota.events import QuotaKind


@dataclass(frozen=True, slots=True)
class Closed:
    """Work is given out."""


@dataclass(frozen=True, slots=True)
class Open:
    """Nobody is given work until the instant."""

    kind: QuotaKind
    until: Instant


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One session may try."""


@dataclass(frozen=True, slots=True)
class Probing:
    """One session tries with one attempt; everybody else waits."""

    session: StreamId
    project: ProjectId
    token: int
    until: Instant


Breaker = Closed | Open | HalfOpen | Probing


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool that a session has named; the name is empty until then."""

    name: str = ""
    breaker: Breaker = Closed()
    failures: int = 0
    """Times that it opened since it was last closed."""
    members: Map[StreamId, Instant] = Map()
    """Sessions that spend its quota, with the instant at which they joined."""
    projects: Map[str, bool] = Map()
    """Projects that they serve, or that those before them served, since the pool was last without any."""
