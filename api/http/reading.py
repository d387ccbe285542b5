"""The reading doors: wait for a change, read the log, ask how the server is."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson
from pydantic import Field, ValidationError

from api.edge import Edge
from api.http.answers import Problem, Reply, json_reply, problem_reply, refusal
from api.http.body import Refused
from api.http.changes import Changes
from api.http.errors import InvalidRequest
from api.http.request import Query, Request, invalid_request
from api.http.waiting import unless_stopped
from api.ports import Services
from domain.kernel.decider import Recorded
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import FLEET, ProjectId
from domain.principal.allow import Principal, allow
from domain.session.events import SessionOpened

POSITION_MAX: Final = 2**63 - 1
WAIT_SECONDS_MAX: Final = 30.0
EVENTS_MAX: Final = 1_000
SCANNED_MAX: Final = 20_000
"""Events of other projects that one request steps over; the answer says where to go on."""
METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_STREAM: Final = re.compile(r"[a-z]{1,20}_[0-9a-z]{26}")

Q = TypeVar("Q", bound=Query)


class WaitQuery(Query):
    """What `GET /v1/wait` takes."""

    project: str | None = Field(default=None, max_length=200)
    after: int = Field(default=0, ge=0, le=POSITION_MAX)
    timeout_seconds: float = Field(default=20.0, ge=0, le=WAIT_SECONDS_MAX)


class EventsQuery(Query):
    """What `GET /v1/events` takes: a project or a stream."""

    project: str | None = Field(default=None, max_length=200)
    stream: str | None = Field(default=None, max_length=200)
    after: int = Field(default=0, ge=0, le=POSITION_MAX)
    """A position; with ``stream`` a version of it."""
    limit: int = Field(default=500, ge=1, le=EVENTS_MAX)


class ReadingDoors:
    """What may be asked without changing anything."""

    def __init__(
        self, services: Services, edge: Edge, changes: Changes, stopping: asyncio.Event, *, version: str
    ) -> None:
        self._services = services
        self._edge = edge
        self._changes = changes
        self._stopping = stopping
        self._version = version

    async def wait(self, request: Request) -> Reply:
        """Answer as soon as something lies behind ``after``, time is up or the server goes down."""
        asked = read_query(WaitQuery, request)
        project = await self._project(request.who, "read.tasks", asked.project)
        try:
            async with asyncio.timeout(asked.timeout_seconds):
                beyond = self._changes.wait_beyond(project, asked.after)
                found = await unless_stopped(beyond, self._stopping, request.receive)
        except TimeoutError:
            found = None
        position = max(asked.after, self._changes.reached()) if found is None else found
        return json_reply({"position": position, "changed": found is not None})

    async def events(self, request: Request) -> Reply:
        """A page of a project's events, or of one stream's."""
        asked = read_query(EventsQuery, request)
        if asked.stream is not None:
            if asked.project is not None:
                raise Refused(InvalidRequest(summary="name a project or a stream, not both"))
            return await self._stream(request.who, asked.stream, asked)
        project = await self._project(request.who, "read.events", asked.project, own=False)
        found, position = await self._of_project(project, asked)
        return _events_reply(found, position, self._services.events.head())

    async def status(self, request: Request) -> Reply:
        """How the server is, and who is asking."""
        health, who = self._services.health.health(), request.who
        projects = None if who.projects is None else sorted(who.projects)
        return json_reply(
            {
                "ready": health.ready and not self._stopping.is_set(),
                "node": health.node,
                "store": health.store,
                "head": health.head,
                "projected": health.projected,
                "warnings": health.warnings,
                "principal": {"id": who.id, "role": who.role, "projects": projects},
                "version": self._version,
            }
        )

    async def healthz(self, _: Request) -> Reply:
        """The process serves."""
        return json_reply({"ok": True})

    async def readyz(self, _: Request) -> Reply:
        """It takes commands."""
        if self._stopping.is_set():
            return problem_reply(Problem("stopping", "The server is stopping.", "Ask another one.", 503))
        if not self._services.health.health().ready:
            return problem_reply(Problem("not_ready", "The server is not ready yet.", "Ask again in a moment.", 503))
        return json_reply({"ok": True})

    async def metrics(self, request: Request) -> Reply:
        """The figures, for those who may read them."""
        refused = allow(request.who, "read.metrics", None)
        return refusal(refused) if refused else Reply(200, await self._services.health.metrics(), METRICS_TYPE)

    async def _project(self, who: Principal, action: str, name: str | None, *, own: bool = True) -> ProjectId | None:
        project = None if name is None else await self._edge.visible(who, name)
        if isinstance(project, UnknownThing):
            raise Refused(project)
        require(allow(who, action, project, own=own))
        return project

    async def _of_project(self, project: ProjectId | None, asked: EventsQuery) -> tuple[list[Recorded], int]:
        """The events and the position up to which everything was looked at."""
        found: list[Recorded] = []
        position = asked.after
        for _ in range(SCANNED_MAX // EVENTS_MAX):
            page = await self._services.events.page(after=position, limit=EVENTS_MAX)
            for one in page:
                position = one.position
                if project is None or one.project == project:
                    found.append(one)
                    if len(found) == asked.limit:
                        return found, position
            if len(page) < EVENTS_MAX:
                break
        return found, position

    async def _stream(self, who: Principal, stream: str, asked: EventsQuery) -> Reply:
        absent = UnknownThing(kind="stream", name=stream)
        if not _STREAM.fullmatch(stream):
            raise Refused(absent)
        first = await self._services.events.stream(stream, after_version=0, limit=1)
        if not first or not _may_see(who, first[0]):
            raise Refused(absent)
        project = None if first[0].project == FLEET else first[0].project
        own = isinstance(first[0].event, SessionOpened) and first[0].event.owner == who.id
        require(allow(who, "read.events", project or any_project(who), own=own))
        found = await self._services.events.stream(stream, after_version=asked.after, limit=asked.limit)
        position = max((one.version for one in found), default=asked.after)
        return _events_reply(found, position, self._services.events.head())


def _may_see(who: Principal, first: Recorded) -> bool:
    """Whether a stream that begins so concerns no project but those of the principal."""
    if who.projects is None:
        return True
    if first.project != FLEET:
        return first.project in who.projects
    return isinstance(first.event, SessionOpened) and who.projects.issuperset(first.event.projects)


def any_project(who: Principal) -> ProjectId | None:
    """A project that stands for all of a principal's: its role is the same in each."""
    return None if who.projects is None else min(who.projects)


def require(refused: Rejection | None) -> None:
    if refused is not None:
        raise Refused(refused)


def read_query(kind: type[Q], request: Request) -> Q:
    try:
        return kind.model_validate(request.query())
    except ValidationError as error:
        raise Refused(invalid_request(error)) from None


def _events_reply(events: Sequence[Recorded], position: int, head: int) -> Reply:
    return json_reply({"events": [_shown(one) for one in events], "position": position, "head": head})


def _shown(one: Recorded) -> dict[str, Any]:
    return {
        "position": one.position,
        "stream": one.stream,
        "version": one.version,
        "type": type(one.event).TYPE,
        "event": orjson.Fragment(one.event.stored()),
        "at": one.recorded_at,
        "project": one.project,
        "actor": one.actor,
        "command_id": one.command_id,
        "correlation_id": one.correlation_id,
        "causation_id": one.causation_id,
    }
