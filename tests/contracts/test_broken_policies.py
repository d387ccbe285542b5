"""A policy that fails takes down the member that it answers and what stands on that, nothing else, and is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from domain.kernel.decider import View
from domain.kernel.errors import Unreplayable
from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId, StreamId
from domain.kernel.message import Command, Stamp
from domain.kernel.policy import Cause, Derived, Policy
from infrastructure.log.mapper import new_event, recorded
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import LogRow
from infrastructure.runtime.answered import AnsweredStretches
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.reactor import Reactor
from infrastructure.runtime.settle import Settler
from tests.contracts.groups import member
from tests.support.accounts import AGGREGATES, POLICIES, REGISTRY, RULES, Account, Move, Moved, Noted

A, B = "acct_" + "a" * 26, "acct_" + "b" * 26
UNLUCKY = 13


def fail_on_the_unlucky(cause: Cause, _: View) -> tuple[Derived, ...]:
    if isinstance(cause.event, Moved) and cause.event.amount == UNLUCKY:
        raise RuntimeError("a fault of ours")
    return ()


def fail_on_a_note(_: Cause, __: View) -> tuple[Derived, ...]:
    raise RuntimeError("a fault of ours")


UNLUCKY_MOVES = Policy("fail_on_the_unlucky", (Moved,), fail_on_the_unlucky)
UNLUCKY_NOTES = Policy("fail_on_a_note", (Noted,), fail_on_a_note)


class Bank:
    def __init__(self, log: MemoryLog, *policies: Policy) -> None:
        self.log = log
        self.hot = HotStates(log, AGGREGATES, REGISTRY)
        decider = GroupDecider(RULES, (*POLICIES, *policies), frozenset({"acct"}))
        self.settler = Settler(self.hot, AGGREGATES, [])
        self.committer = Committer(log, self.hot, AGGREGATES, decider, self.settler, secret=b"secret")
        self.committer.start()

    async def do(self, command: Command, identifier: str) -> Outcome:
        stamp = Stamp(
            command_id=CommandId(identifier),
            project=FLEET,
            principal=PrincipalId("tester"),
            time=Instant(1),
            correlation_id=identifier,
        )
        return await self.committer.execute(command, stamp)

    def account(self, name: str) -> Account:
        (_, state), *_rest = self.hot.load([name], [])[0].values()
        found: Account = state
        return found


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    made = Bank(MemoryLog(), UNLUCKY_MOVES)
    yield made
    await made.committer.stop()


async def test_only_the_member_whose_policy_fails_is_refused(bank: Bank) -> None:
    with capture_logs() as told:
        outcomes = await asyncio.gather(
            bank.do(Move(account=A, amount=1), "first"),
            bank.do(Move(account=A, amount=UNLUCKY), "bad"),
            bank.do(Move(account=A, amount=2), "behind it, on the same stream"),
            bank.do(Move(account=B, amount=200), "beside it, with a policy that works"),
            return_exceptions=True,
        )
    assert [type(one) for one in outcomes] == [Outcome, Unreplayable, Outcome, Outcome]
    assert bank.account(A) == replace(Account(), balance=3)
    assert bank.account(B).notes == ("rich@1",)
    assert not bank.log.receipts_present(["bad"])
    assert [(one["command"], one["id"]) for one in told if one["event"] == "a command failed"] == [("move", "bad")]


async def test_a_derived_member_whose_policy_fails_falls_without_its_cause() -> None:
    bank = Bank(MemoryLog(), UNLUCKY_NOTES)
    with capture_logs() as told:
        outcome = await bank.do(Move(account=A, amount=200), "rich")
        assert (await bank.do(Move(account=A, amount=1), "next")).ok
    await bank.committer.stop()
    assert outcome.ok
    assert bank.account(A) == replace(Account(), balance=201)
    assert [one["command"] for one in told if one["event"] == "a command failed"] == ["note"]


async def test_the_reactor_passes_over_a_policy_that_fails_and_finds_what_lies_behind() -> None:
    log = MemoryLog()
    bank = Bank(log)
    await bank.do(Move(account=A, amount=UNLUCKY), "bad")
    await bank.do(Move(account=A, amount=150), "behind")
    await bank.committer.stop()
    forgetful = Policy("again", POLICIES[0].answers, POLICIES[0].react)
    reactor = Reactor(
        log,
        AGGREGATES,
        (UNLUCKY_MOVES, forgetful),
        lambda row: recorded(row, REGISTRY),
        HotStates(log, AGGREGATES, REGISTRY),
    )
    with capture_logs() as told:
        wanted = reactor.look(Instant(1))
    assert [command.NAME for command, _ in wanted] == ["note"]
    assert [one["policy"] for one in told] == ["fail_on_the_unlucky"]


class Read(MemoryLog):
    """Counts the events that are read in pages."""

    def __init__(self) -> None:
        super().__init__()
        self.paged: list[int] = []

    def page(self, *, after: int, limit: int) -> list[LogRow]:
        found = super().page(after=after, limit=limit)
        self.paged += [row.position for row in found]
        return found


def looking(bank: Bank, *policies: Policy) -> Reactor:
    hot = HotStates(bank.log, AGGREGATES, REGISTRY)
    return Reactor(
        bank.log, AGGREGATES, policies, lambda row: recorded(row, REGISTRY), hot, answered=bank.settler.answered
    )


async def test_the_reactor_reads_nothing_of_what_was_answered_where_it_was_written() -> None:
    bank = Bank(log := Read())
    for number in range(5):
        assert (await bank.do(Move(account=A, amount=150), f"move{number}")).ok
    await bank.committer.stop()
    reactor = looking(bank, *POLICIES)
    assert log.head() > 5, "the policy answers"
    assert not reactor.look(Instant(1))
    assert log.paged == []
    append_beside(log)
    assert [command.NAME for command, _ in reactor.look(Instant(1))] == ["note"]
    assert log.paged == [log.head()]


async def test_the_reactor_looks_at_a_group_that_could_not_answer_itself() -> None:
    bank = Bank(log := Read(), UNLUCKY_NOTES)
    with capture_logs():
        assert (await bank.do(Move(account=A, amount=200), "rich")).ok
    await bank.committer.stop()
    assert [command.NAME for command, _ in looking(bank, *POLICIES).look(Instant(1))] == ["note"]
    assert log.paged == [1]


def append_beside(log: MemoryLog) -> None:
    """What another node wrote, whose policies it could not answer."""
    event = new_event(StreamId(B), 1, Moved(amount=200), FLEET)
    log.append([member("beside")._replace(events=(event,), reads=((B, 0),))], now=log.now())


def test_stretches_grow_together_and_lead_past_themselves_only() -> None:
    stretches = AnsweredStretches()
    stretches.note(2, 5)
    stretches.note(5, 9)
    stretches.note(12, 14)
    assert [stretches.beyond(position) for position in (0, 1, 2)] == [0, 1, 9]
    assert [stretches.beyond(position) for position in (9, 11, 12, 13, 14, 20)] == [9, 11, 14, 14, 14, 20]
