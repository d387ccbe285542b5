"""Runs of several pipelines under two keys, whose server dies anywhere and hears all twice: never too many at once."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import AGGREGATES
from domain.kernel.decider import fold
from domain.kernel.ids import StreamId, prefix
from domain.kernel.pipeline.flow import Concurrency
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.commands import (
    CancelRun,
    PauseRun,
    ResolveUndo,
    ResumeRun,
    RetryPhase,
    ReworkPhases,
    RollbackRun,
    StartRun,
)
from domain.run.state import TERMINAL, Run
from domain.task.state import Ready, Task
from domain.turn.decider import LINE, line_of, next_in
from domain.turn.state import Line
from infrastructure.runtime.state_codec import freeze, thaw
from tests.support.nested import Yard, nested
from tests.support.runs import work

LIMITS = {"one": 1, "two": 2}
VERBS = (*("start",) * 5, *("good",) * 6, "bad", "cancel", "pause", "resume", "resume", "again", "back", "retry")
Step = tuple[str, int, bool]


class Works(Yard):
    """Four pipelines: under each of two keys, under both one inside of the other, and under none with two inside."""

    def __init__(self, when_full: Any) -> None:
        super().__init__()
        self.chance = random.Random(1)
        self.runs: list[str] = []
        keys = {key: Concurrency(key=key, limit=limit) for key, limit in LIMITS.items()}
        said: dict[str, Any] = {"effect": "idempotent", "undo": Undo(task=TaskSpec(title="Take it back"))}
        self.publish("one", work("go", **said), concurrency=keys["one"], on_cancel="compensate")
        self.publish("two", work("go"), concurrency=keys["two"].model_copy(update={"when_full": when_full}))
        self.publish("both", work("go"), nested("call", "go", pipeline="one"), concurrency=keys["two"])
        self.publish("free", nested("a", pipeline="one"), nested("b", pipeline="one", on_parent_cancel="abandon"))

    def die(self) -> None:
        """Memory is lost: states come from the log, or from a snapshot; what follows is looked for anew."""
        streams: dict[StreamId, list[Any]] = {}
        for one in self.log:
            streams.setdefault(one.stream, []).append(one.event)
        for stream, events in streams.items():
            aggregate = AGGREGATES[prefix(stream)]
            folded = fold(aggregate, tuple(events))
            assert folded == self.states[stream], "folded twice is the same"
            self.states[stream] = thaw(LINE, freeze(folded)) if aggregate is LINE else folded
        self.answered = self.chance.randint(max(0, self.answered - 8), self.answered)

    def every(self, *statuses: str) -> list[str]:
        """Runs in some statuses, those inside of others included."""
        found = ((one, state) for one, state in self.states.items() if isinstance(state, Run))
        return sorted(one for one, state in found if state.status in statuses)

    def act(self, verb: str, number: int) -> None:
        if verb == "start":
            name = ("one", "two", "both", "free")[number % 4]
            self.ask(StartRun(project="shop", pipeline=name, priority=number % 3))
        elif verb in ("good", "bad"):
            self.work_on(verb, number)
        else:
            wanted = {"resume": ("paused",), "again": ("failed", "cancelled"), "back": tuple(TERMINAL)}
            known = self.every(*wanted.get(verb, ("queued", "running", "paused")))
            if known:
                self.steer(verb, known[number % len(known)])

    def work_on(self, verb: str, number: int) -> None:
        tasks = self.open_tasks()
        if tasks:
            self.finish(tasks[number % len(tasks)], verb == "good")

    def open_tasks(self) -> list[StreamId]:
        """Tasks that somebody may take."""
        return [one for one, state in self.states.items() if isinstance(state, Task) and isinstance(state.phase, Ready)]

    def steer(self, verb: str, run: str) -> None:
        said: dict[str, Any] = {"project": "shop", "run": run}
        asked: dict[str, Callable[[], Any]] = {
            "cancel": lambda: CancelRun(**said, grace_seconds=0),
            "pause": lambda: PauseRun(**said),
            "resume": lambda: ResumeRun(**said),
            "again": lambda: ReworkPhases(**said, phases=(self.first(run),), reason="r", accept_repeat="r"),
            "retry": lambda: RetryPhase(**said, phase=self.first(run, "parked")),
            "back": lambda: RollbackRun(**said, reason="r"),
        }
        for _ in range(2):
            self.ask(asked[verb]())

    def first(self, run: str, status: str = "") -> str:
        keys = [phase.key for phase in self.run(run).queued.definition.phases]
        return next((key for key in keys if status and self.status(run, key) == status), keys[0])

    def finish(self, task: str, good: bool) -> None:
        if self.claim(self.crew, task).rejection is None:
            state = self.states[StreamId(task)]
            token, good = str(state.phase.attempt.token), good or state.plan.origin.purpose == "undo"
            for _ in range(2):
                _ = self.complete(task, token) if good else self.fail(task, token)

    def check(self) -> None:
        for key, limit in LIMITS.items():
            line: Line = self.states.get(line_of(self.project, key), LINE.initial)
            families = {self.family(run, key) for run in self.active(key)}
            assert len(families) <= limit, "too many at a time"
            assert set(line.place_of) == set(self.active(key)), "who has a place runs, and nobody else"
            assert {line.place_of[run] for run in self.active(key)} == set(line.places)
            for one in line.waiting:
                assert self.stands(one.run) == "queued"

    def active(self, key: str) -> list[str]:
        """Runs under the key that have begun and not ended."""
        paused = [run for run in self.every("paused") if self.run(run).paused_from != "queued"]
        begun = (*self.every("running", "cancelling", "compensating"), *paused)
        return [run for run in begun if self.is_under(run, key)]

    def is_under(self, run: str, key: str) -> bool:
        concurrency = self.run(run).queued.concurrency
        return concurrency is not None and concurrency.key == key

    def family(self, run: str, key: str) -> str:
        """The outermost run under the key that this one is inside of."""
        above, found = self.run(run).queued.parent, run
        while above is not None:
            found = above.run if self.is_under(above.run, key) else found
            above = self.run(above.run).queued.parent
        return found

    def settle(self) -> None:
        """Everybody does what there is to do, until nothing is left."""
        for _ in range(400):
            self.react()
            for run in self.every("paused"):
                self.ask(ResumeRun(project="shop", run=run))
            for run in self.every("compensating"):
                for entry in self.run(run).ledger.values():
                    place = entry.place if entry.undo == "failed" else ""
                    self.ask(ResolveUndo(project="shop", run=run, phase=place or "-", how="skip", reason="r"))
            for run in self.every("running"):
                if self.status(run, self.first(run, "parked")) == "parked":
                    self.ask(RetryPhase(project="shop", run=run, phase=self.first(run, "parked")))
            self.react()
            tasks = self.open_tasks()
            if not tasks:
                break
            self.finish(tasks[0], good=True)
        self.react()


@settings(max_examples=20, deadline=None)
@given(
    when_full=st.sampled_from(("wait", "refuse", "replace")),
    steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 11), st.booleans()), min_size=10, max_size=40),
)
def test_there_are_never_too_many_and_all_of_them_come_to_their_end(when_full: Any, steps: list[Step]) -> None:
    works = Works(when_full)
    for verb, number, dies in steps:
        works.act(verb, number)
        works.check()
        if dies:
            works.die()
        elif number % 3:
            works.react()
        works.check()
    works.settle()
    works.check()
    assert not [one for one, state in works.states.items() if isinstance(state, Line) and next_in(state)]
    assert works.every("queued", "running", "paused", "cancelling", "compensating") == []
