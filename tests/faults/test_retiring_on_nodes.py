"""Two nodes on one PostgreSQL: one starts a run of a version while the other puts it away; never are both done."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from api.composition.server import running
from api.ports import Services
from domain.kernel.ids import CommandId, PrincipalId, ProjectId
from domain.kernel.message import Command, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.pipeline.commands import PublishDefinition, RetireDefinition
from domain.project.commands import CreateProject
from domain.run.commands import StartRun
from infrastructure.runtime.outcome import Outcome
from infrastructure.settings import Settings
from tests.support.runs import work

VERSIONS: Final = 10


async def ask(services: Services, project: ProjectId, command: Command, name: str) -> Outcome:
    stamp = Stamp(
        command_id=CommandId(f"cmd_{name}"),
        project=project,
        principal=PrincipalId("key_owner"),
        time=services.clock.now(),
        correlation_id=name,
    )
    outcome = await services.commands.execute(command, stamp)
    assert isinstance(outcome, Outcome)
    return outcome


async def test_a_version_is_never_both_started_and_put_away(postgres_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        chosen = [Settings(data=tmp_path / str(number), store=postgres_url) for number in range(2)]
        one, other = [await stack.enter_async_context(running(settings)) for settings in chosen]
        assert (await ask(one, ProjectId("fleet"), CreateProject(name="shop"), "retiring_project")).ok
        project = await one.names.project("shop")
        assert project is not None
        for version in range(1, VERSIONS + 1):
            definition = Definition(name="ship", title=str(version), phases=(work("go"),))
            publish = PublishDefinition(project="shop", definition=definition)
            assert (await ask(one, project, publish, f"retiring_publish_{version}")).ok
        done = await asyncio.gather(*(_race(one, other, project, version) for version in range(1, VERSIONS + 1)))
    assert all(started != retired for started, retired in done), done


async def _race(one: Services, other: Services, project: ProjectId, version: int) -> tuple[bool, bool]:
    start = StartRun(project="shop", pipeline="ship", version=version)
    retire = RetireDefinition(project="shop", pipeline="ship", version=version)
    started, retired = await asyncio.gather(
        ask(one, project, start, f"retiring_start_{version}"),
        ask(other, project, retire, f"retiring_retire_{version}"),
    )
    assert started.ok or b"version_not_published" in started.text
    assert retired.ok or b"version_in_use" in retired.text
    return started.ok, retired.ok
