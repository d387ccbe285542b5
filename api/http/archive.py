"""The doors of archived ranges: what lies in bundles, and having more of the log put there."""

import base64
from dataclasses import asdict
from typing import Final

from pydantic import Field

from api.archive_port import ArchivePort, KeptState
from api.http.answers import Reply, fault_problem, json_reply, problem_reply
from api.http.body import Refused
from api.http.reading import any_project, read_query, require
from api.http.request import Query, Request, read_wish
from api.ports import ServiceFault
from domain.kernel.errors import Rejection
from domain.kernel.message import Message
from domain.principal.allow import allow

BODY_BYTES_MAX: Final = 4_096
BASES_MAX: Final = 500


class ArchiveWish(Message):
    """What `POST /v1/audit/archive` takes: a point, up to which everything is archived."""

    until: str = Field(min_length=1, max_length=200, description="@1234, an instant, -90d or STREAM@VERSION")


class BasesQuery(Query):
    """What `GET /v1/audit/bases` takes: behind which stream, and how many."""

    after: str = Field(default="", max_length=1_000, pattern=r"^[^\x00]*$", description="id of a stream")
    """Whatever stands in the database where an id should: whoever verifies has to get past it."""
    limit: int = Field(default=BASES_MAX, ge=1, le=BASES_MAX)


class ArchiveDoors:
    """Whoever reads the ledger sees what is archived; who administers has it done."""

    def __init__(self, archive: ArchivePort) -> None:
        self._archive = archive

    async def archives(self, request: Request) -> Reply:
        """Archived ranges with their digests, and what is under way."""
        require(allow(request.who, "read.ledger", any_project(request.who)))
        try:
            return json_reply(asdict(await self._archive.archives()))
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))

    async def bases(self, request: Request) -> Reply:
        """What archived streams had come to, a page in the order of their ids; an empty one is the end."""
        asked = read_query(BasesQuery, request)
        require(allow(request.who, "read.ledger", None))
        require(allow(request.who, "read.events", None, own=False))
        try:
            found = await self._archive.bases(asked.after, asked.limit)
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))
        return json_reply({"bases": [{**asdict(one), **_texts(one)} for one in found]})

    async def archive(self, request: Request) -> Reply:
        """Begin to archive, or go on with it; how far it is `archives` tells."""
        wish = await read_wish(request, ArchiveWish, BODY_BYTES_MAX)
        require(allow(request.who, "archive_log", None))
        try:
            until = await self._archive.archive(wish.until, request.who.id)
            if isinstance(until, Rejection):
                raise Refused(until)
            return json_reply({"until": until, **asdict(await self._archive.archives())})
        except ServiceFault as fault:
            return problem_reply(fault_problem(fault))


def _texts(base: KeptState) -> dict[str, str]:
    return {"state": base64.b64encode(base.state).decode(), "words": base64.b64encode(base.words).decode()}
