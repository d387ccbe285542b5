"""What windows have proposed: a hint beside the ready index, for claims in projects that gather before they give."""

from collections.abc import Iterable
from typing import Final

from domain.dispatch.market import Seeker
from domain.dispatch.strategies import Match
from domain.kernel.ids import ProjectId

KEPT_MAX: Final = 1_000
"""Proposals that wait to be claimed; who claims later than so many others waits for the next window."""


class Proposals:
    """Held by one runtime, which closes the windows. A claim that finds nothing here waits for the next window."""

    def __init__(self) -> None:
        self._matches: Final[dict[tuple[ProjectId, Seeker], Match]] = {}

    def put(self, project: ProjectId, matches: Iterable[Match]) -> None:
        """What the sessions should claim now."""
        for match in matches:
            self._matches.pop((project, match.seeker), None)
            self._matches[project, match.seeker] = match
        while len(self._matches) > KEPT_MAX:
            del self._matches[next(iter(self._matches))]

    def of(self, project: ProjectId, session: str, incarnation: int) -> Match | None:
        """What was proposed to that life of a session."""
        return self._matches.get((project, Seeker(session, incarnation)))

    def drop(self, project: ProjectId, seeker: Seeker) -> None:
        """The claim was answered, or its caller is gone."""
        self._matches.pop((project, seeker), None)
