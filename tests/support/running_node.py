"""A node with the real rules inside the test's own process: no HTTP, everything else as in the server."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from api.composition.server import running
from api.ports import Services
from domain.kernel.ids import CommandId, PrincipalId, ProjectId
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.project.commands import CreateProject
from domain.session.commands import OpenSession
from domain.task.commands import ApplyPlan, PlannedTask
from infrastructure.runtime.outcome import Outcome
from infrastructure.settings import Settings


class Fleet:
    """A project on a running node and shorthands for what its sessions ask."""

    def __init__(self, services: Services, project: str) -> None:
        self.services = services
        self.project = project
        self.project_id = ProjectId("")
        self._numbers = itertools.count()

    async def ask(self, command: Command, command_id: str | None = None) -> Outcome:
        """Execute a command as the fleet's one principal."""
        scope = self.project_id if isinstance(command, ProjectCommand) else ProjectId("fleet")
        stamp = self.stamp(command_id or f"cmd_{id(self):x}_{next(self._numbers)}", scope)
        outcome = await self.services.commands.execute(command, stamp)
        assert isinstance(outcome, Outcome)
        return outcome

    def stamp(self, command_id: str, scope: ProjectId | None = None) -> Stamp:
        """That of the fleet's one principal, in its project unless told otherwise."""
        return Stamp(
            command_id=CommandId(command_id),
            project=scope or self.project_id,
            principal=PrincipalId("key_fleet"),
            time=self.services.clock.now(),
            correlation_id=command_id,
        )

    async def begin(self) -> None:
        """Make the project."""
        await self.ask(CreateProject(name=self.project))
        found = await self.services.names.project(self.project)
        assert found is not None
        self.project_id = found

    async def plan(self, count: int, prefix: str = "t", **fields: Any) -> None:
        """Plan ``count`` tasks without needs, in plans of 1,000."""
        for start in range(0, count, 1_000):
            numbers = range(start, min(start + 1_000, count))
            tasks = tuple(PlannedTask(key=f"{prefix}{number}", title="work", **fields) for number in numbers)
            outcome = await self.ask(ApplyPlan(project=self.project, tasks=tasks))
            assert outcome.ok, outcome.text

    async def session(self, capacity: int = 1) -> str:
        """Open a session; its first incarnation."""
        outcome = await self.ask(OpenSession(projects=(self.project,), capacity=capacity))
        return str(answer(outcome)["session"])


def answer(outcome: Outcome) -> dict[str, Any]:
    """What an accepted command replied."""
    told: dict[str, Any] = json.loads(outcome.text)
    assert told["ok"], told
    return dict(told["answer"])


@asynccontextmanager
async def running_fleet(folder: Path, store: str = "memory", project: str = "shop") -> AsyncIterator[Fleet]:
    """A node on ``store`` (memory, sqlite or a PostgreSQL URL) with one project."""
    async with running(Settings(data=folder, store=store)) as services:
        fleet = Fleet(services, project)
        await fleet.begin()
        yield fleet
