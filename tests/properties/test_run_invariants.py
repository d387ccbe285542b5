"""Whatever is asked of a run, in whatever order and twice: nothing is left undone, and nothing stale counts."""

from collections.abc import Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.kernel.decider import fold
from domain.kernel.ids import StreamId
from domain.kernel.message import Event
from domain.kernel.pipeline.work import TaskSpec, Undo
from domain.run.advance import advance
from domain.run.commands import (
    CancelRun,
    PauseRun,
    ResolveUndo,
    ResumeRun,
    RetryPhase,
    ReworkPhases,
    RollbackRun,
    TellRun,
)
from domain.run.events import JoinFired, RunCancelRequested, RunPaused, RunResumed
from domain.run.evolve import RUN
from domain.run.rework import stale
from domain.run.state import SETTLED, TERMINAL
from domain.run.undo_events import RunCompensationStarted, UndoResolved, UndoStarted, UndoSucceeded
from domain.task.decider import phase_name
from domain.task.events import TaskClaimed
from domain.task.state import Task
from infrastructure.expressions.conditions import CelExpressions
from tests.properties.test_run_model import Node, graphs
from tests.support.runs import ONCE, Railway, work

VERBS = (
    "succeed",
    "succeed",
    "succeed",
    "fail",
    "rework",
    "retry",
    "pause",
    "resume",
    "cancel",
    "begin",
    "rollback",
    "undo",
    "undo",
)
UNDO = Undo(task=TaskSpec(title="Undo", retry=ONCE))
EXPRESSIONS = CelExpressions()


class Rolling(Railway):
    """A run over a random graph, of which anything may be asked."""

    def __init__(self, nodes: tuple[Node, ...], failure: str, *, at_once: bool) -> None:
        phases = [
            work(
                f"p{number}",
                *({"phase": f"p{one}", "accept": accept} for one, accept in node.needs),
                join={"rule": node.rule, "at_least": node.least},
                effect="idempotent",
                undo=UNDO,
                optional=node.optional,
            )
            for number, node in enumerate(nodes)
        ]
        back: dict[str, Any] = {"on_failure": "compensate", "on_cancel": "compensate", "undo_parallel": at_once}
        super().__init__(*phases, failure=failure, **back)

    def act(self, verb: str, place: str) -> None:
        said: dict[str, Any] = {"project": "shop", "run": self.run_id}
        match verb:
            case "succeed" | "fail" | "begin":
                self.work_on(place, verb)
            case "rework":
                self.twice(ReworkPhases(**said, phases=(place,), reason="r"))
            case "retry":
                self.twice(RetryPhase(**said, phase=place))
            case "pause":
                self.twice(PauseRun(**said))
            case "resume":
                self.twice(ResumeRun(**said))
            case "rollback":
                self.twice(RollbackRun(**said, reason="r", grace_seconds=0))
            case "undo":
                self.take_back(place)
            case _:
                self.twice(CancelRun(**said, grace_seconds=0))

    def twice(self, command: Any) -> None:
        """Asked, and asked again by somebody whose answer was lost."""
        self.ask(command)
        self.react()
        if not isinstance(command, ReworkPhases):
            self.ask(command)
            self.react()

    def work_on(self, place: str, verb: str) -> None:
        phase = self.run.phase(place)
        if not phase.is_out or self.claim(self.crew, phase.task).rejection is not None:
            return
        task = self.states[StreamId(phase.task)]
        token = str(task.phase.attempt.token)
        if verb == "succeed":
            self.complete(phase.task, token)
        elif verb == "fail":
            self.fail(phase.task, token)
        self.react()

    def take_back(self, place: str) -> None:
        """Every third undo fails, and is said to be done by hand."""
        due = [one for one in self.run.ledger.values() if one.undo == "undoing"]
        assert len(due) <= 1 or self.definition.undo_parallel, "effects are taken back one after the other"
        for one in due:
            if self.claim(self.crew, one.undo_task).rejection is None:
                token = str(self.states[StreamId(one.undo_task)].phase.attempt.token)
                if place == "p1":
                    self.fail(one.undo_task, token)
                    self.react()
                    said: dict[str, Any] = {"project": "shop", "run": self.run_id, "phase": one.place, "reason": "r"}
                    self.ask(ResolveUndo(**said, how="done"))
                else:
                    self.complete(one.undo_task, token)
                self.react()

    def check_pauses(self) -> None:
        paused = False
        for one in self.log:
            if one.stream == self.run_id and isinstance(one.event, RunPaused):
                paused = True
            elif one.stream == self.run_id and isinstance(one.event, RunResumed | RunCancelRequested):
                paused = False
            assert not paused or not isinstance(one.event, TaskClaimed), "work began in a run that is paused"

    def check(self) -> None:
        run = self.run
        assert advance(run, self.now, EXPRESSIONS).events == (), "something was decidable and was not decided"
        of_run = tuple(one.event for one in self.log if one.stream == self.run_id)
        assert fold(RUN, of_run) == run
        fired = [(event.place, event.generation) for event in of_run if isinstance(event, JoinFired)]
        assert len(set(fired)) == len(fired), "a join fired twice in one generation"
        live = {place: phase.task for place, phase in run.phases.items() if phase.is_out}
        for task, place in run.tasks.items():
            state = self.states[StreamId(task)]
            assert isinstance(state, Task)
            unsettled = phase_name(state) not in ("completed", "failed", "cancelled")
            undoing = any(one.undo_task == task and one.undo == "undoing" for one in run.ledger.values())
            assert not unsettled or undoing or live.get(place) == task, f"the task of {place} was left behind"
        self.check_pauses()
        check_order(of_run)
        if run.status in TERMINAL:
            assert all(run.phase(phase.key).status in SETTLED for phase in self.definition.phases)
        assert run.status != "succeeded" or not stale(run)
        taken = [(event.place, event.generation) for event in of_run if isinstance(event, UndoSucceeded)]
        assert len(set(taken)) == len(taken), "an effect was taken back twice"


def check_order(of_run: Sequence[Event]) -> None:
    """Whoever took from an effect, over whatever way, is taken back before it, if it is taken back at all."""
    taken: dict[tuple[str, int], set[tuple[str, int]]] = {}
    owed: list[tuple[str, int]] = []
    over: set[tuple[str, int]] = set()
    for event in of_run:
        match event:
            case JoinFired():
                for used in event.satisfied_by:
                    taken.setdefault((used.place, used.generation), set()).add((event.place, event.generation))
            case RunCompensationStarted():
                owed = [(one.place, one.generation) for one in event.entries]
                over.clear()
                for place, one in enumerate(owed):
                    assert not taken.get(one, set()) & set(owed[place:]), "an effect before who took from it"
            case UndoStarted():
                assert (event.place, event.generation) in owed
                users = _users(taken, (event.place.partition("/")[0], event.generation))
                first = [one for one in owed if (one[0].partition("/")[0], one[1]) in users]
                assert over.issuperset(first), "an effect is taken back although who took from it is not over"
            case UndoSucceeded() | UndoResolved():
                over.add((event.place, event.generation))
            case _:
                pass


def _users(taken: dict[tuple[str, int], set[tuple[str, int]]], used: tuple[str, int]) -> set[tuple[str, int]]:
    """All that took from it, over whatever way."""
    found: set[tuple[str, int]] = set()
    ahead = [used]
    while ahead:
        fresh = taken.get(ahead.pop(), set()) - found
        found |= fresh
        ahead += fresh
    return found


@settings(max_examples=60, deadline=None)
@given(
    nodes=graphs(),
    failure=st.sampled_from(("continue", "fail_fast")),
    at_once=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 8)), max_size=25),
)
@example(
    nodes=(Node((), "all", 1, "succeeded", optional=False),), failure="continue", at_once=False, steps=[("fail", 0)]
)
def test_whatever_is_asked_of_a_run(
    nodes: tuple[Node, ...], failure: str, *, at_once: bool, steps: list[tuple[str, int]]
) -> None:
    rolling = Rolling(nodes, failure, at_once=at_once)
    rolling.check()
    for verb, number in steps:
        rolling.act(verb, f"p{number % len(nodes)}")
        rolling.check()
    for task in tuple(rolling.run.tasks):
        before = len(rolling.log)
        rolling.ask(TellRun(project="shop", run=rolling.run_id, task=task))
        assert len(rolling.log) == before, "a word that was heard changes nothing"
