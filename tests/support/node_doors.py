"""The HTTP application over a real node in the test's own process, asked without a network."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from api.app import create_app
from api.composition.server import running
from api.edge import Edge
from api.graphql.app import create_graphql_app
from api.ports import Services
from infrastructure.settings import Settings
from tests.support.doors import Answer, Doors
from tests.support.graphql import schema
from tests.support.patience import PATIENT


class NodeDoors(Doors):
    """A client of the node's application with the owner's key and a project ``shop``."""

    def __init__(self, services: Services, settings: Settings, owner: str) -> None:
        super().__init__()
        self.services = services
        self.edge = Edge(services)
        self.app = create_app(
            services,
            graphql=create_graphql_app(services, self.edge, schema=schema()),
            settings=settings,
            edge=self.edge,
        )
        self.owner = owner

    async def done(self, kind: str, fields: Mapping[str, object], **rest: Any) -> dict[str, Any]:
        """The answer of a command that has to be accepted."""
        answer = await self.command(kind, fields, **rest)
        assert answer.status == 200, answer.content
        told: dict[str, Any] = answer.content["answer"]
        return told

    def later(self, kind: str, fields: Mapping[str, object], **rest: Any) -> "asyncio.Task[dict[str, Any]]":
        """The same as a task under way."""
        return asyncio.get_running_loop().create_task(self.done(kind, fields, **rest))

    async def session(self, *, projects: tuple[str, ...] = ("shop",), **fields: object) -> dict[str, Any]:
        """Open a session; the fields that a claim of the first of its projects begins with."""
        opened = await self.done("open_session", {"projects": list(projects), **fields})
        return {"project": projects[0], "session": opened["session"], "incarnation": opened["incarnation"]}

    async def plan(self, *tasks: Mapping[str, object], project: str = "shop") -> None:
        await self.done("apply_plan", {"project": project, "tasks": list(tasks)})

    async def graphql(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of a query that has to succeed."""
        answer: Answer = await self.ask("POST", "/graphql", {"query": query, "variables": variables})
        assert "errors" not in answer.content, answer.content
        data: dict[str, Any] = answer.content["data"]
        return data


@asynccontextmanager
async def node_doors(folder: Path, store: str = "memory") -> AsyncIterator[NodeDoors]:
    """A node on ``store`` with the project ``shop``, and its doors."""
    settings = Settings(data=folder / "data", store=store, http=PATIENT)
    async with running(settings) as services:
        doors = NodeDoors(services, settings, (folder / "data" / "local.key").read_text().strip())
        await doors.project("shop")
        yield doors
