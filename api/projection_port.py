"""What the surfaces need of read models as what they are: filled tables that can be built anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.kernel.errors import Rejection


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """One filling of a read model's table."""

    number: int
    table: str
    state: str
    """``building``, ``live`` or ``retired``."""
    checkpoint: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What is done with a generation beside the live one, or what became of it. Instants are microseconds."""

    generation: int
    purpose: str
    """``rebuild``, ``verify`` or ``rollback``."""
    phase: str
    """``building``, ``verifying``, ``level``, ``differs``, ``promoting``, ``promoted``, ``verified``, ``abandoned`` or
    ``failed``."""
    position: int
    events_per_second: float
    eta_seconds: float | None
    asked_by: str
    asked_at: int
    changed_at: int
    comparison: Mapping[str, Any] | None
    """position, versions, live_hash, built_hash, differing, same_code, and the first differences."""
    error: str


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """How one read model is."""

    name: str
    table: str
    state: str
    """``following``, ``paused``, ``halted``, ``outdated`` or ``ahead_of_log``."""
    generation: int
    checkpoint: int
    lag_events: int
    lag_seconds: float
    fingerprint: str
    """Of the code that runs now."""
    drifted: bool
    """Whether other code began the live rows."""
    parked_streams: int
    error: str
    generations: tuple[GenerationReport, ...]
    build: BuildReport | None
    """The latest."""


@dataclass(frozen=True, slots=True)
class ParkedReport:
    """A stream that stands still in a read model."""

    projection: str
    stream: str
    position: int
    type: str
    error: str


class ProjectionPort(Protocol):
    """Refusals say what to do; all raise ServiceFault. No names stand for every read model."""

    async def reports(self) -> Sequence[ProjectionReport]:
        """How every read model is."""
        ...

    async def rebuild(self, names: Sequence[str], *, hold: bool, by: str) -> Rejection | None:
        """Build each anew beside the live one and let it take over; with ``hold`` a person says when."""
        ...

    async def verify(self, names: Sequence[str], *, by: str) -> Rejection | None:
        """Compare each with a fresh fold, which is dropped afterwards."""
        ...

    async def promote(self, name: str, *, accept_differences: bool) -> Rejection | None:
        """Let what was built take over."""
        ...

    async def rollback(self, name: str, *, by: str) -> Rejection | None:
        """Let the generation that was live before take over again."""
        ...

    async def abandon(self, name: str) -> Rejection | None:
        """Give up what is being built."""
        ...

    async def pause(self, name: str, *, reason: str, by: str) -> Rejection | None:
        """The live rows stand still, and say how old they are."""
        ...

    async def go_on(self, name: str) -> Rejection | None:
        """The live rows follow again."""
        ...

    async def parked(self) -> Sequence[ParkedReport]:
        """Streams that stand still."""
        ...

    async def retry(self, name: str, stream: str) -> Rejection | None:
        """Fold a stream again from the event that did it."""
        ...

    async def skip(self, name: str, stream: str, *, reason: str, by: str) -> Rejection | None:
        """Fold a stream without the event that did it."""
        ...

    async def prune(self, names: Sequence[str], *, keep: int) -> Rejection | Sequence[str]:
        """Drop retired generations but the latest ``keep``; answers the tables that are gone."""
        ...
