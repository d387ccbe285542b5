"""Pools over long random histories, held to a naive model: units, labels, names, quotas, resizes, quarantine, order."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_pools import PoolShown
from domain.kernel.decider import Decision
from domain.kernel.message import Event
from domain.kernel.values import ScopeClaim
from domain.lock.commands import (
    AcceptLocks,
    AcquireLocks,
    BreakLocks,
    DescribePool,
    QuarantineMember,
    ReturnMember,
    SetPool,
    TransferLocks,
    WithdrawLockRequest,
)
from domain.lock.errors import LockConflict, LocksLimited
from domain.lock.events import LocksGranted, LocksRequested, PoolMember
from domain.session.commands import EndSession
from projections.kernel.replay import replay
from projections.kernel.rows import entries
from projections.pools.projection import POOLS
from projections.pools.rows import PoolRow
from tests.decisions.test_lock_waiting import PROJECT, SPACE, Fleet
from tests.support.pool_model import Pools, Units, Waiting, Want

STEPS = 1_500
STEPS_SOAKED = 100_000
NAMES, LABELS, AGENTS = ("gpu", "slot"), ("big", "fast"), 7


class History:
    """Random steps, each compared with the model as soon as it is done."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.fleet = Fleet()
        self.model = Pools()
        self.sessions = [self.fleet.open() for _ in range(AGENTS)]
        self.rows: dict[str, PoolRow] = {}
        self.seen = 0
        self.counted: dict[str, int] = {}
        for name in NAMES:
            self.resize(name)

    def step(self) -> None:
        """One thing that somebody does, and everything that must hold afterwards."""
        self.fleet.advance(1)
        choices: list[tuple[int, Callable[[], None]]] = [
            (8, self.acquire),
            (3, self.release),
            (1, lambda: self.resize(self.dice.choice(NAMES))),
            (1, self.quarantine),
            (3, self.give_back),
            (1, self.end),
            (1, self.withdraw),
            (1, self.transfer),
        ]
        act = self.dice.choices([one for _, one in choices], [weight for weight, _ in choices])[0]
        act()
        self.count(getattr(act, "__name__", "resize"))
        self.compare()

    def acquire(self) -> None:
        owner = self.dice.choice(self.sessions)
        holds = owner in {whose for whose, _ in self.model.held.values()}
        waits = self.dice.random() < 0.6 and not holds
        if any(one.owner == owner for one in self.model.queue) or (holds and self.model.queue):
            return  # whom others wait for may overtake them; that rule is held to a model of its own
        wants, key = self.wants(), self.dice.choice(("", "k1")) if waits else ""
        command = AcquireLocks(
            project=PROJECT,
            session=owner,
            incarnation=1,
            claims=tuple(ScopeClaim(claim=one.text()) for one in wants),
            wait="queue" if waits else "none",
            supersede_key=key,
        )
        decision = self.fleet.when(command, self.fleet.agent())
        if self.identical(owner, wants) is not None:
            assert isinstance(decision.answer, LockAnswer)
            assert decision.answer.outcome == "held", wants
            return
        if self.model.never(owner, wants):
            assert isinstance(decision.rejection, LocksLimited), wants
            self.count("never")
            return
        replaced = [one for one in self.model.queue if key and one.key == key]
        before = [one for one in self.model.queue if one not in replaced]
        at_once = not self.model.behind(wants, before) and self.model.possible(wants)
        self.count("at once" if at_once else "waiting" if waits else "conflict")
        self.count("superseded" if replaced else "alone")
        if not waits:
            assert isinstance(decision.rejection, LockConflict) != at_once, wants
        else:
            assert any(isinstance(one, LocksRequested) for one in in_space(decision)) != at_once, wants
            self.model.queue = before
        self.follow(decision, Waiting(0, owner, wants, key))

    def wants(self) -> tuple[Want, ...]:
        found: dict[str, Want] = {}
        for _ in range(self.dice.choice((1, 1, 1, 1, 2))):
            pool = self.dice.choice(NAMES)
            units = self.model.pools[pool]
            kind = self.dice.random()
            if kind < 0.3 and units.labels:
                named = tuple(
                    sorted(self.dice.sample(sorted(units.labels), min(len(units.labels), self.dice.choice((1, 2)))))
                )
                want = Want(pool, len(named), None, named)
            else:
                want = Want(pool, self.dice.choice((1, 1, 1, 2, 3)), self.dice.choice(LABELS) if kind < 0.7 else None)
            found[want.text()] = want
        return tuple(found.values())

    def identical(self, owner: str, wants: tuple[Want, ...]) -> int | None:
        """A session is answered with the grant that it has already, where it asks for just the same."""
        asked = {want.text() for want in wants}
        grants = self.fleet.states[SPACE].grants
        return next(
            (
                t
                for t, (who, _) in self.model.held.items()
                if who == owner and {c.claim for c in grants[t].claims} == asked
            ),
            None,
        )

    def release(self) -> None:
        if not self.model.held:
            return
        token = self.dice.choice(sorted(self.model.held))
        owner, _ = self.model.held[token]
        if self.dice.random() < 0.15:
            broken = BreakLocks(project=PROJECT, token=str(token), reason="the test")
            decision = self.fleet.when(broken, self.fleet.stamp(PROJECT, "key_person"))
        else:
            decision = self.fleet.release(owner, str(token))
        del self.model.held[token]
        self.follow(decision)

    def resize(self, name: str) -> None:
        labels = {
            f"m{n}": frozenset(self.dice.sample(LABELS, self.dice.randint(0, 2)))
            for n in range(self.dice.randint(2, 6))
        }
        quota = self.dice.choice((None, None, 2))
        members = tuple(PoolMember(name=one, labels=tuple(sorted(has))) for one, has in labels.items())
        command = SetPool(project=PROJECT, pool=name, members=members, quota=quota)
        decision = self.fleet.when(command, self.fleet.stamp(PROJECT, "key_person"))
        shut = self.model.pools[name].shut & set(labels) if name in self.model.pools else set()
        self.model.pools[name] = Units(labels, quota, shut)
        self.follow(decision)

    def quarantine(self) -> None:
        name = self.dice.choice(NAMES)
        member = self.dice.choice(sorted(self.model.pools[name].labels))
        command = QuarantineMember(project=PROJECT, pool=name, member=member, reason="hot")
        decision = self.fleet.when(command, self.fleet.stamp(PROJECT, "key_person"))
        self.model.pools[name].shut.add(member)
        self.follow(decision)

    def give_back(self) -> None:
        name = self.dice.choice(NAMES)
        member = self.dice.choice(sorted(self.model.pools[name].labels))
        command = ReturnMember(project=PROJECT, pool=name, member=member)
        decision = self.fleet.when(command, self.fleet.stamp(PROJECT, "key_person"))
        self.model.pools[name].shut.discard(member)
        self.follow(decision)

    def end(self) -> None:
        place = self.dice.randrange(len(self.sessions))
        gone = self.sessions[place]
        decision = self.fleet.when(EndSession(session=gone, incarnation=1), self.fleet.stamp(principal="key_agent"))
        self.model.queue = [one for one in self.model.queue if one.owner != gone]
        self.model.held = {token: one for token, one in self.model.held.items() if one[0] != gone}
        self.sessions[place] = self.fleet.open()
        self.follow(decision)

    def withdraw(self) -> None:
        if not self.model.queue:
            return
        one = self.dice.choice(self.model.queue)
        command = WithdrawLockRequest(project=PROJECT, session=one.owner, incarnation=1, request=str(one.number))
        decision = self.fleet.when(command, self.fleet.agent())
        self.model.queue.remove(one)
        self.follow(decision)

    def transfer(self) -> None:
        idle = [one for one in self.sessions if all(one != waits.owner for waits in self.model.queue)]
        if not self.model.held or not idle:
            return
        token = self.dice.choice(sorted(self.model.held))
        owner, taken = self.model.held[token]
        receiver = self.dice.choice(idle)
        command = TransferLocks(project=PROJECT, session=owner, incarnation=1, token=str(token), receiver=receiver)
        answer = self.fleet.when(command, self.fleet.agent()).answer
        if not isinstance(answer, LockAnswer):
            return
        accept = AcceptLocks(project=PROJECT, session=receiver, incarnation=1, token=answer.token or "")
        self.fleet.when(accept, self.fleet.agent())
        del self.model.held[token]
        self.model.held[int(answer.token or 0)] = (receiver, taken)

    def follow(self, decision: Decision, asked: Waiting | None = None) -> None:
        """The grants of the decision, each held to the rule at its place in the order; ``asked`` is what began it."""
        for event in in_space(decision):
            if isinstance(event, LocksRequested):
                assert asked is not None
                self.model.queue.append(replace(asked, number=event.request))
            elif isinstance(event, LocksGranted):
                numbers = [one.number for one in self.model.queue]
                place = len(numbers) if event.request is None else numbers.index(event.request)
                served = asked if event.request is None else self.model.queue[place]
                assert served is not None
                taken = frozenset((one.pool, unit) for one in event.members for unit in one.members)
                assert all(unit in self.model.free(pool) for pool, unit in taken), event
                assert self.model.suits(served.wants, taken), event
                assert not self.model.behind(served.wants, self.model.queue[:place]), event
                self.model.queue = [one for one in self.model.queue if one.number != event.request]
                self.model.held[event.token] = (served.owner, taken)
                self.count("handed on" if event.request else "taken")

    def compare(self) -> None:
        """Nothing is held twice, nobody waits in vain, and both ways of asking tell what the model knows."""
        assert self.model.grantable() == []
        replay(POOLS, self.fleet.log[self.seen :], self.rows)
        self.seen = len(self.fleet.log)
        for name, units in self.model.pools.items():
            row = self.rows[f"{SPACE}/{name}"]
            taken = {
                unit: (token, who) for token, (who, all_) in self.model.held.items() for of, unit in all_ if of == name
            }
            own = set(units.labels)
            waits = [one for one in self.model.queue if name in {want.pool for want in one.wants}]
            asked = sum(want.quantity for one in waits for want in one.wants if want.pool == name)
            assert (row.quantity, row.free, row.taken) == (len(own), len(self.model.free(name)), len(own & set(taken)))
            assert (row.quarantined, row.draining) == (len(units.shut), len(set(taken) - own))
            assert (row.waiting, row.waiting_units, row.quota) == (len(waits), asked, units.quota)
            assert {one["name"]: (one["token"], one["session"]) for one in entries(row.members)} == {
                one: (str(taken[one][0]), taken[one][1]) if one in taken else (None, None) for one in own | set(taken)
            }
            answer: Any = self.fleet.when(DescribePool(project=PROJECT, pool=name), self.fleet.agent()).answer
            assert isinstance(answer, PoolShown)
            assert answer.free == row.free

    def count(self, what: str) -> None:
        self.counted[what] = self.counted.get(what, 0) + 1


def in_space(decision: Decision) -> list[Event]:
    return [event for write in decision.writes if write.stream == SPACE for event in write.events]


def run(steps: int, seed: int) -> dict[str, int]:
    history = History(seed)
    for number in range(steps):
        try:
            history.step()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {number}") from error
    return history.counted


def test_pools_do_what_the_book_says() -> None:
    counted = run(STEPS, 1)
    for what in ("never", "conflict", "taken", "waiting", "superseded", "handed on", "at once", "transfer"):
        assert counted[what] > 3, counted


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_pools_do_what_the_book_says_for_very_long() -> None:
    for seed in range(STEPS_SOAKED // 10_000):
        run(10_000, 100 + seed)
