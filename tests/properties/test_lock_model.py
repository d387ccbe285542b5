"""The lock space against a naive model that shares none of its code: brute-force overlap, a plain list of grants."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.kernel.ids import Instant
from domain.kernel.values import LockMode, ScopeClaim
from domain.lock.coverage import coverage_of
from domain.lock.decider import LOCKS, could_grant, grant, linger, release
from domain.lock.errors import LockConflict
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from domain.lock.evolve import evolve
from domain.lock.state import LockSpace

SEGMENTS = ("a", "b", "ab", "*", "a*", "*b", "?", "**")
SESSIONS = ("s1", "s2")
TASKS = (None, "t1", "t2")
DEPTH = 5
"""Three segments, and two more below them that only a pattern which begins with `**` asks for."""
WORLD = tuple(
    "/".join(names) for depth in range(1, DEPTH + 1) for names in product(("a", "b", "ab", "c"), repeat=depth)
)
"""Every path that can tell two of these patterns apart."""


@cache
def covered(pattern: str) -> frozenset[str]:
    """The paths of the small world that a claim covers, by a regular expression of its own."""
    parts = pattern.split("/")
    text = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            text += "[^/]+(/[^/]+)*" if last else "([^/]+/)*"
            continue
        text += re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + ("" if last else "/")
    match = re.compile(f"{text}(/.*)?")
    return frozenset(path for path in WORLD if match.fullmatch(path))


@cache
def meet(one: str, other: str) -> bool:
    """Whether both claims cover some path."""
    return not covered(one).isdisjoint(covered(other))


@dataclass
class Held:
    """A grant as the model knows it."""

    token: int
    session: str
    task: str | None
    claims: tuple[tuple[str, LockMode], ...]
    until: int | None = None


def clash(held: Held, session: str, task: str | None, claims: tuple[tuple[str, LockMode], ...]) -> bool:
    """Whether the grant forbids the request, straight from the words of the contract."""
    for pattern, mode in claims:
        for other, other_mode in held.claims:
            if not meet(pattern, other) or mode == other_mode == "shared":
                continue
            if held.until is not None or held.session != session:
                return True
            siblings = held.task is not None and task is not None and held.task != task
            ancestor_writes = held.task is not None and task is None and mode == other_mode == "exclusive"
            if siblings or ancestor_writes:
                return True
    return False


patterns = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3).map("/".join).filter(lambda p: "**/**" not in p)
requests = st.lists(st.tuples(patterns, st.sampled_from(("shared", "exclusive"))), min_size=1, max_size=3).map(tuple)


def strongest(claims: tuple[tuple[str, LockMode], ...]) -> tuple[tuple[str, LockMode], ...]:
    modes: dict[str, LockMode] = {}
    for pattern, mode in claims:
        modes[pattern] = "exclusive" if mode == "exclusive" or modes.get(pattern) == "exclusive" else "shared"
    return tuple(modes.items())


class LockModel(RuleBasedStateMachine):
    """Random requests, releases, losses and ends of delays; both sides have to agree after each."""

    def __init__(self) -> None:
        super().__init__()
        self.space: LockSpace = LOCKS.initial
        self.held: list[Held] = []
        self.tokens: list[int] = []
        self.era = 1
        self.now = 1_000

    def _evolve(self, events: tuple[Any, ...]) -> None:
        for event in events:
            self.space = evolve(self.space, event)

    @rule(asks=st.lists(st.tuples(st.sampled_from(SESSIONS), st.sampled_from(TASKS), requests), min_size=1, max_size=8))
    def ask(self, asks: list[tuple[str, str | None, tuple[tuple[str, LockMode], ...]]]) -> None:
        for session, task, claims in asks:
            self._ask(session, task, claims)

    def _ask(self, session: str, task: str | None, claims: tuple[tuple[str, LockMode], ...]) -> None:
        wanted = tuple(ScopeClaim(claim=f"path:r//{pattern}", mode=mode) for pattern, mode in claims)
        blockers = [held for held in self.held if clash(held, session, task, claims)]
        newcomer = any(clash(held, session, "a task of its own", claims) for held in self.held)
        assert could_grant(self.space, wanted, session, 1) is not newcomer
        answer = grant(
            self.space,
            era=self.era,
            session=session,
            incarnation=1,
            task=task,
            claims=wanted,
            purpose="",
            at=Instant(self.now),
        )
        if blockers:
            assert isinstance(answer, LockConflict)
            self._check_blockers(answer, blockers)
            return
        assert isinstance(answer, LocksGranted)
        self.tokens.append(answer.token)
        self._evolve((answer,))
        self.held.append(Held(answer.token, session, task, strongest(claims)))

    def _check_blockers(self, answer: LockConflict, blockers: list[Held]) -> None:
        told = {(blocker.session, blocker.task, blocker.lingers_until) for blocker in answer.blockers}
        assert told <= {(held.session, held.task, held.until) for held in blockers}
        for blocker in answer.blockers:
            mine, theirs = (text.removeprefix("path:r//") for text in (blocker.wanted, blocker.held))
            # A witness may use letters outside the small world; what is inside has to be covered by both.
            assert blocker.witness not in WORLD or blocker.witness in covered(mine) & covered(theirs)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        events = release(self.space, held.token, "completed", Instant(self.now))
        if held.until is not None:
            assert events == ()
            return
        assert len(events) == 1
        self._evolve(events)
        self.held.remove(held)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.integers(0, 5))
    def lose(self, data: st.DataObject, delay: int) -> None:
        held = data.draw(st.sampled_from(self.held))
        events = linger(self.space, held.token, "lost", Instant(self.now + delay), Instant(self.now))
        if held.until is not None:
            assert events == ()
            return
        (event,) = events
        self._evolve(events)
        if delay == 0:
            assert isinstance(event, LocksReleased)
            self.held.remove(held)
        else:
            assert isinstance(event, LocksLingered)
            held.until = event.until

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def end_delay(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.held))
        events = release(self.space, held.token, "lock_delay_over", Instant(self.now))
        if held.until is not None:
            assert release(self.space, held.token, "lock_delay_over", Instant(held.until - 1)) == ()
            assert release(self.space, held.token, "lock_delay_over", Instant(held.until)) != ()
        over = held.until is not None and self.now >= held.until
        assert bool(events) is over
        self._evolve(events)
        if over:
            self.held.remove(held)

    @rule(ticks=st.integers(1, 4))
    def wait(self, ticks: int) -> None:
        self.now += ticks

    @rule()
    def restore(self) -> None:
        """A restore from backup raises the log era."""
        self.era += 1

    @invariant()
    def both_hold_the_same(self) -> None:
        found = {
            token: (kept.session, kept.task, kept.lingers_until, {(one.claim, one.mode) for one in kept.claims})
            for token, kept in self.space.grants.items()
        }
        assert found == {
            held.token: (
                held.session,
                held.task,
                held.until,
                {(f"path:r//{pattern}", mode) for pattern, mode in held.claims},
            )
            for held in self.held
        }

    @invariant()
    def tokens_rise_and_belong_to_their_era(self) -> None:
        assert all(one < other for one, other in zip(self.tokens, self.tokens[1:], strict=False))
        assert self.space.last_token == (self.tokens[-1] if self.tokens else 0)

    @invariant()
    def no_two_owners_write_the_same(self) -> None:
        for place, one in enumerate(self.held):
            for other in self.held[place + 1 :]:
                if one.session != other.session or (one.task and other.task and one.task != other.task):
                    assert not clash(one, "somebody else", None, other.claims)

    @invariant()
    def the_coverage_is_that_of_the_grants(self) -> None:
        kept, again = self.space.coverage, coverage_of(self.space.grants, self.space.waiters)
        assert (kept.claims, kept.by_session) == (again.claims, again.by_session)
        assert kept.index == again.index


LockModel.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestLockModel = LockModel.TestCase
