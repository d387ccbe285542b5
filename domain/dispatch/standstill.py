"""Waits that go round through needs, parts, scopes and agents, so that nothing in them ever moves (locks.md 7).

A circle of locks alone is refused when it would close. One that passes through tasks closes without anybody asking for
a lock, so it is found by looking: everything that waits, what it waits for, and whether any of that can still move.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, assert_never

from domain.kernel.ids import Instant
from domain.kernel.message import Message
from domain.kernel.values import ScopeClaim
from domain.lock.blocking import Obstacle, grants_in_the_way, obstacles, wishes_of
from domain.lock.entries import Grant, Owner, Waiter, Wish, wishes_in
from domain.lock.overlap import StepBudget
from domain.lock.state import LockSpace

STANDSTILLS_MAX: Final = 50
STEPS_MAX: Final = 32
"""Steps of a circle that are told."""
Because = Literal["need", "part", "scope", "lock", "agent"]


class Work(NamedTuple):
    """An unsettled task, as far as it matters for what waits for what."""

    task: str
    key: str
    since: Instant
    """When it came to be as it is."""
    live: bool
    """Whether a session works on it."""
    claimable: bool
    """Whether it waits for nothing but somebody to take it."""
    session: str
    incarnation: int
    parent: str | None
    scope: tuple[ScopeClaim, ...]
    needs: tuple[str, ...]
    """Unmet ones, by id."""


class StandstillStep(Message):
    """One thing that waits, and for what."""

    waiter: str
    """Id of a task, or a life of a session: ``session#incarnation``."""
    because: Because
    words: str
    holder: str
    """What it waits for: the next waiter."""


class Standstill(Message):
    """Things that wait for each other in a circle."""

    since: Instant
    """When the last of the waits began."""
    summary: str
    resolve: str
    steps: tuple[StandstillStep, ...]


class _Wait(NamedTuple):
    """Something cannot move before one of these has."""

    because: Because
    upon: tuple[str, ...]
    what: str
    since: Instant


def standstills(works: Sequence[Work], space: LockSpace) -> tuple[Standstill, ...]:
    """Every circle of waits among unsettled tasks of a project and its lock space, at most 50."""
    waits = _Waits(works, space).all()
    stuck = _stuck(waits)
    held_up = {name: [one for one in waits[name] if set(one.upon) <= stuck] for name in sorted(stuck)}
    names = {work.task: work.key for work in works}
    circles = _circles({name: [to for one in found for to in one.upon] for name, found in held_up.items()})
    return tuple(_told(circle, held_up, names) for circle in circles[:STANDSTILLS_MAX])


class _Waits:
    """Who waits for what, by the name of a task or of a life."""

    def __init__(self, works: Sequence[Work], space: LockSpace) -> None:
        self._works = works
        self._space = space
        self._budget = StepBudget()
        self._known = {work.task: work for work in works}

    def all(self) -> dict[str, list[_Wait]]:
        """Everything that waits for something."""
        found: dict[str, list[_Wait]] = {}
        for work in self._works:
            waits = [*self._of_plan(work), *(self._of_scope(work) if work.claimable else ())]
            found.setdefault(work.task, []).extend(waits)
            if work.parent in self._known:
                part = _Wait("part", (work.task,), work.key, work.since)
                found.setdefault(str(work.parent), []).append(part)
        for number in sorted(self._space.waiters):
            waiter = self._space.waiters[number]
            found.setdefault(_name(waiter.owner), []).extend(self._of_request(waiter))
        for work in self._works:
            life = Owner(work.session, work.incarnation, None).name
            if work.live and life in found:
                found[work.task].append(_Wait("agent", (life,), life, work.since))
        return {name: waits for name, waits in found.items() if waits}

    def _of_plan(self, work: Work) -> Iterable[_Wait]:
        known = (self._known[need] for need in work.needs if need in self._known)
        return (_Wait("need", (need.task,), need.key, work.since) for need in known)

    def _of_scope(self, work: Work) -> Iterable[_Wait]:
        wishes = wishes_of(work.scope, self._space)
        if not isinstance(wishes, tuple) or not wishes:
            return ()
        found = grants_in_the_way(self._space, Owner("", 0, work.task), wishes, self._budget)
        return self._grouped("scope", found, wishes, work.since) if isinstance(found, list) else ()

    def _of_request(self, waiter: Waiter) -> Iterable[_Wait]:
        wishes = tuple(wishes_in(waiter.claims))
        found = obstacles(self._space, waiter, wishes, self._budget)
        return self._grouped("lock", found, wishes, waiter.at) if isinstance(found, list) else ()

    def _grouped(
        self, because: Because, found: Sequence[Obstacle], wishes: Sequence[Wish], since: Instant
    ) -> Iterable[_Wait]:
        """Each lock has to open; of a pool it is enough that one holder gives back."""
        for wish in wishes:
            mine = [one.holder for one in found if one.wish == wish and not _passes(one.holder)]
            names = tuple(dict.fromkeys(_name(holder.owner) for holder in mine))
            groups = [names] if wish.resource.kind == "pool" and names else [(name,) for name in names]
            begun = max([since, *(holder.at for holder in mine)])
            yield from (_Wait(because, group, wish.resource.text, begun) for group in groups)


def _passes(holder: Grant | Waiter) -> bool:
    """Whether it goes by time, or by a person who is told of it anyway."""
    return isinstance(holder, Grant) and holder.is_orphaned


def _name(owner: Owner) -> str:
    return owner.name if owner.task is None else owner.task


def _stuck(waits: Mapping[str, Sequence[_Wait]]) -> set[str]:
    """What can never move: the largest set of which each waits for something that only others of it could give.

    Each wait is looked at once for every thing that would end it, however long the chains are that lead to it.
    """
    stuck = set(waits)
    open_waits: dict[str, int] = {}
    ended_by: dict[str, list[tuple[str, int]]] = {}
    for name, found in waits.items():
        held = [number for number, one in enumerate(found) if stuck.issuperset(one.upon)]
        open_waits[name] = len(held)
        for number in held:
            for upon in set(found[number].upon):
                ended_by.setdefault(upon, []).append((name, number))
    moving = [name for name, number in open_waits.items() if not number]
    ended: set[tuple[str, int]] = set()
    while moving:
        name = moving.pop()
        stuck.discard(name)
        for wait in ended_by.get(name, ()):
            if wait not in ended:
                ended.add(wait)
                open_waits[wait[0]] -= 1
                if not open_waits[wait[0]]:
                    moving.append(wait[0])
    return stuck


def _circles(graph: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """One circle for each knot, found by walking on until a place comes again; every place has a way on."""
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in graph:
        path: dict[str, None] = {}
        place = start
        while place not in path and place not in seen:
            path[place] = None
            place = graph[place][0]
        if place in path:
            walked = list(path)
            found.append(tuple(walked[walked.index(place) :]))
        seen |= set(path)
    return found


def _told(circle: tuple[str, ...], held_up: Mapping[str, Sequence[_Wait]], names: Mapping[str, str]) -> Standstill:
    steps: list[StandstillStep] = []
    since = Instant(0)
    for place, waiter in enumerate(circle):
        holder = circle[(place + 1) % len(circle)]
        wait = next(one for one in held_up[waiter] if holder in one.upon)
        since = Instant(max(since, wait.since))
        words = _words(wait, names.get(waiter, waiter), names.get(holder, holder))
        steps.append(StandstillStep(waiter=waiter, because=wait.because, words=words, holder=holder))
    locks = [step for step in steps if step.because in ("scope", "lock")]
    where = names.get(locks[0].holder, locks[0].holder) if locks else names.get(circle[0], circle[0])
    ways = f"Have {where} release its locks, or break them" if locks else f"Cancel {where}"
    return Standstill(
        since=since,
        summary="; ".join(step.words for step in steps[:STEPS_MAX]),
        resolve=f"{ways}; or cancel or release one of these tasks.",
        steps=tuple(steps[:STEPS_MAX]),
    )


def _words(wait: _Wait, waiter: str, holder: str) -> str:
    match wait.because:
        case "need":
            return f"{waiter} needs {holder}"
        case "part":
            return f"{waiter} ends after its part {holder}"
        case "scope":
            return f"{waiter} is not given out without {wait.what}, which {holder} has"
        case "lock":
            return f"{waiter} waits for {wait.what}, which {holder} has or waits for since before"
        case "agent":
            return f"{waiter} is worked on by {holder}"
        case _:
            assert_never(wait.because)
