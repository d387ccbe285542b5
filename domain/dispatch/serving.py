"""Which sessions look alive and serve a project: a hint that spares looking at all of them; their states decide."""

from typing import Final

from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event, Message
from domain.session.events import SessionEnded, SessionLost, SessionOpened

TELLING: Final[frozenset[type[Event]]] = frozenset({SessionOpened, SessionLost, SessionEnded})
"""Events that the fold can learn anything from."""


class ServingRow(Message):
    """A session in a checkpoint."""

    session: str
    projects: tuple[str, ...]


class Serving:
    """A fold of session events, changed in place as they are committed."""

    def __init__(self) -> None:
        self._projects: Final[dict[StreamId, tuple[ProjectId, ...]]] = {}
        self._sessions: Final[dict[ProjectId, dict[StreamId, None]]] = {}

    def sessions(self, project: ProjectId, most: int) -> tuple[StreamId, ...]:
        """At most so many sessions of a project, the first opened first."""
        return tuple(self._sessions.get(project, {}))[:most]

    def projects(self, session: StreamId) -> tuple[ProjectId, ...]:
        """Projects that the session serves; none where it is not known."""
        return self._projects.get(session, ())

    def count(self, project: ProjectId) -> int:
        """Sessions that serve the project."""
        return len(self._sessions.get(project, {}))

    def observe(self, stream: StreamId, event: Event) -> None:
        """Fold one event; those of other things are ignored."""
        match event:
            case SessionOpened():
                self._forget(stream)
                self._put(stream, tuple(ProjectId(one) for one in event.projects))
            case SessionLost() | SessionEnded():
                self._forget(stream)
            case _:
                pass

    def dump(self) -> tuple[ServingRow, ...]:
        """Everything as plain rows, for a checkpoint."""
        return tuple(ServingRow(session=session, projects=projects) for session, projects in self._projects.items())

    @classmethod
    def load(cls, rows: tuple[ServingRow, ...]) -> "Serving":
        """The fold that was dumped."""
        serving = cls()
        for row in rows:
            serving._put(StreamId(row.session), tuple(ProjectId(one) for one in row.projects))
        return serving

    def _put(self, stream: StreamId, projects: tuple[ProjectId, ...]) -> None:
        self._projects[stream] = projects
        for project in projects:
            self._sessions.setdefault(project, {})[stream] = None

    def _forget(self, stream: StreamId) -> None:
        for project in self._projects.pop(stream, ()):
            sessions = self._sessions[project]
            del sessions[stream]
            if not sessions:
                del self._sessions[project]
