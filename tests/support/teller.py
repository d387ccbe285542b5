"""A random script of commands told through a real committer: histories for whatever looks at them afterwards."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from domain import catalogue
from domain.kernel.ids import CommandId, Instant, PrincipalId, ProjectId
from domain.kernel.message import Command, ProjectCommand, Stamp
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, ReleaseLocks
from domain.project.commands import CreateProject, FreezeProject, UnfreezeProject
from domain.session.commands import EndSession, OpenSession
from domain.task.commands import (
    ApplyPlan,
    CancelTask,
    ClaimTask,
    CompleteTask,
    FailTask,
    Need,
    PlannedTask,
    ReleaseTask,
    ReportProgress,
    RetryTask,
)
from infrastructure.keys import Keys
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Log
from infrastructure.runtime.committer import Committer
from infrastructure.runtime.group import GroupDecider
from infrastructure.runtime.hints import HintFolds, Hints
from infrastructure.runtime.hot import HotStates
from infrastructure.runtime.outcome import Outcome
from infrastructure.runtime.settle import Settler

FLEET_PREFIXES = frozenset(one.prefix for one in catalogue.AGGREGATES.values() if one.fleet)
BEGIN = 1_700_000_000_000_000
KEYS = tuple("abcde")
PATHS = ("path:repo//src/**", "path:repo//src/a.py", "path:repo//docs/*", "path:repo//**/*.md")

Step = tuple[str, int, int]
"""What is done, by which session, on which task or path."""
ACTS = (
    *("plan", "claim", "claim", "claim", "complete", "complete", "fail", "release", "progress", "cancel", "retry"),
    *("acquire", "drop", "open", "end", "freeze", "thaw"),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, 2),
        st.integers(0, 4),
    ),
    min_size=5,
    max_size=40,
)

Story = list[tuple[str, int, str, bytes]]


class Teller:
    """Sends a script through a committer; time and ids are the script's own."""

    def __init__(self, log: Log) -> None:
        hints = Hints(log, lambda row: recorded(row, catalogue.REGISTRY), Keys(b"k"), HintFolds(), 0)
        self.hot = HotStates(log, catalogue.AGGREGATES, catalogue.REGISTRY)
        decider = GroupDecider(catalogue.rules(hints.ready), catalogue.POLICIES, FLEET_PREFIXES)
        settler = Settler(self.hot, catalogue.AGGREGATES, [hints])
        self.committer = Committer(log, self.hot, catalogue.AGGREGATES, decider, settler, secret=b"s")
        self.log = log
        self.project = ProjectId("")
        self.sessions: list[str] = []
        self.tokens: dict[str, str] = {}
        self.own: dict[int, str] = {}
        self.number = 0

    async def tell(self, script: list[Step], *, twice: bool) -> Story:
        self.committer.start()
        try:
            told = await self.ask(CreateProject(name="shop", lock_delay_seconds=1))
            self.project = ProjectId(json.loads(told.text)["answer"]["project"])
            for _ in range(3):
                self.sessions.append(await self.open())
            for what, who, which in script:
                await self.step(what, who, which, twice=twice)
        finally:
            await self.committer.stop()
        return [(row.stream, row.version, row.type, row.state) for row in self.log.page(after=0, limit=5_000)]

    async def ask(self, command: Command, *, again: bool = False) -> Outcome:
        self.number += 0 if again else 1
        identifier = CommandId(f"cmd_script_{self.number}")
        stamp = Stamp(
            command_id=identifier,
            project=self.project if isinstance(command, ProjectCommand) else ProjectId("fleet"),
            principal=PrincipalId("key_script"),
            time=Instant(BEGIN + self.number * 1_000_000),
            correlation_id=identifier,
        )
        return await self.committer.execute(command, stamp)

    async def open(self) -> str:
        told = await self.ask(OpenSession(projects=("shop",), capacity=2))
        return str(json.loads(told.text)["answer"]["session"])

    async def step(self, what: str, who: int, which: int, *, twice: bool) -> None:
        command = self.command(what, who, which)
        outcome = await self.ask(command)
        if twice and outcome.ok:
            head = self.log.head()
            repeated = await self.ask(command, again=True)
            assert (repeated.text, repeated.position) == (outcome.text, outcome.position)
            assert self.log.head() == head
        self.learn(what, who, outcome)

    def command(self, what: str, who: int, which: int) -> Command:
        key, session = KEYS[which], self.sessions[who]
        token = self.tokens.get(key, "1")
        at: dict[str, Any] = {"project": "shop", "task": key}
        by: dict[str, Any] = {"project": "shop", "session": session, "incarnation": 1}
        makers: dict[str, Callable[[], Command]] = {
            "plan": lambda: ApplyPlan(project="shop", tasks=tuple(planned(number) for number in range(which + 1))),
            "claim": lambda: ClaimTask(**by),
            "complete": lambda: CompleteTask(**at, token=token),
            "fail": lambda: FailTask(**at, token=token),
            "release": lambda: ReleaseTask(**at, token=token, note="later"),
            "progress": lambda: ReportProgress(**at, token=token, percent=50.0),
            "cancel": lambda: CancelTask(**at),
            "retry": lambda: RetryTask(**at),
            "acquire": lambda: AcquireLocks(**by, claims=(ScopeClaim(claim=PATHS[which % 4]),)),
            "drop": lambda: ReleaseLocks(**by, token=self.own.get(who, "1")),
            "open": lambda: OpenSession(projects=("shop",), resume=session),
            "end": lambda: EndSession(session=session, incarnation=1),
            "freeze": lambda: FreezeProject(project="shop"),
            "thaw": lambda: UnfreezeProject(project="shop"),
        }
        return makers[what]()

    def learn(self, what: str, who: int, outcome: Outcome) -> None:
        told = json.loads(outcome.text).get("answer", {})
        if outcome.ok and what == "claim":
            self.tokens[told["key"]] = told["token"]
        if outcome.ok and what == "acquire":
            self.own[who] = told["token"]


def planned(number: int) -> PlannedTask:
    """Each task but the first needs the one before; some share paths."""
    needs = (Need(task=KEYS[number - 1], accept=("completed", "failed")),) if number % 2 else ()
    return PlannedTask(
        key=KEYS[number], title=KEYS[number], needs=needs, scope=(ScopeClaim(claim=PATHS[number % 4]),), priority=number
    )


def told_on(log: Log, script: list[Step], *, twice: bool = False) -> tuple[Story, Teller]:
    teller = Teller(log)
    return asyncio.run(teller.tell(script, twice=twice)), teller
