"""A command id belongs to whoever chose it: nobody is answered with, or held up by, what another asked under it."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from domain.kernel.ids import CommandId, PrincipalId, ProjectId
from domain.kernel.message import Command, Stamp
from domain.project.commands import CreateProject
from domain.session.commands import OpenSession
from domain.task.commands import CreateTask, PlannedTask
from infrastructure.log.port import Appended, Log, Repeated
from infrastructure.log.sqlite import SqliteLog
from infrastructure.runtime.outcome import Outcome
from infrastructure.sql import migrations
from tests.contracts.groups import NOW, asked, member
from tests.contracts.stores import Place
from tests.support.running_node import Fleet, answer, running_fleet


def test_the_same_id_of_another_principal_or_project_is_another_command(log_store: Log) -> None:
    mine = member("c1", ("task_1", 1))
    others = [
        member("c1", ("task_2", 1))._replace(principal="key_2"),
        member("c1", ("task_3", 1))._replace(project="project_2"),
    ]
    results = log_store.append([mine, others[0]], now=NOW)
    results += log_store.append([others[1]], now=NOW)
    assert [type(one) for one in results] == [Appended] * 3
    for one, result in zip((mine, *others), results, strict=True):
        receipt = log_store.receipt(one.key)
        assert receipt is not None
        assert isinstance(result, Appended)
        assert (receipt.key, receipt.position) == (one.key, result.position)
    assert log_store.receipt(asked("c1", principal="key_3")) is None
    again = log_store.append([mine, *others], now=NOW)
    assert [one.receipt.key for one in again if isinstance(one, Repeated)] == [one.key for one in (mine, *others)]
    assert log_store.head() == 3


def test_forgetting_an_old_receipt_spares_a_young_one_of_the_same_id(log_store: Log) -> None:
    old = member("c1")._replace(time=NOW - 10)
    young = member("c1")._replace(principal="key_2")
    log_store.append([old, young], now=NOW)
    log_store.forget_receipts(before=NOW - 5, after="", until="d", rows_max=10)
    assert log_store.receipt(old.key) is None
    assert log_store.receipt(young.key) is not None


def stamped(fleet: Fleet, principal: str, project: ProjectId | None = None) -> Stamp:
    return Stamp(
        command_id=CommandId("cmd_the_same"),
        project=project or fleet.project_id,
        principal=PrincipalId(principal),
        time=fleet.services.clock.now(),
        correlation_id="c",
    )


@pytest.fixture
def store(store_name: str, store_place: Place) -> str:
    return store_place.postgres_url or store_name


async def test_two_tenants_under_one_id_at_once_and_later_get_their_own_answers(store: str, tmp_path: Path) -> None:
    async with running_fleet(tmp_path / "data", store) as fleet:
        other = Fleet(fleet.services, "mill")
        await other.begin()

        async def ask(whose: Fleet, principal: str) -> Outcome:
            command: Command = CreateTask(project=whose.project, task=PlannedTask(key="secret", title="t"))
            outcome = await fleet.services.commands.execute(command, stamped(whose, principal))
            assert isinstance(outcome, Outcome)
            return outcome

        # At once: in flight beside each other; afterwards: from the recent answers, and with another body refused.
        mine, theirs = await asyncio.gather(ask(fleet, "key_one"), ask(other, "key_two"))
        assert not mine.repeated
        assert not theirs.repeated
        first, second = answer(mine), answer(theirs)
        assert first != second, "ids that are made of the command id differ, too"
        again = [await ask(fleet, "key_one"), await ask(other, "key_two")]
        assert [one.repeated for one in again] == [True, True]
        assert [answer(one) for one in again] == [first, second]
        foreign = await ask(fleet, "key_two")
        assert not foreign.repeated


async def test_fleet_commands_of_two_principals_under_one_id_make_two_things(tmp_path: Path) -> None:
    async with running_fleet(tmp_path) as fleet:
        made: list[Any] = []
        for principal in ("key_one", "key_two"):
            stamp = stamped(fleet, principal, ProjectId("fleet"))
            outcome = await fleet.services.commands.execute(OpenSession(projects=("shop",)), stamp)
            assert isinstance(outcome, Outcome)
            made.append(answer(outcome)["session"])
        assert made[0] != made[1]
        stamp = stamped(fleet, "key_one", ProjectId("fleet"))
        reused = await fleet.services.commands.execute(CreateProject(name="x"), stamp)
        assert not reused.ok, "one's own id still stands for one body"


def test_receipts_of_a_former_schema_keep_their_commands(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    SqliteLog(path).close()
    with sqlite3.connect(path) as connection:
        step = next(one for one in migrations("sqlite") if one.name == "command_keys")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(commands)")]
        connection.execute("DROP TABLE commands")
        former = next(one for one in migrations("sqlite") if one.name == "log").text
        table = former[former.index("CREATE TABLE commands") :]
        connection.execute(table[: table.index(";")])
        row = ("c1", "project_1", "key_1", b"d", b"{}", "[]", b"{}", NOW, 7)
        connection.execute(f"INSERT INTO commands ({', '.join(columns)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.executescript(step.text)
    connection.close()
    log = SqliteLog(path)
    receipt = log.receipt(asked("c1"))
    log.close()
    assert receipt is not None
    assert receipt.position == 7
