"""Hints beside the states: what is ready, what is due, who has which key. Folds of the log, kept level with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from domain.dispatch.manners import TELLING as MANNERS
from domain.dispatch.manners import Manners
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.serving import TELLING as SERVING
from domain.dispatch.serving import Serving
from domain.kernel.decider import Recorded
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.policy import Cause
from domain.policies.agenda import TIMED, Agenda
from domain.principal.events import KeyIssued, KeyRevoked
from domain.task.state import Absent, Task
from infrastructure.log.port import Log, LogRow
from infrastructure.runtime.settle import Place
from infrastructure.runtime.standings import TELLING, Standings

PAGE_EVENTS: Final = 2_000
_STANDING: Final = TELLING | SERVING | MANNERS
_LEARNT: Final[frozenset[type[Event]]] = TIMED | _STANDING | {KeyIssued, KeyRevoked}
"""Events that change any fold but the ready index: one look spares most of them all others."""
_logger = structlog.get_logger("signalbox.hints")


class KeyFold(Protocol):
    """The registry of API keys."""

    def observe(self, stream: str, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class HintPage:
    """Events of the log up to a position."""

    events: tuple[Recorded, ...]
    end: int


@dataclass(slots=True)
class HintFolds:
    """What the hints are made of; a checkpoint keeps and restores it whole."""

    ready: ReadyIndex = field(default_factory=ReadyIndex)
    agenda: Agenda = field(default_factory=Agenda)
    standings: Standings = field(default_factory=Standings)
    serving: Serving = field(default_factory=Serving)
    manners: Manners = field(default_factory=Manners)
    key_events: dict[tuple[str, str], Event] = field(default_factory=dict[tuple[str, str], Event])
    """By stream and type: a key is issued once and revoked once."""


class Hints:
    """Applies this node's events at once and those of other nodes as the log tells; a decision checks each hint.

    Events of this node that follow the known position without a gap need not be read again; after a gap everything
    behind it is read in order, this node's own events once more too, so that the folds converge on the log.
    """

    def __init__(
        self, log: Log, decode: Callable[[LogRow], Recorded], keys: KeyFold, folds: HintFolds, position: int
    ) -> None:
        self.folds: Final = folds
        self.ready: Final = folds.ready
        self.agenda: Final = folds.agenda
        self.standings: Final = folds.standings
        self.serving: Final = folds.serving
        self.manners: Final = folds.manners
        self._keys = keys
        self._log = log
        self._decode = decode
        self.position = position
        self._overlaid = False
        """Whether a page was taken in since the latest commit."""
        for (stream, _), event in folds.key_events.items():
            keys.observe(stream, event)

    def has_ready(self, project: str) -> bool:
        """Whether any task of the project looks ready."""
        return self.ready.has_ready(ProjectId(project))

    def decided(self, places: Sequence[Place]) -> None:
        """The ready index follows at once, so that the next group does not choose the same task."""
        for stream, _, event, project in places:
            self.ready.observe(ProjectId(project), stream, event)

    def restored(self, stream: StreamId, state: Any) -> None:
        """What fell is put back as the real state says."""
        if isinstance(state, Task | Absent):
            self.ready.restore(stream, state)

    def committed(self, places: Sequence[Place], position: int) -> None:
        """What waits for durability: the agenda, the keys, the standings.

        The ready index hears of it once more where a page of older events, read after a gap while this group was under
        way, may have laid the past over what was announced.
        """
        again = self._overlaid and position > self.position
        self._overlaid = False
        for stream, version, event, project in places:
            if again:
                self.ready.observe(ProjectId(project), stream, event)
            self._learn(stream, version, event, ProjectId(project))
        if position - len(places) == self.position:
            self.position = position

    def read_page(self) -> "HintPage":
        """The next events after the known position; blocking, to be called on a thread.

        A row that cannot be read is told and passed over: no hint can know it, and the others must not wait for it.
        """
        rows = self._log.page(after=self.position, limit=PAGE_EVENTS)
        events: list[Recorded] = []
        for row in rows:
            try:
                events.append(self._decode(row))
            except Exception as error:
                _logger.warning("an event cannot be read", position=row.position, type=row.type, error=repr(error))
        return HintPage(tuple(events), rows[-1].position if rows else self.position)

    def absorb(self, page: "HintPage") -> tuple[Place, ...]:
        """Take in a page that was read; on the event loop, like everything that changes the folds."""
        places: list[Place] = []
        for one in page.events:
            if one.position <= self.position:
                continue
            self.ready.observe(one.project, one.stream, one.event)
            self._learn(one.stream, one.version, one.event, one.project)
            places.append((one.stream, one.version, one.event, one.project))
        self._overlaid = self._overlaid or bool(places)
        self.position = max(self.position, page.end)
        return tuple(places)

    def _learn(self, stream: StreamId, version: int, event: Event, project: ProjectId) -> None:
        if type(event) not in _LEARNT:
            return
        if type(event) in TIMED:
            self.agenda.observe(Cause(stream, version, event, project))
        if type(event) in _STANDING:
            self.standings.observe(stream, event)
            self.serving.observe(stream, event)
            self.manners.observe(stream, event)
        if isinstance(event, KeyIssued | KeyRevoked):
            self._keys.observe(stream, event)
            self.folds.key_events[stream, event.TYPE] = event
