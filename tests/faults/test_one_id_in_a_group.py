"""A command that a policy derives and the reactor asks at the same time is one command, and hurts nobody beside it."""

import asyncio

from domain.kernel.ids import command_id_of
from infrastructure.log.memory import MemoryLog
from tests.contracts.test_committer import A, B, Bank
from tests.support.accounts import Move, Note


async def test_one_id_twice_in_a_group_runs_once() -> None:
    bank = Bank(MemoryLog())
    bank.committer.start()
    derived = command_id_of("note_the_rich", A, 1, A)
    rich, _, beside = await asyncio.gather(
        bank.do(Move(account=A, amount=100)),
        bank.do(Note(account=A, note="rich@1"), derived),
        bank.do(Move(account=B, amount=1)),
    )
    assert rich.ok
    assert beside.ok
    assert bank.account(A).notes == ("rich@1",)
    assert bank.log.head() == 3
    await bank.committer.stop()
    bank.snapshotter.stop()
