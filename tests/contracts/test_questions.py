"""Commands that only ask: they wait for no disk, leave nothing behind, and are answered anew when they come again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.catalogue import COMMANDS
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, AwaitLocks, CheckLocks, ReleaseLocks
from infrastructure.log.port import Member, MemberResult
from infrastructure.log.sqlite import SqliteLog
from tests.support.running_node import answer, running_fleet

QUESTIONS = {"await_locks", "check_locks", "check_push", "describe_pool"}
HOT = (ScopeClaim(claim="path:r//hot"),)


def test_a_command_that_says_so_only_asks() -> None:
    assert {name for name, kind in COMMANDS.items() if kind.ASKS} == QUESTIONS
    assert {name for name, kind in COMMANDS.items() if "Changes nothing" in (kind.__doc__ or "")} == QUESTIONS


async def test_a_question_to_a_log_of_ones_own_is_answered_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended: list[int] = []
    append = SqliteLog.append

    def counted(log: SqliteLog, members: Sequence[Member], *, now: int) -> list[MemberResult]:
        appended.append(len(members))
        return append(log, members, now=now)

    async with running_fleet(tmp_path, store="sqlite") as fleet:
        session = await fleet.session()
        who: dict[str, Any] = {"project": fleet.project, "session": session, "incarnation": 1}
        held = await fleet.ask(AcquireLocks(**who, claims=HOT))
        monkeypatch.setattr(SqliteLog, "append", counted)
        checked = CheckLocks(**who, token=answer(held)["token"], resources=("path:r//hot",))
        asked = await fleet.ask(checked)
        assert asked.ok
        assert asked.position >= held.position
        assert appended == []
        # What changes something is written as ever.
        await fleet.ask(ReleaseLocks(**who, token=answer(held)["token"]))
        assert appended != []


async def test_a_question_leaves_no_receipt_and_is_answered_as_of_now(tmp_path: Path) -> None:
    async with running_fleet(tmp_path, store="sqlite") as fleet:
        one, two = await fleet.session(), await fleet.session()

        def who(session: str) -> dict[str, Any]:
            return {"project": fleet.project, "session": session, "incarnation": 1}

        held = answer(await fleet.ask(AcquireLocks(**who(one), claims=HOT), "cmd_acquired"))
        waiting = answer(await fleet.ask(AcquireLocks(**who(two), claims=HOT, wait="queue")))
        asked = AwaitLocks(**who(two), request=waiting["request"])
        before = answer(await fleet.ask(asked, "cmd_asked_1"))
        assert before["outcome"] == "waiting"
        checked = CheckLocks(**who(one), token=held["token"], resources=("path:r//hot",))
        assert (await fleet.ask(checked, "cmd_checked")).ok
        assert answer(await fleet.ask(asked, "cmd_asked_1"))["outcome"] == "waiting"
        await fleet.ask(ReleaseLocks(**who(one), token=held["token"]))
        after = answer(await fleet.ask(asked, "cmd_asked_2"))
        assert after["outcome"] == "granted"
        # Under an id that was answered otherwise before, too: a client that lost an answer sends the same again.
        again = await fleet.ask(asked, "cmd_asked_1")
        assert (answer(again)["outcome"], again.repeated) == ("granted", False)
    log = SqliteLog(tmp_path / "signalbox.db")
    try:
        everything = ["cmd_acquired", "cmd_asked_1", "cmd_asked_2", "cmd_checked"]
        assert log.receipts_present(everything) == {"cmd_acquired"}
    finally:
        log.close()
