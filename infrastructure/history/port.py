"""What every source of history can do; a running server's log is one, a file that nobody serves is another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from infrastructure.log.archived import Archived
from infrastructure.log.past_states import PastState
from infrastructure.log.port import LogRow


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events; what is None is not asked."""

    project: str | None = None
    """Id."""
    stream: str | None = None
    types: tuple[str, ...] | None = None
    """Stored names."""
    actor: str | None = None
    session: str | None = None
    """Events of the session's stream, and those that speak of it."""
    correlation: str | None = None
    command: str | None = None


class KeptCommand(NamedTuple):
    """What the receipt of a command keeps."""

    command_id: str
    project: str
    principal: str
    body: bytes
    """``{"type": …, "command": …}``; empty for what a policy asked in the same group."""
    outcome: bytes
    time: int
    position: int
    """Of its last event; where it wrote none, the head at the time."""


class Past(Archived, Protocol):
    """Events in order, whoever keeps them. Calls block; each is safe from one thread at a time."""

    def head(self) -> int:
        """Position of the last event; 0 for an empty log."""
        ...

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        """Events with position > after, in order, at most ``limit``."""
        ...

    def events_of(self, stream: str, *, after: int = 0, limit: int | None = None) -> list[LogRow]:
        """Events of one stream with version > after, in order."""
        ...

    def state_before(self, stream: str, kind: str, *, version: int, position: int) -> PastState | None:
        """The last kept state of a shape that is neither beyond a version of its stream nor beyond a position."""
        ...


class History(Past, Protocol):
    """A source that keeps everything that a log does, opened for reading only. All raise StoreUnavailable."""

    def found(self, wanted: Filter, *, after: int, until: int, limit: int) -> list[LogRow]:
        """Events that fit with after < position <= until, in order, at most ``limit``."""
        ...

    def commands(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KeptCommand]:
        """Receipts of those commands (id, principal) that have one."""
        ...

    def keys(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
        """Streams of the unique names (scope, kind, name) that exist now."""
        ...

    def names(self) -> Iterator[tuple[str, str, str, str]]:
        """Every unique name: scope, kind, name, stream."""
        ...

    def era(self) -> int:
        """Log era: the high part of every token."""
        ...

    def keys_mark(self) -> str:
        """Of the keys that the log is bound to; empty where it is bound to none."""
        ...

    def close(self) -> None: ...
