"""Two nodes on one PostgreSQL race for the places of a key: never too many run at once, and all come to run."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from api.composition.server import running
from api.ports import Services
from domain.kernel.ids import CommandId, PrincipalId, ProjectId
from domain.kernel.message import Command, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.flow import Concurrency
from domain.pipeline.commands import PublishDefinition
from domain.project.commands import CreateProject
from domain.run.commands import CancelRun, StartRun
from domain.run.events import RunSettled, RunStarted
from infrastructure.log.port import LogRow
from infrastructure.log.postgres import PostgresLog
from infrastructure.runtime.outcome import Outcome
from infrastructure.settings import Settings
from tests.support.runs import work
from tests.support.waiting import happens

RUNS, LIMIT = 12, 2


class Nodes:
    """Nodes of one store; each command goes to all of them at once, under one id for each."""

    def __init__(self, services: Sequence[Services]) -> None:
        self.services = services
        self.project = ProjectId("fleet")
        self.sent = 0

    async def ask(self, node: int, command: Command) -> Outcome:
        self.sent += 1
        stamp = Stamp(
            command_id=CommandId(f"cmd_turns_{self.sent}"),
            project=self.project,
            principal=PrincipalId("key_owner"),
            time=self.services[node].clock.now(),
            correlation_id="turns",
        )
        outcome = await self.services[node].commands.execute(command, stamp)
        assert isinstance(outcome, Outcome)
        assert outcome.ok, outcome.text
        return outcome

    async def all(self, *commands: Command) -> None:
        await asyncio.gather(*(self.ask(number % 2, one) for number, one in enumerate(commands)))


def at_once(rows: Sequence[LogRow]) -> tuple[int, set[str], set[str]]:
    """How many ran at a time at most, which began, and which have ended."""
    now, most, begun, ended = set[str](), 0, set[str](), set[str]()
    for row in rows:
        if row.type == RunStarted.TYPE:
            now.add(row.stream)
            begun.add(row.stream)
        elif row.type == RunSettled.TYPE:
            now.discard(row.stream)
            ended.add(row.stream)
        most = max(most, len(now))
    return most, begun, ended


async def test_two_nodes_never_both_give_the_last_place_away(postgres_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        chosen = [Settings(data=tmp_path / str(number), store=postgres_url) for number in range(2)]
        nodes = Nodes([await stack.enter_async_context(running(one)) for one in chosen])
        await nodes.ask(0, CreateProject(name="shop"))
        found = await nodes.services[0].names.project("shop")
        assert found is not None
        nodes.project = found
        definition = Definition(name="ship", phases=(work("go"),), concurrency=Concurrency(key="k", limit=LIMIT))
        await nodes.ask(0, PublishDefinition(project="shop", definition=definition))
        await nodes.all(*(StartRun(project="shop", pipeline="ship") for _ in range(RUNS)))
        log = PostgresLog(postgres_url)
        stack.callback(log.close)

        def rows() -> list[LogRow]:
            return list(log.page(after=0, limit=10_000))

        while len(at_once(rows())[2]) < RUNS:
            begun, ended = at_once(rows())[1:]
            await nodes.all(*(CancelRun(project="shop", run=run) for run in sorted(begun - ended) for _ in range(2)))
            await happens(lambda: len(at_once(rows())[1]) == min(RUNS, len(at_once(rows())[2]) + LIMIT))
        assert at_once(rows())[0] == LIMIT
