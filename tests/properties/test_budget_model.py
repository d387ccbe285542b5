"""The budget of a project, held to a naive account: whatever ends an attempt, its share is free and its cost kept."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.lookup import lock_stream
from domain.dispatch.take import Claimed
from domain.kernel.work import Budget, RetryRule
from domain.lock.decider import LOCKS
from domain.lock.errors import BudgetExhausted
from domain.project.commands import UpdateProject
from domain.project.settings import ProjectBudget
from domain.session.commands import EndSession, LoseSession
from domain.task.commands import (
    AcknowledgeAttempt,
    CancelTask,
    CompleteTask,
    FailTask,
    LapseDelivery,
    ReassignTask,
    ReleaseTask,
    ReportProgress,
    TimeOutAttempt,
    Usage,
)
from domain.task.derived import RevokeAttempt
from tests.support.fleet import Fleet, a_task

TASK_TOKENS = 100
PROJECT_TOKENS = 400
PATH = "path:repo//src"
ENDS = ("complete", "fail", "release", "cancel", "leave", "lose", "end", "reassign", "time_out", "lapse")
steps = st.lists(
    st.tuples(st.sampled_from(("claim", "claim", "claim", "say", "say", *ENDS)), st.integers(0, 5), st.integers(0, 60)),
    min_size=10,
    max_size=60,
)


@dataclass
class Held:
    task: str
    token: str
    session: str
    share: int
    used: int = 0
    leaves: bool = False


@dataclass
class Account:
    """All that is counted: shares of live attempts, and what was spent by those that ended."""

    fleet: Fleet = field(default_factory=lambda: Fleet(lock_delay_seconds=5))
    held: list[Held] = field(default_factory=list[Held])
    spent: int = 0
    spent_by: dict[str, int] = field(default_factory=dict[str, int])
    sessions: int = 0

    def begin(self) -> None:
        budget = ProjectBudget(tokens=PROJECT_TOKENS)
        assert self.fleet.ask(UpdateProject(project="shop", budget_hard=budget)).rejection is None
        retry = RetryRule(max_attempts=5, max_lost=10, backoff_seconds_first=0)
        tasks = [
            a_task(
                f"t{number}",
                budget=Budget(tokens=TASK_TOKENS),
                scope=(f"{PATH}/{number}",) if number % 2 else (),
                retry=retry,
                timeout_seconds=10,
            )
            for number in range(6)
        ]
        assert self.fleet.plan(*tasks).rejection is None

    def claim(self, number: int) -> None:
        self.sessions += 1
        task = f"t{number}"
        session = self.fleet.a_session(f"s{self.sessions}")
        decision = self.fleet.claim(session, task)
        share = TASK_TOKENS - self.spent_by.get(task, 0)
        if isinstance(decision.answer, Claimed):
            assert self.spent + self.reserved + share <= PROJECT_TOKENS, "nothing is given out that is not there"
            self.held.append(Held(task, decision.answer.token, session, share))
        elif isinstance(decision.rejection, BudgetExhausted):
            assert self.spent + self.reserved + share > PROJECT_TOKENS, "nothing is withheld that is there"

    @property
    def reserved(self) -> int:
        return sum(one.share for one in self.held)

    def settle(self, held: Held, used: int | None = None) -> None:
        cost = held.used if used is None else used
        self.spent += cost
        self.spent_by[held.task] = self.spent_by.get(held.task, 0) + cost
        self.held.remove(held)

    def step(self, act: str, number: int, amount: int) -> None:
        if act == "claim" or not self.held:
            self.claim(number)
            return
        held = self.held[number % len(self.held)]
        fields: dict[str, Any] = {"project": "shop", "task": held.task, "token": held.token}
        usage = Usage(input_tokens=held.used + amount)
        over = held.used + amount + self.spent_by.get(held.task, 0) >= TASK_TOKENS
        if act == "say":
            self.fleet.ask(ReportProgress(**fields, usage=usage))
            held.used += amount
            if over:
                self.settle(held)
            return
        self.end(act, held, fields, usage)

    def end(self, act: str, held: Held, fields: dict[str, Any], usage: Usage) -> None:
        """Whatever ends it: reports settle what they say, everybody else what was said last."""
        fleet = self.fleet
        if act in ("complete", "fail", "release"):
            report: Any = {"complete": CompleteTask, "fail": FailTask, "release": ReleaseTask}[act]
            fleet.ask(report(**fields, usage=usage))
            self.settle(held, usage.input_tokens)
            return
        if act == "leave":
            if not held.leaves:
                assert fleet.ask(CancelTask(project="shop", task=held.task)).rejection is None
                held.leaves = True
                return
            fleet.advance(30)
            fleet.ask(RevokeAttempt(project="shop", task=held.task))
        elif act == "cancel":
            fleet.ask(CancelTask(project="shop", task=held.task, grace_seconds=0))
        elif act == "lose":
            renewed_at = int(fleet.now)
            fleet.advance(60)
            fleet.ask(LoseSession(session=held.session, incarnation=1, renewed_at=renewed_at))
        elif act == "end":
            fleet.ask(EndSession(session=held.session, incarnation=1))
        elif held.leaves:
            return
        elif act == "reassign":
            fleet.ask(ReassignTask(project="shop", task=held.task))
        elif act == "time_out":
            fleet.ask(AcknowledgeAttempt(**fields))
            fleet.advance(10)
            fleet.ask(TimeOutAttempt(**fields))
        elif held.used:
            return  # who reported has acknowledged
        else:
            fleet.advance(30)
            if not fleet.ask(LapseDelivery(**fields)).writes:
                return  # it was acknowledged before
        self.settle(held)

    def check(self) -> None:
        space = self.fleet.read(LOCKS, lock_stream(self.fleet.project))
        assert space.coverage.reserved.tokens == self.reserved
        assert space.spent.tokens == self.spent


@given(steps)
@settings(max_examples=60, deadline=None)
def test_the_budget_of_a_project_never_leaks(script: list[tuple[str, int, int]]) -> None:
    account = Account()
    account.begin()
    for act, number, amount in script:
        account.step(act, number, amount)
        account.check()
