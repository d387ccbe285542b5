"""Runs of all kinds of phases whose server dies between a decision and what follows from it, and hears all twice."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import AGGREGATES
from domain.kernel.decider import fold
from domain.kernel.ids import StreamId, prefix
from domain.kernel.pipeline.definition import BranchPhase, GatePhase, JoinPhase, MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Arm, Map
from domain.kernel.pipeline.gate import Gate
from domain.run.advance import advance
from domain.run.commands import CastVote, FireTimer, PauseRun, ResolveUndo, ResumeRun, ReworkPhases, RollbackRun
from domain.run.events import PhaseBlocked, PhaseSettled, PhaseSkipped
from domain.run.evolve import RUN
from domain.run.rework import stale
from domain.run.state import SETTLED, TERMINAL, PhaseState, Run
from domain.run.undo_events import UndoSucceeded
from domain.task.events import TaskClaimed
from domain.task.state import Task
from infrastructure.expressions.conditions import CelExpressions
from infrastructure.runtime.state_codec import freeze, thaw
from tests.properties.test_run_invariants import UNDO, check_order
from tests.support.runs import Railway, edges, work

EXPRESSIONS = CelExpressions()
CLOSING = (PhaseSettled, PhaseSkipped, PhaseBlocked)
KINDS = ("work", "work", "gate", "map", "repeat", "branch", "join")
VERBS = (
    *("good",) * 8,
    "bad",
    "bad",
    "late",
    "late",
    "pause",
    "resume",
    "resume",
    "rework",
    "rollback",
    *("undo",) * 4,
)
LATE = ("park", "fail", "extend")
Node = tuple[str, tuple[int, ...]]
Step = tuple[str, int, bool, bool]
"""What is done, at which of the places that it can be done at, and whether the server dies before, and behind it."""


@st.composite
def yards(draw: Any) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 6))):
        before = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=3)) if number else []
        nodes.append((draw(st.sampled_from(KINDS)), tuple(before)))
    return tuple(nodes)


def phase_of(number: int, kind: str, before: tuple[int, ...]) -> Any:
    key, needs = f"p{number}", tuple(f"p{one}" for one in before)
    match kind:
        case "gate":
            asked = {
                "gate_class": "merge",
                "question": "Good?",
                "eligible": [{"who": "principal", "name": "key_owner"}],
            }
            gate = Gate.model_validate({**asked, "quorum": {"approvals": 1, "people_min": 0}}, strict=False)
            return GatePhase(key=key, needs=edges(needs), gate=gate)
        case "map":
            each = {"kind": "work", "task": {"title": "Do", "retry": {"max_attempts": 1}}, "effect": "idempotent"}
            said = {"over": "['a', 'b', 'c']", "each": {**each, "undo": UNDO.model_dump()}, "max_parallel": 2}
            return MapPhase(key=key, needs=edges(needs), map=Map.model_validate(said, strict=False))
        case "repeat":
            inner = (work("do", effect="idempotent", undo=UNDO), work("look", "do", effect="pure"))
            return RepeatPhase(key=key, needs=edges(needs), phases=inner, until="iteration == 2", max_iterations=3)
        case "branch":
            return BranchPhase(key=key, needs=edges(needs), arms=(Arm(name="one", when="1 < 2"),), default="other")
        case "join":
            return JoinPhase(key=key, needs=edges(needs))
        case _:
            bounds: dict[str, Any] = {
                "start_within_seconds": 60,
                "close_within_seconds": 150,
                "on_start_late": LATE[number % 3],
            }
            return work(key, *needs, effect="idempotent", undo=UNDO, **bounds)


class Yard(Railway):
    """A run of which anything may be asked, by whoever does not hear the answer and asks again."""

    def __init__(self, nodes: tuple[Node, ...], failure: str, *, at_once: bool) -> None:
        self.chance = random.Random(len(nodes))
        phases = [phase_of(number, *node) for number, node in enumerate(nodes)]
        back: dict[str, Any] = {"on_failure": "compensate", "on_cancel": "compensate", "undo_parallel": at_once}
        super().__init__(*phases, failure=failure, **back)

    def die(self) -> None:
        """Memory is lost: states come from the log, the run from a snapshot; what follows is looked for anew."""
        streams: dict[StreamId, list[Any]] = {}
        for one in self.log:
            streams.setdefault(one.stream, []).append(one.event)
        for stream, events in streams.items():
            folded = fold(AGGREGATES[prefix(stream)], tuple(events))
            assert folded == self.states[stream], "folded twice is the same"
            self.states[stream] = folded
        self.states[self.run_id] = thaw(RUN, freeze(self.run))
        assert self.run == fold(RUN, self.of_run())
        self.answered = self.chance.randint(0, self.answered)

    def of_run(self) -> tuple[Any, ...]:
        return tuple(one.event for one in self.log if one.stream == self.run_id)

    def twice(self, command: Any, principal: str = "key_owner") -> None:
        self.ask(command, by=principal)
        self.react()
        if not isinstance(command, ReworkPhases | RollbackRun):
            before = len(self.of_run())
            self.ask(command, by=principal)
            self.react()
            assert len(self.of_run()) == before or isinstance(command, CastVote), "asked twice, done once"

    def act(self, step: Step) -> None:
        verb, number, before, behind = step
        if before:
            self.die()
        said: dict[str, Any] = {"project": "shop", "run": self.run_id}
        match verb:
            case "good" | "bad":
                self.go_on(verb == "good", number)
            case "pause":
                self.twice(PauseRun(**said))
            case "resume":
                self.twice(ResumeRun(**said))
            case "rework":
                key = self.definition.phases[number % len(self.definition.phases)].key
                self.ask(ReworkPhases(**said, phases=(key,), reason="r"))
            case "rollback":
                self.ask(RollbackRun(**said, reason="r", grace_seconds=0))
            case "late":
                self.pass_time()
            case _:
                self.take_back(number)
        if behind:
            self.die()
        self.react()

    def pass_time(self) -> None:
        """What is due by then fires, and fires once more by a node that did not hear of it."""
        self.advance(61)
        for place, state in sorted(self.run.phases.items()):
            for kind in sorted(state.timers):
                said = {"place": place, "generation": state.generation, "kind": kind}
                self.twice(FireTimer.model_validate({"project": "shop", "run": self.run_id, **said}))

    def go_on(self, good: bool, number: int) -> None:
        """Somebody does what there is to do, or answers what is asked."""
        states = [(place, self.run.phase(place)) for phase in self.definition.phases for place in self.near(phase.key)]
        todo = [(place, one) for place, one in states if one.status == "offered" or is_open(one)]
        if todo:
            place, phase = todo[number % len(todo)]
            if phase.task:
                self.work_on(phase.task, good)
            else:
                self.vote(place, good)

    def near(self, key: str) -> tuple[str, ...]:
        return self.run.places(key)

    def work_on(self, task: str, good: bool) -> None:
        if self.claim(self.crew, task).rejection is not None:
            return
        token = str(self.states[StreamId(task)].phase.attempt.token)
        for _ in range(2):
            _ = self.complete(task, token) if good else self.fail(task, token)

    def vote(self, place: str, good: bool) -> None:
        said: dict[str, Any] = {"project": "shop", "run": self.run_id, "phase": place}
        self.twice(CastVote(**said, verdict="approve" if good else "reject"))
        settled = self.status(place)
        self.ask(CastVote(**said, verdict="reject" if good else "approve"))
        assert settled not in SETTLED or self.status(place) == settled, "a late vote changes nothing"

    def take_back(self, number: int) -> None:
        for one in [one for one in self.run.ledger.values() if one.undo == "undoing"]:
            if self.claim(self.crew, one.undo_task).rejection is None:
                token = str(self.states[StreamId(one.undo_task)].phase.attempt.token)
                if number % 3:
                    self.complete(one.undo_task, token)
                    continue
                self.fail(one.undo_task, token)
                self.react()
                said: dict[str, Any] = {"project": "shop", "run": self.run_id, "phase": one.place, "reason": "r"}
                self.ask(ResolveUndo(**said, how="done"))

    def check(self) -> None:
        run, of_run = self.run, self.of_run()
        assert advance(run, self.now, EXPRESSIONS).events == (), "something was decidable and was not decided"
        check_order(of_run)
        tokens = [one.event.token for one in self.log if isinstance(one.event, TaskClaimed)]
        assert tokens == sorted(set(tokens)), "tokens rise"
        made = [self.states[StreamId(task)].plan.origin for task in run.tasks]
        assert len({(one.place, one.generation) for one in made if one.purpose == "work"}) == sum(
            one.purpose == "work" for one in made
        ), "one task for each place and generation"
        assert all(isinstance(self.states[StreamId(task)], Task) for task in run.tasks)
        undone = [(one.place, one.generation) for one in of_run if isinstance(one, UndoSucceeded)]
        assert len(set(undone)) == len(undone), "an effect is taken back at most once"
        closed = [(one.place, one.generation) for one in of_run if isinstance(one, CLOSING)]
        assert len(set(closed)) == len(closed), "each place settles once in a generation"
        if run.status in TERMINAL:
            assert all(self.status(phase.key) in SETTLED for phase in self.definition.phases)
        assert run.status != "succeeded" or not stale(run)


def is_open(phase: PhaseState) -> bool:
    return phase.status == "waiting" and phase.gate is not None and not phase.gate.decision


@settings(max_examples=20, deadline=None)
@given(
    nodes=yards(),
    failure=st.sampled_from(("continue", "fail_fast")),
    at_once=st.booleans(),
    steps=st.lists(
        st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.booleans(), st.booleans()), min_size=10, max_size=20
    ),
)
def test_a_server_that_dies_between_any_two_decisions_changes_nothing(
    nodes: tuple[Node, ...], failure: str, *, at_once: bool, steps: list[Step]
) -> None:
    yard = Yard(nodes, failure, at_once=at_once)
    yard.check()
    for step in steps:
        yard.act(step)
        yard.check()
    events = yard.of_run()
    for cut in sorted({yard.chance.randint(1, len(events)) for _ in range(6)}):
        legal = fold(RUN, events[:cut])
        assert isinstance(legal, Run)
        assert thaw(RUN, freeze(legal)) == legal
        assert fold(RUN, events[cut:], legal) == yard.run
