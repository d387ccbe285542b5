"""The queue of a lock space against a naive model of it, over long random histories."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from domain.dispatch import lock_move, lock_transfer
from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant
from domain.kernel.values import ScopeClaim
from domain.lock.coverage import coverage_of
from domain.lock.decider import LOCKS, grant, linger, next_token, release
from domain.lock.entries import Owner
from domain.lock.errors import AlreadyWaiting, Deadlock, LockConflict
from domain.lock.events import (
    LocksDowngraded,
    LocksGranted,
    LocksLingered,
    LocksRequested,
    LocksTransferred,
    LockTransferAccepted,
)
from domain.lock.evolve import evolve
from domain.lock.requesting import Terms, enqueue, hand_on, in_the_way_of, withdraw
from domain.lock.state import LockSpace
from domain.session.errors import LocksInsideFamily
from tests.support.queue_model import Claim, HeldLocks, QueueModel, Request, Who, above

SEGMENTS = ("a", "b", "ab", "c", "a", "b", "ab", "c", "*", "a*", "?b", "**")
MODES = ("intent", "shared", "shared", "update", "exclusive", "exclusive", "exclusive")
BOOSTS = (0, 0, 0, 30, 300, 3_600)
STRENGTH = ("intent", "shared", "update", "exclusive")
SESSIONS = ("s1", "s2", "s3", "s4")
WHO: tuple[Who, ...] = tuple((session, task) for session in SESSIONS for task in (None, f"{session}t1", f"{session}t2"))


class Histories:
    """Both sides of one history; every step is taken by both and compared."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.space: LockSpace = LOCKS.initial
        self.model = QueueModel()
        self.now = 1_000 * SECOND
        self.offers: dict[int, Who] = {}
        """Token of what was handed over and not accepted yet -> who gave it."""
        self.deadlocks = self.grants_after_waiting = self.overtakings = self.conflicts = 0
        self.transfers = self.transfers_refused = self.reverts = 0
        self.moves = self.moves_torn = self.moves_endless = self.upgrades = self.downgrades = 0

    def step(self) -> None:
        self.now += self.chance.randrange(0, 40) * SECOND
        choice = self.chance.random()
        if choice < 0.5 and len(self.model.waiting) < 10:
            self.ask_and_wait()
        elif choice < 0.54:
            self.upgrade()
        elif choice < 0.56:
            self.downgrade()
        elif choice < 0.6:
            self.move()
        elif choice < 0.7:
            self.ask_at_once()
        elif choice < 0.87:
            self.give_back()
        elif choice < 0.9:
            self.hand_over()
        elif choice < 0.92:
            self.answer_offer()
        elif choice < 0.96:
            self.give_up()
        else:
            self.lose()
        self.settle()
        self.compare()

    def claims(self) -> tuple[Claim, ...]:
        count = self.chance.choice((1, 1, 1, 2, 3))
        found: dict[str, str] = {}
        for _ in range(count):
            parts = [self.chance.choice(SEGMENTS) for _ in range(self.chance.choice((1, 2, 2)))]
            if parts.count("**") < 2:
                found["/".join(parts)] = self.chance.choice(MODES)
        return tuple(found.items()) or (("a", "exclusive"),)

    def ask_and_wait(self) -> None:
        who, claims, boost = self.chance.choice(WHO), self.claims(), self.chance.choice(BOOSTS)
        if self.chance.random() < 0.4:
            who, claims = self.crossed() or (who, claims)
        self.queue(who, claims, boost)

    def queue(self, who: Who, claims: tuple[Claim, ...], boost: int = 0, replaces: int = 0) -> None:
        answer = enqueue(
            self.space,
            self.owner_of(who),
            scope(claims),
            purpose="",
            at=Instant(self.now),
            boost_seconds=boost,
            terms=Terms(replaces=replaces or None),
        )
        if any(one.who == who for one in self.model.waiting):
            assert isinstance(answer, AlreadyWaiting)
            return
        number = self.space.last_request + 1
        request = Request(number, who, claims, (self.now - boost * SECOND, number), replaces)
        if self.model.deadlocked(request):
            assert isinstance(answer, Deadlock), (answer, request)
            self.check_circle(answer, who)
            self.deadlocks += 1
            return
        assert isinstance(answer, LocksRequested), answer
        self.space = evolve(self.space, answer)
        self.model.waiting.append(request)
        blocked = bool(self.model.edges()[number])
        assert bool(in_the_way_of(self.space, number)) is blocked

    def crossed(self) -> tuple[Who, tuple[Claim, ...]] | None:
        """Somebody who is waited for, and what one of those holds who wait: asking so may close a circle."""
        pairs = [
            (held.who, theirs.claims[:1])
            for request in self.model.waiting
            for held in self.model.holders_in_the_way(request)
            for theirs in self.model.held
            if theirs.who == request.who and not held.orphan and not theirs.orphan
        ]
        return self.chance.choice(pairs) if pairs else None

    def check_circle(self, answer: Deadlock, who: Who) -> None:
        assert answer.steps[0].waiter == self.owner_of(who).name == answer.steps[-1].holder
        for step, following in zip(answer.steps, answer.steps[1:], strict=False):
            assert step.holder == following.waiter
        assert all(int(step.token) in self.space.grants for step in answer.steps)

    def ask_at_once(self) -> None:
        who, claims = self.chance.choice(WHO), self.claims()
        session, task = who
        answer = grant(
            self.space,
            era=1,
            session=session,
            incarnation=1,
            task=task,
            claims=scope(claims),
            purpose="",
            at=Instant(self.now),
            ancestors=around(session, self.model.parents),
        )
        request = Request(10**9, who, claims, (self.now, 10**9))
        free = not self.model.but(self.model.held, [*self.model.waiting, request]).edges()[10**9]
        if not free:
            assert isinstance(answer, LockConflict)
            self.conflicts += 1
            return
        held = HeldLocks(0, who, claims)
        if not self.model.but([*self.model.held, held], self.model.waiting).drains():
            assert isinstance(answer, Deadlock)
            self.deadlocks += 1
            return
        self.take(answer, held)

    def take(self, answer: LocksGranted | Rejection, held: HeldLocks) -> None:
        assert isinstance(answer, LocksGranted), answer
        assert answer.token > self.space.last_token
        self.space = evolve(self.space, answer)
        self.model.held.append(HeldLocks(answer.token, held.who, held.claims))

    def own(self) -> list[HeldLocks]:
        """What is held and nobody has to answer for."""
        return [one for one in self.model.held if not one.orphan and one.token not in self.offers]

    def upgrade(self) -> None:
        """A holder asks for more on what it has, and keeps it until then."""
        if not self.own():
            return
        one, mode = self.chance.choice(self.own()), self.chance.choice(STRENGTH)
        stronger = tuple((pattern, max(had, mode, key=STRENGTH.index)) for pattern, had in one.claims)
        if stronger != one.claims:
            self.queue(one.who, stronger, replaces=one.token)
            self.upgrades += 1

    def downgrade(self) -> None:
        """A holder gives up rights, under the same token."""
        if not self.own():
            return
        one, mode = self.chance.choice(self.own()), self.chance.choice(STRENGTH[:3])
        self.fold((LocksDowngraded(token=one.token, mode=mode, at=Instant(self.now)),))  # type: ignore[arg-type]
        weaker = tuple((pattern, min(had, mode, key=STRENGTH.index)) for pattern, had in one.claims)
        self.downgrades += weaker != one.claims
        one.claims = weaker

    def move(self) -> None:
        """A session, and whoever stands below it, moves to below another one, or to the top."""
        session, parent = self.chance.choice(SESSIONS), self.chance.choice((None, *SESSIONS))
        parents = {child: one for child, one in self.model.parents.items() if child != session}
        if parent is not None:
            if session in (parent, *above(parent, parents)):
                return
            parents[session] = parent
        family = {one for one in SESSIONS if one == session or session in above(one, parents)}
        families = {(one, 1): around(one, parents) for one in family}
        answer = lock_move.moved_in(self.space, session, families, Instant(self.now))
        moved = QueueModel(self.model.held, self.model.waiting, parents)
        live = [one for one in self.model.held if not one.orphan]
        if any(
            moved.collide(one.who, one.claims, other.who, other.claims, False)
            and moved.collide(other.who, other.claims, one.who, one.claims, False)
            for one in live
            for other in live
            if one.who[0] in family and other.who[0] not in family
        ):
            assert isinstance(answer, LocksInsideFamily)
            self.moves_torn += 1
        elif not moved.drains():
            assert isinstance(answer, Deadlock)
            self.moves_endless += 1
        else:
            assert not isinstance(answer, Rejection), answer
            if answer is not None:
                self.fold((answer,))
            self.model = moved
            self.moves += 1

    def give_back(self) -> None:
        live = [one for one in self.model.held if not one.orphan]
        if len(live) > self.chance.randrange(6):
            one = self.chance.choice(live)
            self.fold(release(self.space, one.token, "released", Instant(self.now)))
            self.model.held.remove(one)

    def give_up(self) -> None:
        if self.model.waiting:
            one = self.chance.choice(self.model.waiting)
            self.fold(withdraw(self.space, one.number, "withdrawn", Instant(self.now)))
            self.model.waiting.remove(one)

    def lose(self) -> None:
        """An owner is gone, or the delay of one that went before is over."""
        if not self.model.held:
            return
        one = self.chance.choice(self.model.held)
        if one.orphan:
            self.fold(release(self.space, one.token, "lock_delay_over", Instant(self.now + 10**9)))
            self.model.held.remove(one)
            return
        (event,) = linger(self.space, one.token, "lost", Instant(self.now + 1), Instant(self.now))
        assert isinstance(event, LocksLingered)
        self.fold((event,))
        one.orphan = True

    def hand_over(self) -> None:
        """A holder gives what it has to another session, past the queue."""
        live = [one for one in self.model.held if not one.orphan and one.token not in self.offers]
        if not live:
            return
        one = self.chance.choice(live)
        to = (self.chance.choice([session for session, _ in WHO if session != one.who[0]]), None)
        grant = self.space.grants[one.token]
        event = LocksTransferred(
            token=one.token,
            successor=next_token(self.space, 1),
            session=to[0],
            incarnation=1,
            ancestors=around(to[0], self.model.parents),
            accept_until=Instant(self.now + 60 * SECOND),
            at=Instant(self.now),
            claims=grant.claims,
        )
        after, given = evolve(self.space, event), SimpleNamespace(grant=grant, space=self.space)
        refusal = lock_transfer._hindered(given, self.owner_of(to), after, SimpleNamespace(time=self.now))  # type: ignore[arg-type]
        others = [other for other in self.model.held if other is not one]
        moved = HeldLocks(event.successor, to, one.claims)
        if any(self.model.collide(other.who, other.claims, to, one.claims, other.orphan) for other in others):
            assert isinstance(refusal, LockConflict)
        elif not self.model.but([*others, moved], self.model.waiting).drains():
            assert isinstance(refusal, Deadlock)
        else:
            assert refusal is None, refusal
            self.space, self.model.held = after, [*others, moved]
            self.offers[moved.token] = one.who
            self.transfers += 1
            return
        self.transfers_refused += 1

    def answer_offer(self) -> None:
        """The receiver keeps what it was given, or does not answer."""
        open_ = [one for one in self.model.held if one.token in self.offers and not one.orphan]
        if not open_:
            return
        one = self.chance.choice(open_)
        giver = self.offers.pop(one.token)
        if self.chance.random() < 0.5:
            self.fold((LockTransferAccepted(token=one.token, at=Instant(self.now)),))
            return
        self.reverts += 1
        others = [other for other in self.model.held if other is not one]
        back = lock_transfer.reverted(self.space, one.token, 1, Instant(self.now))
        barred = any(self.model.collide(other.who, other.claims, giver, one.claims, other.orphan) for other in others)
        if barred or not self.model.but([*others, HeldLocks(0, giver, one.claims)], self.model.waiting).drains():
            assert back is None
            self.fold(linger(self.space, one.token, "reverted", Instant(self.now), Instant(self.now)))
            self.model.held = others
        else:
            assert back is not None
            self.fold((back,))
            self.model.held = [*others, HeldLocks(back.successor, giver, one.claims)]

    def settle(self) -> None:
        """Grants in key order until nothing changes, the same ones on both sides."""
        while (granted := hand_on(self.space, 1, Instant(self.now))) is not None:
            expected = self.model.grantable()
            assert expected is not None
            assert granted.request == expected.number
            self.check_overtaking(expected)
            self.model.waiting.remove(expected)
            self.model.held = [one for one in self.model.held if one.token != expected.replaces]
            self.take(granted, HeldLocks(0, expected.who, expected.claims))
            self.grants_after_waiting += 1
        assert self.model.grantable() is None, "a request that nothing blocks was left waiting"

    def check_overtaking(self, granted: Request) -> None:
        """Whoever is overtaken has a larger key, or waits for the one that goes first."""
        edges = self.model.edges()
        for other in self.model.waiting:
            if other.key < granted.key and self.model.collide(
                other.who, other.claims, granted.who, granted.claims, False
            ):
                assert self.model.reaches(edges, other.who, granted.who)
                self.overtakings += 1

    def fold(self, events: tuple[Any, ...]) -> None:
        assert len(events) == 1
        self.space = evolve(self.space, events[0])

    def owner_of(self, who: Who) -> Owner:
        return Owner(who[0], 1, who[1], around(who[0], self.model.parents))

    def compare(self) -> None:
        assert set(self.space.grants) == {one.token for one in self.model.held}
        assert set(self.space.waiters) == {one.number for one in self.model.waiting}
        for place, one in enumerate(self.model.held):
            for other in self.model.held[place + 1 :]:
                if not one.orphan and not other.orphan:
                    both = self.model.collide(one.who, one.claims, other.who, other.claims, False)
                    assert not (both and self.model.collide(other.who, other.claims, one.who, one.claims, False))
        assert self.model.drains(), "the queue could not be emptied"

    def compare_coverage(self) -> None:
        """What was kept step by step is what would be computed anew."""
        kept, again = self.space.coverage, coverage_of(self.space.grants, self.space.waiters)
        assert kept == again


def around(session: str, parents: dict[str, str]) -> tuple[str, ...]:
    """Names of the sessions above and of all their attempts."""
    lives = [f"{one}#1" for one in above(session, parents)]
    return tuple(name for life in lives for name in (f"{life[:2]}t1@{life}", f"{life[:2]}t2@{life}", life))


def scope(claims: tuple[Claim, ...]) -> tuple[ScopeClaim, ...]:
    return tuple(ScopeClaim(claim=f"path:r//{pattern}", mode=mode) for pattern, mode in claims)  # type: ignore[arg-type]


def run(seed: int, steps: int) -> Histories:
    histories = Histories(seed)
    for number in range(steps):
        histories.step()
        if number % 20 == 0:
            histories.compare_coverage()
    return histories


def test_the_queue_is_the_one_of_the_naive_model() -> None:
    histories = [run(seed, 500) for seed in range(5)]
    assert sum(one.grants_after_waiting for one in histories) > 150
    assert sum(one.conflicts for one in histories) > 150
    assert sum(one.overtakings for one in histories) > 25
    assert sum(one.deadlocks for one in histories) > 10
    assert sum(one.transfers for one in histories) > 10
    assert sum(one.transfers_refused for one in histories) > 5
    assert sum(one.reverts for one in histories) > 3
    assert sum(one.moves for one in histories) > 10
    assert sum(one.moves_torn for one in histories) > 3
    assert sum(one.upgrades for one in histories) > 10
    assert sum(one.downgrades for one in histories) > 3


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_the_queue_is_the_one_of_the_naive_model_over_a_hundred_thousand_steps() -> None:
    histories = [run(seed, 1_000) for seed in range(1_000, 1_100)]
    assert sum(one.overtakings for one in histories) > 1_000
    assert sum(one.deadlocks for one in histories) > 200
