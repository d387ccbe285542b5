"""The two functions of an aggregate, and what a decision over one or many streams returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, ProjectId, StreamId, Version
from domain.kernel.message import Answer, Done, Event, KeyRow

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[S]):
    """One kind of stream: how its state begins, folds and is kept.

    ``evolve`` never refuses an event that was stored. ``snapshot_every`` counts events; 0 means never.
    """

    prefix: str
    initial: S
    evolve: Callable[[S, Any], S]
    state_type: Any
    fleet: bool = False
    snapshot_every: int = 0
    snapshot_version: int = 1
    rests: Callable[[S], bool] | None = None
    """Whether a stream has come to its end, so that few ask for it again: its state is the first to leave memory."""


class Write(NamedTuple):
    """Events for one stream, in order."""

    stream: StreamId
    events: tuple[Event, ...]
    project: ProjectId | None = None
    """Owner of the rows; the stamp's project, or the fleet for a fleet stream, where None."""


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """What an append does to the lease row of one (session, incarnation), outside the log.

    ``expire`` succeeds only if the row still carries ``stamp`` (the renewal instant that was read) and is not ended.
    """

    action: Literal["open", "end", "expire"]
    session: StreamId
    incarnation: int
    ttl_seconds: int = 0
    stamp: Instant | None = None


_DONE: Final = Done()
_NOTHING_FOLDED: Final[Mapping[StreamId, Any]] = MappingProxyType({})


class Decision(NamedTuple):
    """What was decided: events per stream with an answer, or a refusal that may carry events of its own."""

    writes: tuple[Write, ...] = ()
    answer: Answer = _DONE
    rejection: Rejection | None = None
    keys: tuple[KeyRow, ...] = ()
    leases: tuple[LeaseChange, ...] = ()
    folded: Mapping[StreamId, Any] = _NOTHING_FOLDED
    """States behind the first write to their stream, where whoever decided has folded it from what the view shows:
    nobody does so once more."""


def refuse(rejection: Rejection, *writes: Write) -> Decision:
    """A refusal, with the events that record it where it matters."""
    return Decision(writes=writes, rejection=rejection)


class View(Protocol):
    """What a decision may look at. Every read is noted and checked again by the append.

    ``read`` raises ``StreamsMissing`` where a state is not in memory yet; the caller loads and decides again.
    """

    @property
    def era(self) -> int:
        """Log era: the high part of every token (locks.md 8)."""
        ...

    def read(self, aggregate: Aggregate[S], stream: StreamId) -> S: ...

    def version(self, stream: StreamId) -> Version:
        """Version of a stream that was read."""
        ...

    def key(self, scope: ProjectId, kind: str, name: str) -> StreamId | None:
        """The stream of a unique name, or None."""
        ...


class Recorded(NamedTuple):
    """An event with its place and origin, as projections, policies and followers see it."""

    position: int
    stream: StreamId
    version: int
    event: Event
    recorded_at: Instant
    project: ProjectId
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str | None = None


class StreamsMissing(Exception):
    """Control flow between view and committer: these states or keys have to be loaded first."""

    def __init__(self, streams: tuple[StreamId, ...] = (), keys: tuple[tuple[ProjectId, str, str], ...] = ()) -> None:
        super().__init__(streams, keys)
        self.streams = streams
        self.keys = keys


def fold(aggregate: Aggregate[S], events: tuple[Event, ...], state: S | None = None) -> S:
    """The state after the events, from ``state`` or from the beginning."""
    now = aggregate.initial if state is None else state
    for event in events:
        now = aggregate.evolve(now, event)
    return now


AggregateByPrefix = Mapping[str, Aggregate[Any]]
