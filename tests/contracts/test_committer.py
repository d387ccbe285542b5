"""The committer keeps its promises on every store: one winner, nothing twice, no commit on a state that never was."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from domain.kernel.ids import FLEET, CommandId, Instant, PrincipalId, StreamId
from domain.kernel.message import Command, Stamp
from infrastructure.log.memory import MemoryLog
from infrastructure.log.port import Log, Member, MemberResult, OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Observer, Settler
from infrastructure.runtime.settle import Place as Written
from infrastructure.runtime.snapshots import Snapshotter
from tests.contracts.stores import STORES, Place
from tests.support.accounts import (
    AGGREGATES,
    POLICIES,
    REGISTRY,
    RULES,
    Account,
    Explode,
    Move,
    Moved,
    Name,
    Note,
    Noted,
    Transfer,
    WithdrawIfOther,
)

A, B = "acct_" + "a" * 26, "acct_" + "b" * 26


class Bank:
    """A node with the toy domain on some store."""

    def __init__(self, log: Log, *observers: Observer) -> None:
        self.log = log
        self.hot = HotStates(log, AGGREGATES, REGISTRY)
        self.snapshotter = Snapshotter(log, self.hot, AGGREGATES)
        settler = Settler(self.hot, AGGREGATES, [self.snapshotter, *observers])
        decider = GroupDecider(RULES, POLICIES, frozenset({"acct"}))
        self.committer = Committer(log, self.hot, AGGREGATES, decider, settler, secret=b"secret")
        self.count = 0

    async def do(self, command: Command, command_id: str | None = None) -> Outcome:
        self.count += 1
        identifier = command_id or f"cmd_{id(self)}_{self.count}"
        stamp = Stamp(
            command_id=CommandId(identifier),
            project=FLEET,
            principal=PrincipalId("tester"),
            time=Instant(self.log.now()),
            correlation_id=identifier,
        )
        return await self.committer.execute(command, stamp)

    def account(self, stream: str) -> Account:
        """Folded from the log, not from memory."""
        (_, state) = HotStates(self.log, AGGREGATES, REGISTRY).load([stream], [])[0][stream]
        assert isinstance(state, Account)
        return state


Open = Callable[[Log], Bank]


@pytest.fixture(params=sorted(STORES))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    opened = STORES[request.param](Place(tmp_path, url))
    yield opened
    opened.close()


@pytest.fixture
async def open_bank() -> AsyncIterator[Open]:
    banks: list[Bank] = []

    def opener(log: Log) -> Bank:
        bank = Bank(log)
        bank.committer.start()
        banks.append(bank)
        return bank

    yield opener
    for bank in banks:
        await bank.committer.stop()
        bank.snapshotter.stop()


async def test_commands_of_one_group_see_each_other(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    first, second, third = await asyncio.gather(
        bank.do(Move(account=A, amount=10)),
        bank.do(Transfer(source=A, target=B, amount=7)),
        bank.do(Transfer(source=A, target=B, amount=7)),
    )
    assert (first.ok, second.ok, third.ok) == (True, True, False)
    assert b"too_poor" in third.text
    assert (bank.account(A).balance, bank.account(B).balance) == (3, 7)
    assert log.head() == 3


async def test_a_repeated_id_gets_the_first_answer_and_runs_once(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    outcomes = await asyncio.gather(*(bank.do(Move(account=A, amount=5), "cmd_same_id") for _ in range(20)))
    again = await open_bank(log).do(Move(account=A, amount=5), "cmd_same_id")
    assert {(one.text, one.position) for one in (*outcomes, again)} == {(outcomes[0].text, 1)}
    assert again.repeated
    assert bank.account(A).balance == 5


async def test_an_id_with_another_body_is_refused(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    await bank.do(Move(account=A, amount=5), "cmd_same_id")
    assert b"command_id_reused" in (await bank.do(Move(account=A, amount=6), "cmd_same_id")).text
    assert b"command_id_reused" in (await open_bank(log).do(Move(account=A, amount=6), "cmd_same_id")).text
    assert bank.account(A).balance == 5


async def test_a_refusal_is_not_sticky(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    assert not (await bank.do(Transfer(source=A, target=B, amount=1), "cmd_try")).ok
    await bank.do(Move(account=A, amount=1))
    assert (await bank.do(Transfer(source=A, target=B, amount=1), "cmd_try")).ok


async def test_policies_are_decided_in_the_same_group_and_once(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    outcome = await bank.do(Move(account=A, amount=100), "cmd_rich")
    await bank.do(Move(account=A, amount=100), "cmd_rich")
    assert outcome.position == 1
    assert bank.account(A).notes == ("rich@1",)
    assert log.head() == 2


async def test_a_fault_of_one_command_leaves_its_group_alone(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    good, bad, last = await asyncio.gather(
        bank.do(Move(account=A, amount=1)),
        bank.do(Explode()),
        bank.do(Move(account=A, amount=1)),
        return_exceptions=True,
    )
    assert isinstance(good, Outcome)
    assert isinstance(last, Outcome)
    assert isinstance(bad, Exception)
    assert bank.account(A).balance == 2


async def test_a_unique_name_has_one_winner(log: Log, open_bank: Open) -> None:
    bank, other = open_bank(log), open_bank(log)
    outcomes = await asyncio.gather(
        *(one.do(Name(account=account, name="x")) for one in (bank, other) for account in (A, B))
    )
    assert sum(one.ok for one in outcomes) == 1


async def test_long_streams_come_back_from_their_snapshot(log: Log, open_bank: Open) -> None:
    bank = open_bank(log)
    for number in range(10):
        await bank.do(Note(account=A, note=str(number)))
    bank.snapshotter.stop()
    kept = log.snapshots([A])[A]
    assert kept.version == 8
    assert bank.account(A).notes == tuple(str(number) for number in range(10))


async def test_two_nodes_never_commit_on_a_state_that_never_was(log: Log, open_bank: Open) -> None:
    """Both accounts hold 1; each rule takes from one while the other still has some: only one may ever go through."""
    nodes = open_bank(log), open_bank(log)
    for number in range(30):
        a, b = f"acct_{number:026d}", f"acct_9{number:025d}"
        await asyncio.gather(*(nodes[0].do(Move(account=one, amount=1)) for one in (a, b)))
        outcomes = await asyncio.gather(
            nodes[0].do(WithdrawIfOther(account=a, other=b)),
            nodes[1].do(WithdrawIfOther(account=b, other=a)),
        )
        assert sum(one.ok for one in outcomes) == 1
        assert nodes[0].account(a).balance + nodes[0].account(b).balance == 1


async def test_the_tainted_part_of_a_group_is_decided_again(log: Log, open_bank: Open) -> None:
    """A node with a stale state decides a chain of commands on it; none may build on the one that falls."""
    stale, other = open_bank(log), open_bank(log)
    await stale.do(Move(account=A, amount=1))
    await other.do(Transfer(source=A, target="acct_" + "c" * 26, amount=1))
    outcomes = await asyncio.gather(
        stale.do(Transfer(source=A, target=B, amount=1)),  # stands on a balance that is gone
        stale.do(Transfer(source=B, target=A, amount=1)),  # stands on the former
        stale.do(Move(account="acct_" + "d" * 26, amount=3)),  # touches neither
    )
    assert [one.ok for one in outcomes] == [False, False, True]
    assert (stale.account(A).balance, stale.account(B).balance) == (0, 0)


async def test_many_nodes_transfer_and_no_money_is_made(log: Log, open_bank: Open) -> None:
    nodes = [open_bank(log) for _ in range(3)]
    streams = [f"acct_{number:026d}" for number in range(4)]
    for stream in streams:
        await nodes[0].do(Move(account=stream, amount=50))
    await asyncio.gather(
        *(
            node.do(Transfer(source=streams[turn % 4], target=streams[(turn + 1 + index) % 4], amount=1))
            for index, node in enumerate(nodes)
            for turn in range(60)
            if turn % 4 != (turn + 1 + index) % 4
        )
    )
    assert sum(nodes[0].account(stream).balance for stream in streams) == 200
    positions = [row.position for row in log.page(after=0, limit=5_000)]
    assert positions == list(range(1, len(positions) + 1))


class Doubtful:
    """A store whose connection breaks after, or before, some of its commits."""

    def __init__(self, log: Log, breaks: list[str]) -> None:
        self._log = log
        self._breaks = breaks

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def append(self, members: list[Member], *, now: int) -> list[MemberResult]:
        how = self._breaks.pop(0) if self._breaks else "well"
        if how == "before":
            raise OutcomeUnknown("broke before the commit")
        results = self._log.append(members, now=now)
        if how == "after":
            raise OutcomeUnknown("broke after the commit")
        return results


@pytest.mark.parametrize("breaks", [["before"], ["after"], ["after", "after", "before"]])
async def test_a_doubt_is_settled_by_the_receipt(log: Log, open_bank: Open, breaks: list[str]) -> None:
    bank = open_bank(Doubtful(log, list(breaks)))  # type: ignore[arg-type]
    outcomes = await asyncio.gather(*(bank.do(Move(account=A, amount=100)) for _ in range(5)))
    assert all(one.ok for one in outcomes)
    assert bank.account(A).balance == 500
    assert len(bank.account(A).notes) == 5
    assert (await bank.do(Move(account=A, amount=1))).ok
    assert [type(REGISTRY.read(row.type, row.state)) for row in log.events_of(A)].count(Moved) == 6
    assert Noted in {type(REGISTRY.read(row.type, row.state)) for row in log.events_of(A)}


class Leaving:
    """A memory log whose reads fail while it is away."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.away = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def events_of_many(self, wanted: list[tuple[str, int]]) -> object:
        if self.away:
            raise StoreUnavailable("away")
        return self._log.events_of_many(wanted)


class Watching:
    """What the hints were told."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.taken_back: list[str] = []

    def decided(self, places: Sequence[Written]) -> None:
        self.announced += [place[0] for place in places]

    def restored(self, stream: StreamId, state: Account) -> None:
        self.taken_back.append(stream)

    def committed(self, places: Sequence[Written], position: int) -> None:
        """Nothing of this is asked here."""


async def test_nothing_stays_announced_of_a_group_that_breaks_before_its_append() -> None:
    leaving, watching = Leaving(MemoryLog()), Watching()
    bank = Bank(leaving, watching)  # type: ignore[arg-type]
    bank.committer.start()
    await bank.do(Move(account=A, amount=1))
    leaving.away = True
    known, cold = await asyncio.gather(
        bank.do(Move(account=A, amount=1)), bank.do(Move(account=B, amount=1)), return_exceptions=True
    )
    assert isinstance(known, StoreUnavailable)
    assert isinstance(cold, StoreUnavailable)
    assert watching.announced == [A, A]
    assert watching.taken_back == [A]
    leaving.away = False
    assert (await bank.do(Move(account=A, amount=1))).ok
    assert bank.account(A).balance == 2
    await bank.committer.stop()
