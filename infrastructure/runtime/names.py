"""Projects by slug or id, looked up in the log and remembered: a name once taken never changes."""

import asyncio
from typing import Final

from domain.kernel.ids import FLEET, ProjectId, is_type_id
from infrastructure.log.port import Log

REMEMBERED_MAX: Final = 10_000


class ProjectNames:
    """Slug to id. An id of the right form is answered only if the project exists."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: dict[str, ProjectId] = {}

    def known(self, slug_or_id: str) -> ProjectId | None:
        """The project's id where it was looked up before."""
        return self._known.get(slug_or_id)

    async def project(self, slug_or_id: str) -> ProjectId | None:
        """The project's id, None where there is none."""
        known = self._known.get(slug_or_id)
        if known is not None:
            return known
        found = await asyncio.to_thread(self._look, slug_or_id[:100])
        if found is not None and len(self._known) < REMEMBERED_MAX:
            self._known[slug_or_id] = found
        return found

    def _look(self, slug_or_id: str) -> ProjectId | None:
        if is_type_id(slug_or_id, "proj"):
            return ProjectId(slug_or_id) if self._log.has_stream(slug_or_id) else None
        wanted = (FLEET, "project", slug_or_id)
        found = self._log.keys([wanted]).get(wanted)
        return ProjectId(found) if found is not None else None
