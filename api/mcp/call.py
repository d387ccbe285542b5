"""One call of a tool: who asks, for which session, and the one way of its commands."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from api.edge import Edge, Origin
from api.mcp.answers import Fields, ToolRefused, refuse, told_error
from api.mcp.arguments import Arguments
from api.mcp.errors import LifeFenced, LifeOver, NothingHeld, ProjectNotNamed, SessionNotNamed, SeveralHeld
from api.parsing import parse
from api.ports import Answered, Heard, HeldNow, ProjectToken, ServiceFault, Services
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId
from domain.kernel.message import Command
from domain.principal.allow import Principal, allow
from projections.kernel.rows import texts
from projections.projects.queries import ProjectPage
from projections.session_roster.queries import SessionPage
from projections.session_roster.rows import SessionRosterRow

PROJECTS_TOLD_MAX: Final = 20
STOPPING_SECONDS_MAX: Final = 1.0
T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """A call under way."""

    tool: str
    services: Services
    edge: Edge
    principal: Principal
    client: str
    """Name that the client gives itself; empty where it gives none."""
    who: Arguments
    stopping: asyncio.Event
    unread: int = 0
    """Messages to the session that wait, once the server was asked about it."""

    async def submit(self, name: str, fields: Fields, *, wait_seconds: float = 0.0) -> Fields:
        """The answer to a command. Raises ToolRefused, ServiceFault."""
        command = parse(name, orjson.dumps({key: value for key, value in fields.items() if value is not None}))
        return refuse(command) if isinstance(command, Rejection) else await self.execute(command, wait_seconds)

    async def execute(self, command: Command, wait_seconds: float = 0.0) -> Fields:
        """The same of a command that is whole already."""
        submitted = self.edge.submit(command, Origin(self.principal, wait_seconds=wait_seconds))
        answer = await (self.unless_stopped(submitted) if wait_seconds else submitted)
        return refuse(answer) if isinstance(answer, Rejection) else _content(answer)

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work; raises ServiceFault where the server goes down first."""
        loop = asyncio.get_running_loop()
        task, watch = loop.create_task(work), loop.create_task(self.stopping.wait())
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                # What is being committed just now still gets its answer.
                await asyncio.wait({task}, timeout=STOPPING_SECONDS_MAX)
            if not task.done():
                raise ServiceFault("stopping", "The server is going down.", "Try again in a moment.")
            return task.result()
        finally:
            task.cancel()
            watch.cancel()

    def life(self) -> tuple[str, int]:
        """The session that the call acts for, and its incarnation. Raises ToolRefused."""
        session, incarnation = self.who.session, self.who.incarnation
        if session is None or incarnation is None:
            refuse(SessionNotNamed(tool=self.tool))
        return session, incarnation

    def life_fields(self) -> Fields:
        """The same as fields of a command."""
        session, incarnation = self.life()
        return {"session": session, "incarnation": incarnation}

    async def presence(self, named: tuple[HeldNow, ...] = ()) -> Heard:
        """Renew the lease of the session and tell what it holds; what is named counts as delivered.

        Raises ToolRefused where the session is somebody else's, or this life of it is over.
        """
        session, incarnation = self.life()
        tokens = [ProjectToken(one.project, one.token) for one in named]
        heard = await self.services.heartbeats.beat(self.principal, session, incarnation, tokens, counts_mail=True)
        if isinstance(heard, Rejection):
            refuse(heard)
        if heard.status == "fenced":
            refuse(LifeFenced(session=session, incarnation=incarnation))
        if heard.status in ("lost", "ended"):
            refuse(LifeOver(session=session, incarnation=incarnation, status=heard.status))
        self.unread = heard.unread or 0
        return heard

    async def project(self, name: str | None, action: str) -> ProjectId:
        """The project that is named, or the only one that can be meant. Raises ToolRefused."""
        found = await self.edge.visible(self.principal, name) if name is not None else await self._only_project()
        if isinstance(found, Rejection):
            refuse(found)
        self.require(action, found)
        return found

    def require(self, action: str, project: ProjectId) -> None:
        """Raises ToolRefused where the principal may not."""
        refusal = allow(self.principal, action, project)
        if refusal is not None:
            refuse(refusal)

    async def own_row(self) -> SessionRosterRow | None:
        """The session as the roster shows it; None where none is named, or it is somebody else's."""
        if self.who.session is None:
            return None
        page = await self.ask(SessionPage(keys=(self.who.session,), limit=1))
        row: SessionRosterRow | None = next(iter(page.rows), None)
        return row if row is not None and row.owner == self.principal.id else None

    async def ask(self, request: Any) -> Any:
        """A page of a read model that has seen everything up to now."""
        return await self.services.reads.ask(request, after=self.services.events.head())

    async def _only_project(self) -> ProjectId:
        row = await self.own_row()
        if row is not None:
            served = texts(row.projects)
        elif self.principal.projects is not None:
            served = sorted(self.principal.projects)
        else:
            page = await self.ask(ProjectPage(limit=PROJECTS_TOLD_MAX))
            served = [one.key for one in page.rows]
        if len(served) != 1:
            known = await self.ask(ProjectPage(keys=tuple(served[:PROJECTS_TOLD_MAX]) or ("",)))
            refuse(ProjectNotNamed(known=", ".join(one.name for one in known.rows) or "none, ask for one to be made"))
        return ProjectId(served[0])


def held_task(heard: Heard, task: str | None) -> HeldNow:
    """The attempt that is meant: the one of the task, or the only one. Raises ToolRefused."""
    attempts = [one for one in heard.held if one.task is not None]
    meant = [one for one in attempts if task is None or one.task == task]
    if not meant:
        refuse(NothingHeld(task=task or ""))
    if len(meant) > 1:
        refuse(SeveralHeld(held=", ".join(str(one.task) for one in meant[:PROJECTS_TOLD_MAX])))
    return meant[0]


def _content(answer: Answered) -> Fields:
    content: Fields = orjson.loads(answer.text)
    if not answer.ok:
        raise ToolRefused(told_error(content["error"]))
    found: Fields = content["answer"]
    return found
