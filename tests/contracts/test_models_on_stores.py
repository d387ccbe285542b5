"""The models of sessions and of work, told to each store by the committer: the log holds what the world decided."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from domain import catalogue
from domain.kernel.decider import Decision, LeaseChange
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Command, Stamp
from domain.project.events import ProjectCreated
from domain.session.commands import LoseSession
from domain.session.events import SessionOpened
from infrastructure.keys import Keys
from infrastructure.log.mapper import new_event, recorded
from infrastructure.log.port import Log
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.settle import Settler
from tests.contracts.groups import key, member
from tests.properties import test_budget_model, test_session_model
from tests.support.fleet import Fleet
from tests.support.world import World

FLEET_PREFIXES = frozenset(one.prefix for one in catalogue.AGGREGATES.values() if one.fleet)
SEEDS = range(3)
STEPS = 60
Played = list[tuple[str, Any]]
"""What was given as an event, or asked as a command with its stamp, in order."""


def a_life_of_sessions(chance: random.Random) -> Fleet:
    fleet = test_session_model.Told()
    for _ in range(STEPS):
        fleet.step(chance.choice(test_session_model.ACTS), chance.randrange(5), chance.randrange(5))
    return fleet


def a_season_of_work(chance: random.Random) -> Fleet:
    account = test_budget_model.Account()
    account.begin()
    acts = ("claim", "claim", "claim", "say", *test_budget_model.ENDS)
    for _ in range(STEPS):
        account.step(chance.choice(acts), chance.randrange(6), chance.randrange(60))
        account.fleet.react()
        account.fleet.advance(1)
    return account.fleet


class Stage:
    """A committer over a store whose clock is that of the play."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.now = 0
        self.hints = Hints(log, lambda row: recorded(row, catalogue.REGISTRY), Keys(b"k"), HintFolds(), 0)
        hot = HotStates(log, catalogue.AGGREGATES, catalogue.REGISTRY)
        decider = GroupDecider(catalogue.rules(self.hints.ready), catalogue.POLICIES, FLEET_PREFIXES)
        settler = Settler(hot, catalogue.AGGREGATES, [self.hints])
        self.committer = Committer(log, hot, catalogue.AGGREGATES, decider, settler, secret=b"s")
        setattr(log, "now", lambda: self.now)  # noqa: B010

    async def play(self, played: Played) -> None:
        self.committer.start()
        try:
            for number, (kind, what) in enumerate(played):
                if kind == "given":
                    self.give(number, *what)
                else:
                    await self.ask(*what)
        finally:
            await self.committer.stop()

    def give(self, number: int, stream: str, events: tuple[Any, ...], project: str, now: int) -> None:
        self.now = now
        version = len(self.log.events_of(stream))
        rows = tuple(
            new_event(StreamId(stream), version + place, event, ProjectId(project))
            for place, event in enumerate(events, start=1)
        )
        names = tuple(key(one.name, stream, kind="project") for one in events if isinstance(one, ProjectCreated))
        leases = tuple(
            LeaseChange("open", StreamId(stream), one.incarnation, one.ttl_seconds)
            for one in events
            if isinstance(one, SessionOpened)
        )
        given = member(f"given {number}", reads=((stream, version),))
        given = given._replace(events=rows, keys=names, leases=leases)
        self.log.append([given], now=now)
        while (page := self.hints.read_page()).end > self.hints.position:
            self.hints.absorb(page)

    async def ask(self, command: Command, stamp: Stamp) -> None:
        self.now = stamp.time
        if isinstance(command, LoseSession):
            self.log.renew([(command.session, command.incarnation)], now=command.renewed_at)
        await self.committer.execute(command, stamp)


def by_stream(rows: list[tuple[str, str, bytes]]) -> dict[str, list[tuple[str, bytes]]]:
    """The events of each stream; records of refusals are the committer's own."""
    found: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for stream, kind, state in rows:
        if not stream.startswith("refusals_"):
            found[stream].append((kind, state))
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("story", [a_life_of_sessions, a_season_of_work])
async def test_every_store_holds_what_the_model_saw(
    log_store: Log, story: Callable[[random.Random], Fleet], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: Played = []
    given, when = World.given, World.when

    def giving(self: World, stream: str, *events: Any, project: str = "fleet") -> World:
        played.append(("given", (stream, events, project, self.now)))
        return given(self, stream, *events, project=project)

    def asking(self: World, command: Command, stamp: Stamp | None = None) -> Decision:
        chosen = stamp or self.stamp()
        if not chosen.principal.startswith("policy:"):
            played.append(("asked", (command, chosen)))
        return when(self, command, chosen)

    monkeypatch.setattr(World, "given", giving)
    monkeypatch.setattr(World, "when", asking)
    fleet = story(random.Random(seed))
    await Stage(log_store).play(played)
    stored = [(row.stream, row.type, row.state) for row in log_store.page(after=0, limit=20_000)]
    decided = [(str(one.stream), one.event.TYPE, one.event.stored()) for one in fleet.log]
    assert by_stream(stored) == by_stream(decided)
    assert len(decided) > STEPS
