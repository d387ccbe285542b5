"""How each project gives out work, and which sessions take it unasked: a hint for windows and pushes."""

from typing import Final

from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event, Message
from domain.project.events import ProjectSet
from domain.project.settings import WINDOW_MILLISECONDS, StrategyName
from domain.session.events import (
    SessionAttemptEnded,
    SessionDrainBegun,
    SessionDrainEnded,
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionStatusChanged,
)


class Manner(Message):
    """How a project gives out work."""

    project: str = ""
    strategy: StrategyName = "priority"
    window_milliseconds: int = WINDOW_MILLISECONDS


class ListenerRow(Message):
    """A session in a checkpoint."""

    session: str
    projects: tuple[str, ...]
    deaf: bool


class MannerRows(Message):
    """A checkpoint of the fold."""

    manners: tuple[Manner, ...] = ()
    listeners: tuple[ListenerRow, ...] = ()


_USUAL: Final = Manner()
TELLING: Final[frozenset[type[Event]]] = frozenset(
    {
        ProjectSet,
        SessionOpened,
        SessionAttemptEnded,
        SessionDrainBegun,
        SessionDrainEnded,
        SessionStatusChanged,
        SessionLost,
        SessionEnded,
    }
)
"""Events that the fold can learn anything from."""


class Manners:
    """A fold of project and session events, changed in place as they are committed.

    A session that did not acknowledge what was pushed to it is given nothing more until it is heard doing something.
    """

    def __init__(self) -> None:
        self._manners: Final[dict[str, Manner]] = {}
        self._listeners: Final[dict[str, tuple[str, ...]]] = {}
        self._deaf: Final[set[str]] = set()

    def of(self, project: str) -> Manner:
        """How the project gives out work."""
        return self._manners.get(project, _USUAL)

    def windowed(self, project: str) -> bool:
        """Whether the project gathers before it gives out."""
        return self.of(project).strategy != "priority"

    @property
    def listened(self) -> bool:
        """Whether any session takes pushed work."""
        return bool(self._listeners)

    def listeners(self, project: str) -> tuple[str, ...]:
        """Sessions of the project that take pushed work and seem to hear, the first opened first."""
        return tuple(one for one, served in self._listeners.items() if project in served and one not in self._deaf)

    def projects(self, session: str) -> tuple[str, ...]:
        """What a session that takes pushed work serves; nothing for any other."""
        return self._listeners.get(session, ())

    def observe(self, stream: StreamId | ProjectId | str, event: Event) -> None:
        """Fold one event; those of other things are ignored."""
        match event:
            case ProjectSet(settings=settings):
                self._manners[stream] = Manner(
                    project=stream, strategy=settings.strategy, window_milliseconds=settings.window_milliseconds
                )
            case SessionOpened():
                self._forget(stream)
                if event.takes_pushed:
                    self._listeners[stream] = event.projects
            case SessionLost() | SessionEnded():
                self._forget(stream)
            case SessionAttemptEnded(outcome="lost_delivery") | SessionDrainBegun():
                if stream in self._listeners:
                    self._deaf.add(stream)
            case SessionAttemptEnded() | SessionStatusChanged() | SessionDrainEnded():
                self._deaf.discard(stream)
            case _:
                pass

    def dump(self) -> MannerRows:
        """Everything as plain rows, for a checkpoint."""
        listeners = (
            ListenerRow(session=one, projects=served, deaf=one in self._deaf) for one, served in self._listeners.items()
        )
        return MannerRows(manners=tuple(self._manners.values()), listeners=tuple(listeners))

    @classmethod
    def load(cls, rows: MannerRows) -> "Manners":
        """The fold that was dumped."""
        manners = cls()
        manners._manners.update({one.project: one for one in rows.manners})
        manners._listeners.update({one.session: one.projects for one in rows.listeners})
        manners._deaf.update(one.session for one in rows.listeners if one.deaf)
        return manners

    def _forget(self, session: str) -> None:
        self._listeners.pop(session, None)
        self._deaf.discard(session)
