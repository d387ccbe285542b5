"""Trees of runs whose server dies anywhere and hears all twice, in any order: they end as they always do."""

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import AGGREGATES, POLICIES
from domain.kernel.decider import fold
from domain.kernel.ids import ProjectId, StreamId, prefix
from domain.kernel.pipeline.definition import ExternalPhase, JoinPhase, MapPhase, RepeatPhase
from domain.kernel.pipeline.flow import Call, External, Join, Map
from domain.kernel.pipeline.graph import key_at
from domain.kernel.policy import Cause, Policy, derived_stamp
from domain.project.commands import GrantNeeds
from domain.run.advance import advance
from domain.run.commands import PauseRun, ResumeRun
from domain.run.evolve import RUN
from domain.run.need_events import ExternalNeedResolved
from domain.run.rework import stale
from domain.run.state import SETTLED, TERMINAL, PhaseState, Run
from domain.run.undo_events import UndoSucceeded
from domain.task.commands import ClaimTask, CompleteTask, FailTask
from domain.task.events import TaskClaimed
from domain.task.state import Ready, Task
from infrastructure.expressions.conditions import CelExpressions
from infrastructure.runtime.state_codec import freeze, thaw
from tests.properties.test_run_invariants import UNDO
from tests.support.nested import Yard, nested
from tests.support.runs import edges, work

EXPRESSIONS = CelExpressions()
KINDS = ("work", "leaf", "branch", "mapped", "loop", "external", "join")
WORKS = ("p0", "p1", "p2", "p3", "x", "y", "w", "make", "part")
STEPS_MAX = 4_000
TROUBLES_MAX = 12
"""Deaths and pauses; from then on it has to come to an end."""
Node = tuple[str, tuple[int, ...]]


@st.composite
def trees(draw: Any) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        before = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=2)) if number else []
        nodes.append((draw(st.sampled_from(KINDS)), tuple(before)))
    return tuple(nodes)


def undone(key: str, *needs: str) -> Any:
    return work(key, *needs, effect="idempotent", undo=UNDO)


def phase_of(number: int, kind: str, before: tuple[int, ...]) -> Any:
    key, needs = f"p{number}", tuple(f"p{one}" for one in before)
    match kind:
        case "leaf" | "branch":
            return nested(key, *needs, pipeline=kind)
        case "mapped":
            return MapPhase(key=key, needs=edges(needs), map=Map(over="['a', 'b']", each=Call(pipeline="leaf")))
        case "loop":
            inner = (nested(f"sub{number}", pipeline="leaf"),)
            return RepeatPhase(key=key, needs=edges(needs), phases=inner, until="iteration == 2", max_iterations=2)
        case "external":
            said = {
                "project": "core",
                "what": {"kind": "latest", "pipeline": "build"},
                "accept": ["succeeded", "failed"],
            }
            return ExternalPhase(key=key, needs=edges(needs), external=External.model_validate(said, strict=False))
        case "join":
            return JoinPhase(key=key, needs=edges(needs), join=Join(rule="settled" if needs else "all"))
        case _:
            return undone(key, *needs)


class Forest(Yard):
    """Two projects; ``shop`` has a tree of runs three deep, part of which waits for the tree of ``core``."""

    def __init__(self, nodes: tuple[Node, ...], bad: frozenset[str], back: str, seed: int | None) -> None:
        """``bad`` are the keys of work that fails. Without a seed all is answered at once, in order, and once."""
        self.chance: random.Random | None = None
        self.pending: list[tuple[int, Policy]] = []
        self.troubles = TROUBLES_MAX
        super().__init__()
        self.bad = bad
        self.core = self.a_project("core", 0)
        said: dict[str, Any] = {"failure": "continue", "on_failure": back}
        self.publish("leaf", undone("x"), undone("y", "x"), **said)
        self.publish("branch", undone("w"), nested("sub", "w", pipeline="leaf"), **said)
        self.publish("part", undone("part"), project=self.core, **said)
        self.publish("build", undone("make"), nested("sub", "make", pipeline="part"), project=self.core, **said)
        self.publish("outer", *(phase_of(number, *node) for number, node in enumerate(nodes)), **said)
        self.do(GrantNeeds(project=self.core, to="shop"), project=self.core)
        self.crews = {self.project: self.crew, self.core: self.crew_of("crew of core", self.core)}
        self.chance = None if seed is None else random.Random(seed)
        self.roots = [self.start("outer"), self.start("build", project=self.core)]

    def react(self) -> None:
        """What follows is put down; who comes to it, and when, is left to chance."""
        if self.chance is None:
            super().react()
            return
        for position in range(self.answered, len(self.log)):
            event = self.log[position].event
            self.pending += [(position, policy) for policy in POLICIES if isinstance(event, policy.answers)]
        self.answered = len(self.log)

    def deliver(self, chance: random.Random) -> None:
        """One policy answers one event, as things stand now; what it asks is asked once or twice."""
        position, policy = self.pending.pop(chance.randrange(len(self.pending)))
        one = self.log[position]
        cause = Cause(one.stream, one.version, one.event, one.project)
        for derived in policy.react(cause, self):
            for _ in range(chance.randint(1, 2)):
                self.when(derived.command, derived_stamp(policy.name, cause, derived, self.now, "test"))
        self.react()

    def die(self, chance: random.Random) -> None:
        """Memory is lost: states come from the log, runs from snapshots, and what follows is looked for anew."""
        streams: dict[StreamId, list[Any]] = {}
        for one in self.log:
            streams.setdefault(one.stream, []).append(one.event)
        for stream, events in streams.items():
            aggregate = AGGREGATES[prefix(stream)]
            folded = fold(aggregate, tuple(events))
            assert folded == self.states[stream], "folded twice is the same"
            self.states[stream] = thaw(RUN, freeze(folded)) if isinstance(folded, Run) else folded
        # The reactor goes on behind what it has noted; what was under way in memory is gone.
        first = min((position for position, _ in self.pending), default=len(self.log))
        self.pending = []
        self.answered = min(first, chance.randint(max(0, len(self.log) - 20), len(self.log)))
        self.react()

    def todo(self) -> list[tuple[StreamId, Task]]:
        """Work that somebody may take."""
        tasks = ((stream, state) for stream, state in self.states.items() if isinstance(state, Task))
        return [(stream, task) for stream, task in tasks if isinstance(task.phase, Ready)]

    def do_work(self, stream: StreamId, task: Task, times: int) -> None:
        """Somebody takes it and reports as this work always goes."""
        project = ProjectId(task.plan.project)
        claim = ClaimTask(project=project, session=self.crews[project], incarnation=1, task=stream)
        if self.ask(claim, project=project).rejection is not None:
            return
        said: dict[str, Any] = {"project": project, "task": stream, "token": self.token_of(stream)}
        origin = task.plan.origin
        goes_wrong = origin is not None and origin.purpose == "work" and key_at(origin.place) in self.bad
        done = FailTask(**said, kind="agent", reason="it broke") if goes_wrong else CompleteTask(**said)
        for _ in range(times):
            self.ask(done, project=project)
        self.react()

    def token_of(self, stream: StreamId) -> str:
        return str(self.states[stream].phase.attempt.token)

    def runs(self) -> dict[StreamId, Run]:
        return {stream: state for stream, state in self.states.items() if isinstance(state, Run)}

    def steer(self, chance: random.Random) -> None:
        """A run is paused or goes on, twice over."""
        run = chance.choice(sorted(self.runs()))
        project = ProjectId(self.run(run).queued.project)
        verb = chance.choice((PauseRun, ResumeRun))
        for _ in range(2):
            self.ask(verb(project=project, run=run), project=project)
        self.react()

    def walk(self) -> None:
        """Until nothing is left to do."""
        chance = self.chance
        for _ in range(STEPS_MAX):
            todo = self.todo()
            paused = [one for one, state in self.runs().items() if state.status == "paused"]
            if not (todo or self.pending or paused):
                return
            if chance is None:
                self.do_work(*todo[0], times=1)
                continue
            match chance.choices(("deliver", "work", "die", "steer"), (12, 8, 1, 1))[0]:
                case "deliver" if self.pending:
                    self.deliver(chance)
                case "work" if todo:
                    self.do_work(*chance.choice(todo), times=chance.randint(1, 2))
                case "die" if self.troubles:
                    self.troubles -= 1
                    self.die(chance)
                case "steer" if self.troubles:
                    self.troubles -= 1
                    self.steer(chance)
                case _ if paused and not todo and not self.pending:
                    run = chance.choice(paused)
                    project = ProjectId(self.run(run).queued.project)
                    self.ask(ResumeRun(project=project, run=run), project=project)
                    self.react()
                case _:
                    pass
        raise AssertionError("it never ends")

    def outcome(self, name: str) -> Any:
        """How a run ended, with all below it, without its id."""
        run = self.run(name)
        phases = {place: self._phase(state) for place, state in sorted(run.phases.items())}
        effects = {(one.place, one.generation): (one.undo, one.left) for one in run.ledger.values()}
        back = self.outcome(run.rolled_back_by) if run.rolled_back_by else None
        return run.status, run.because, phases, effects, back, sorted(run.awaited_by.values())

    def _phase(self, state: PhaseState) -> Any:
        child = self.outcome(state.child) if state.child and StreamId(state.child) in self.states else None
        return state.status, state.generation, child

    def check(self) -> None:
        """What holds whatever happened."""
        of = Counter(
            (one.queued.parent.run, one.queued.parent.place, one.queued.parent.purpose, one.queued.parent.generation)
            for one in self.runs().values()
            if one.queued.parent
        )
        assert all(count == 1 for count in of.values()), "one run for each place and generation"
        undone_by = [
            (one.stream, one.event.place, one.event.generation)
            for one in self.log
            if isinstance(one.event, UndoSucceeded)
        ]
        assert len(set(undone_by)) == len(undone_by), "an effect is taken back at most once"
        taken = [(one.stream, one.event.place) for one in self.log if isinstance(one.event, ExternalNeedResolved)]
        assert len(set(taken)) == len(taken), "a fact is taken once"
        tokens = [
            one.event.token for one in self.log if isinstance(one.event, TaskClaimed) and one.project == self.core
        ]
        assert tokens == sorted(set(tokens)), "tokens rise"
        for run in self.runs().values():
            assert run.status in TERMINAL, f"{run.queued.pipeline} is {run.status}"
            assert advance(run, self.now, EXPRESSIONS).events == ()
            assert run.queued.rolls_back or all(
                run.phase(phase.key).status in SETTLED for phase in run.queued.definition.phases
            )
            assert run.status != "succeeded" or not stale(run)


@settings(max_examples=12, deadline=None)
@given(
    nodes=trees(),
    bad=st.frozensets(st.sampled_from(WORKS), max_size=3),
    back=st.sampled_from(("nothing", "compensate")),
    seed=st.integers(0, 2**32),
)
def test_a_tree_of_runs_ends_as_it_always_does_whenever_its_server_dies_and_whatever_comes_twice(
    nodes: tuple[Node, ...], bad: frozenset[str], back: str, seed: int
) -> None:
    calm, stormy = Forest(nodes, bad, back, None), Forest(nodes, bad, back, seed)
    for forest in (calm, stormy):
        forest.walk()
        forest.check()
    assert [stormy.outcome(run) for run in stormy.roots] == [calm.outcome(run) for run in calm.roots]
