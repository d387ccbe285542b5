"""The budget of a run, held to a naive account: never more is given out than there is, and every cost counts once."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import AGGREGATES
from domain.kernel.decider import fold
from domain.kernel.ids import StreamId, prefix
from domain.kernel.pipeline.definition import MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Map
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.kernel.work import Budget
from domain.run.account import amount, bound
from domain.run.budget_commands import AdjustBudget
from domain.run.commands import CancelRun, PauseRun, ResumeRun, RetryPhase, ReworkPhases
from domain.run.evolve import RUN
from domain.run.state import TERMINAL, Run
from domain.task.commands import CompleteTask, FailTask, ReportProgress, Usage
from domain.task.state import Ready, Task
from infrastructure.runtime.state_codec import freeze, thaw
from tests.support.nested import Yard, nested
from tests.support.runs import work

LIMIT, CHILD, LOOP = 200, 60, 50
VERBS = (*("good",) * 6, "bad", "says", "says", "retry", "rework", "pause", "resume", "raise", "cancel")
Step = tuple[str, int, int, bool]
"""What is done, where, with how many tokens, and whether the server dies behind it."""


class Purse(Yard):
    """A run with work, a map, a loop and a run inside, whose workers spend what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.chance = random.Random(1)
        undo = Undo(task=TaskSpec(title="Take it back"))
        self.publish("inner", work("go"), work("more", "go"))
        each = {"kind": "work", "task": {"title": "Do", "retry": {"max_attempts": 1}}, "effect": "pure"}
        items = Map.model_validate({"over": "['a', 'b', 'c']", "each": each, "max_parallel": 2}, strict=False)
        loop = RepeatPhase(
            key="loop", phases=(work("fix"),), until="iteration == 2", max_iterations=3, budget=Budget(tokens=LOOP)
        )
        phases = (
            work("a", effect="idempotent", undo=undo, task={"budget": Budget(tokens=80)}),
            MapPhase(key="map", map=items),
            loop,
            nested("call", budget=Budget(tokens=CHILD)),
            work("last", "a", "map", "loop", "call", join="settled"),
        )
        self.publish("outer", *phases, budget=Budget(tokens=LIMIT), failure="continue", on_failure="compensate")
        self.top = self.start("outer")

    def die(self) -> None:
        """Memory is lost; what follows is looked for anew."""
        streams: dict[StreamId, list[Any]] = {}
        for one in self.log:
            streams.setdefault(one.stream, []).append(one.event)
        for stream, events in streams.items():
            folded = fold(AGGREGATES[prefix(stream)], tuple(events))
            assert folded == self.states[stream], "folded twice is the same"
            self.states[stream] = thaw(RUN, freeze(folded)) if isinstance(folded, Run) else folded
        self.answered = self.chance.randint(max(0, self.answered - 8), self.answered)

    def runs(self) -> list[str]:
        return sorted(one for one, state in self.states.items() if isinstance(state, Run))

    def open_tasks(self) -> list[StreamId]:
        return [one for one, state in self.states.items() if isinstance(state, Task) and isinstance(state.phase, Ready)]

    def act(self, verb: str, number: int, tokens: int) -> None:
        run = self.runs()[number % len(self.runs())]
        said: dict[str, Any] = {"project": "shop", "run": run}
        key = self.run(run).queued.definition.phases[number % len(self.run(run).queued.definition.phases)].key
        match verb:
            case "good" | "bad" | "says":
                tasks = self.open_tasks()
                if tasks:
                    self.work_on(tasks[number % len(tasks)], verb, tokens)
            case "retry":
                self.ask(RetryPhase(**said, phase=key))
            case "rework":
                self.ask(ReworkPhases(**said, phases=(key,), reason="r", accept_repeat="r"))
            case "pause":
                self.ask(PauseRun(**said))
            case "resume":
                self.ask(ResumeRun(**said))
            case "raise":
                loop = "loop" if number % 2 and run == self.top else None
                self.ask(AdjustBudget(**said, phase=loop, budget=Budget(tokens=tokens * 10 + 1)))
            case _:
                if number == 0:
                    self.ask(CancelRun(**said, grace_seconds=0))

    def work_on(self, task: StreamId, verb: str, tokens: int) -> None:
        if self.claim(self.crew, task).rejection is not None:
            return
        token = str(self.states[task].phase.attempt.token)
        said: dict[str, Any] = {"project": "shop", "task": task, "token": token, "usage": Usage(output_tokens=tokens)}
        verb = "good" if self.states[task].plan.origin.purpose == "undo" else verb
        for _ in range(2):
            if verb == "says":
                self.ask(ReportProgress(**said))
                said["usage"] = Usage(output_tokens=tokens + 7)
            self.ask(CompleteTask(**said) if verb != "bad" else FailTask(**said, kind="agent", reason="it broke"))

    def check(self) -> None:
        for name in self.runs():
            run = self.run(name)
            whole, limit = run.account.whole, bound(run.limit, "tokens")
            if limit is None:
                continue
            shares = [bound(one.budget, "tokens") or 0 for one in run.account.shares.values()]
            assert sum(shares) == amount(whole.reserved, "tokens"), "what is set aside is the sum of its parts"
            assert not shares or amount(whole.spent, "tokens") + sum(shares) <= max(limit, self.beyond(run)), "too much"
            for payee, share in run.account.shares.items():
                self.check_share(payee, bound(share.budget, "tokens") or 0)
            if run.status in TERMINAL:
                assert not shares

    def beyond(self, run: Run) -> int:
        """What was spent although it was not there: by the last report of each, which nobody could have kept back."""
        over = [self.states[StreamId(one)] for one in run.tasks]
        used: int = sum(one.used.output_tokens for one in over)
        return (bound(run.limit, "tokens") or 0) + used

    def check_share(self, payee: str, share: int) -> None:
        state = self.states.get(StreamId(payee))
        if isinstance(state, Task):
            assert state.budget.tokens == share, "a task may spend what is set aside for it"
        elif isinstance(state, Run):
            assert (bound(state.limit, "tokens") or 0) <= share, "so may a run"

    def cost_of(self, name: str) -> int:
        """What all tasks of a run and of those inside of it have spent."""
        run = self.run(name)
        own: int = sum(self.states[StreamId(one)].used.output_tokens for one in run.tasks)
        return own + sum(self.cost_of(child) for child in run.children if StreamId(child) in self.states)


@settings(max_examples=20, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.integers(0, 40), st.booleans()),
        min_size=8,
        max_size=30,
    )
)
def test_nothing_is_given_out_twice_and_every_cost_counts_once(steps: list[Step]) -> None:
    purse = Purse()
    for verb, number, tokens, dies in steps:
        purse.act(verb, number, tokens)
        if dies:
            purse.die()
        purse.react()
        purse.check()
    purse.ask(ResumeRun(project="shop", run=purse.top))
    purse.ask(CancelRun(project="shop", run=purse.top, grace_seconds=0))
    purse.react()
    for _ in range(20):
        for task in purse.open_tasks():
            purse.work_on(task, "good", 1)
            purse.react()
    purse.check()
    assert purse.run(purse.top).status in TERMINAL
    spent, cost = amount(purse.run(purse.top).account.whole.spent, "tokens"), purse.cost_of(purse.top)
    assert cost <= spent
    assert spent == cost or any(verb == "rework" for verb, *_ in steps), "what goes on behind the end counts as a whole"
