"""One decision about a run together with its tasks: what follows in the run, and what that asks of them."""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.dispatch.lookup import states_of
from domain.dispatch.run_facts import registered
from domain.dispatch.run_given_out import GivenOut, given_out, undo_given_out
from domain.dispatch.run_record import RunRecord
from domain.dispatch.run_tasks import held_back, let_go, withdrawn, work_of
from domain.kernel.decider import View, Write
from domain.kernel.errors import Rejection
from domain.kernel.ids import StreamId
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import PHASES_MAX, AnyPhase, ExternalPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.flow import Call
from domain.kernel.pipeline.graph import key_at
from domain.kernel.pipeline.work import Work
from domain.kernel.work import Budget
from domain.project.decider import PROJECT
from domain.project.settings import DEFAULTS
from domain.project.state import Project
from domain.run.advance import advance
from domain.run.begin import settled
from domain.run.budget_events import RunBudgetReserved
from domain.run.budgets import Lack
from domain.run.children import call_of, called
from domain.run.commands import GRACE_SECONDS
from domain.run.errors import BudgetRefused
from domain.run.events import EffectRegistered, PhaseBlocked, PhaseOffered, PhaseReleased, PhaseRetried
from domain.run.evolve import Following
from domain.run.gate_events import TimerSet
from domain.run.loops import outline_now
from domain.run.state import Effect, Run
from domain.run.undo_events import UndoStarted
from domain.run.undo_order import due_undos
from domain.run.work_time import clocks, set_again
from domain.task.decider import TASK, phase_name
from domain.task.state import Task
from domain.task.waiting import folded, retried

ROUNDS_MAX: Final = 2 * PHASES_MAX
"""What a withdrawn task settles may make more decidable; each round settles a phase at least."""


GIVEN_OUT: Final = (PhaseOffered, EffectRegistered, UndoStarted, TimerSet, RunBudgetReserved)
"""What makes nothing decidable that was not: somebody has to do it first."""


class RunWalk(RunRecord):
    """What follows by itself in a run and of its tasks; each step sees the ones before."""

    def __init__(self, run: Run, stamp: Stamp, view: View, expressions: Expressions) -> None:
        super().__init__(run, stamp, view)
        self._expressions: Final = expressions
        self._outline: Final = outline_now(run)
        self._graph: Final = self._outline.whole
        project = view.read(PROJECT, StreamId(stamp.project))
        self._settings: Final = project.settings if isinstance(project, Project) else DEFAULTS
        self._touched: set[str] = set()
        """Tasks that this decision makes or takes back: what the view says of them is from before."""

    def put(self, *events: Following) -> None:
        """They happened; work that is to begin has its clocks."""
        for event in events:
            super().put(event)
            if isinstance(event, PhaseOffered | PhaseRetried | PhaseReleased):
                work = work_of(self.phase_of(event.place))
                self.put(*clocks(self.run, event.place, work, self._stamp.time))

    def go_on(self) -> None:
        """Everything that follows by itself."""
        for _ in range(ROUNDS_MAX):
            found = advance(self.run, self._stamp.time, self._expressions, self._settings.autopilot)
            self.run = found.run
            self._said += found.events
            self.settle_shares()
            before = len(self._said)  # behind what followed by itself, which has gone as far as it goes
            self._offer()
            self._withdraw()
            if all(isinstance(one, GIVEN_OUT) for one in self._said[before:]):
                break

    def hold(self) -> None:
        """Nobody claims a task of the run."""
        for stream, task in self._open_tasks().values():
            self._tell(stream, held_back(self.run.queued.run, task, self._stamp))

    def release(self) -> None:
        """Its tasks may be claimed again."""
        for stream, task in self._open_tasks().values():
            self._tell(stream, let_go(self.run.queued.run, task, self._stamp))

    def set_timers(self) -> None:
        """What is due comes later by the length of a pause, and work may be come for from now on."""
        self.put(*set_again(self.run, self._places(), self._scope(), self._stamp.time))

    def try_again(self, place: str) -> Rejection | None:
        """The task of a place begins a new generation of its own; a paused run holds it. Or why there is no budget."""
        stream, work = StreamId(self.run.phase(place).task), work_of(self.phase_of(place))
        task = self._view.read(TASK, stream)
        if isinstance(task, Task) and phase_name(task) in ("failed", "parked"):
            own = Budget() if work is None else work.task.budget
            granted = self.granted(place, own)
            if isinstance(granted, Lack):
                return BudgetRefused(run=self.run.queued.run, reason=granted.reason)
            self.set_aside(stream, place, granted)
            self._touched.add(stream)
            again = retried(task, None if granted is None else granted.whole, self._stamp.time)
            paused = self.run.status == "paused"
            held = held_back(self.run.queued.run, folded(task, again), self._stamp) if paused else ()
            self._tell(stream, (*again, *held))
        return None

    def phase_of(self, place: str) -> AnyPhase:
        """What the definition says of a place."""
        return self._outline.phases[key_at(place)]

    def settle(self, stream: StreamId, *writes: Write) -> None:
        """What this decision does to a task of the run: nothing else is done to it here."""
        self._touched.add(stream)
        self._others += writes

    def give_up(self, place: str, reason: str) -> None:
        """The tasks of a place and of its items are not wanted any more, whatever becomes of the place."""
        for stream, task in self._open_tasks(self.run.places(place)).values():
            self.settle(stream, *withdrawn(stream, task, reason, 0, self._stamp, self._view))

    def _offer(self) -> None:
        """A task for every phase that is ready, in the order of the definition; or for the effects whose turn it is."""
        while self.run.status == "compensating" and (due := due_undos(self.run)):
            for entry in due:
                self.undo_again(entry)
                if self.run.ledger[entry.key].undo == "failed":
                    break  # what else may begin is asked anew
        if self.run.status != "running":
            return
        ready = tuple(place for place in self._ready() if not self._is_dropped(place))
        for index, place in enumerate(ready):
            phase = self.phase_of(place)
            work, call = work_of(phase), call_of(phase)
            if work is not None:
                self._work(place, work, len(ready) - index)
            elif call is not None:
                self._call(place, call, len(ready) - index)
            elif isinstance(phase, ExternalPhase):
                events, writes = registered(self.run, place, phase, self._stamp, self._view)
                self._others += writes
                self.put(*events)

    def _work(self, place: str, work: Work, sharing: int) -> None:
        granted = self.budget_for(place, work.task.budget, sharing)
        if isinstance(granted, Lack):
            return
        length, cases = self._outline.path_lengths[place.partition("/")[0]], self._settings.ignoring_case
        given = given_out(self.run, place, work, length, self._stamp, cases, granted)
        self._give_out(given)
        if given.made is not None:
            self.set_aside(given.made.writes[0].stream, place, granted)

    def _call(self, place: str, call: Call, sharing: int) -> None:
        granted = self.budget_for(place, call.budget, sharing)
        if isinstance(granted, Lack):
            return
        began = called(self.run, place, self._stamp.time)
        self.put(*began)
        self.set_aside(began[0].child, place, granted)

    def undo_again(self, entry: Effect) -> None:
        """A task that takes the effect back; none where nobody had begun what it would undo."""
        task = TASK.initial if entry.is_run else self._view.read(TASK, StreamId(entry.task))
        work = entry.work or (None if entry.is_run else work_of(self.phase_of(entry.place)))
        cases = self._settings.ignoring_case
        self._give_out(undo_given_out(self.run, entry, work, task, self._stamp, cases))

    def _give_out(self, given: GivenOut) -> None:
        self.put(*given.events)
        if given.made is not None:
            self.settle(given.made.writes[0].stream, *given.made.writes)
            self._keys += given.made.keys

    def _withdraw(self) -> None:
        """Tasks that are not wanted any more: of a run that is cancelled or failing, of inputs that came too late."""
        if self.run.status == "cancelling":
            self._withdraw_from(tuple(self._open_tasks()), self.run.cancel_reason, GRACE_SECONDS)
        elif self.run.status == "running":
            if any(self.run.phase(place).dropped for place in self._scope()) or self._drops_items():
                dropped = tuple(place for place in self._out() if self._is_dropped(place))
                self._withdraw_from(dropped, "what it feeds went on without it", GRACE_SECONDS)
            if self.run.failing:
                self._fail_fast()

    def _fail_fast(self) -> None:
        cut = self.run.queued.definition.live_attempts == "cancel"
        late = tuple(
            place for place in self._out() if self._graph.phases[place.partition("/")[0]].join.rule != "settled"
        )
        self._withdraw_from(late, f"{self.run.failing} has failed", GRACE_SECONDS if cut else None)

    def _withdraw_from(self, places: tuple[str, ...], reason: str, grace_seconds: int | None) -> None:
        at = self._stamp.time
        for place, (stream, task) in self._open_tasks(places).items():
            writes = withdrawn(stream, task, reason, self._grace(grace_seconds), self._stamp, self._view)
            self._others += writes
            self._touched.add(stream)
            if not writes or any(write.stream != stream for write in writes):
                continue  # somebody works on it: the run is told when that is over
            state = self.run.phase(place)
            if self.run.failing and not self._is_dropped(place) and self.run.status == "running":
                causes = (self.run.failing,)
                self.put(PhaseBlocked(place=place, generation=state.generation, causes=causes, at=at))
            else:
                self.put(settled(state, place, "cancelled", reason, at))

    def _grace(self, grace_seconds: int | None) -> int | None:
        return grace_seconds if self.run.status != "cancelling" else self.run.cancel_grace_seconds

    def _places(self) -> Iterator[str]:
        """Phases in the order of the graph, each with its items."""
        return (place for key in self._graph.order for place in self.run.places(key))

    def _drops_items(self) -> bool:
        return bool(self.run.tallies) and any(self.run.tally(place).dropped for place in self._scope())

    def _is_dropped(self, place: str) -> bool:
        """Whether what it feeds, or what it is an item of, goes on without it."""
        return bool(self.run.phase(place).dropped or self.run.phase(place.partition("/")[0]).dropped)

    def _ready(self) -> tuple[str, ...]:
        """Places whose work may be given out; items that are done or have not begun are not looked at."""
        found: list[str] = []
        for place in self._scope():
            state = self.run.phase(place)
            if state.status == "ready":
                found.append(place)
            elif state.items:
                found += (one for one in self.run.tally(place).ready if self.run.phase(one).status == "ready")
        return tuple(found)

    def _out(self) -> tuple[str, ...]:
        """Places whose task is open, but those that this decision has touched."""
        near = ((place, *sorted(self.run.tally(place).under_way)) for place in self._scope())
        states = ((one, self.run.phase(one)) for group in near for one in group)
        return tuple(
            one for one, state in states if state.is_out and not state.child and state.task not in self._touched
        )

    def _scope(self) -> Iterable[str]:
        """Phases in the order of the graph, those inside of loops with their loop."""
        order = self._graph.order
        return (place for key in order for place in self.run.scope(key)) if self._outline.loops else order

    def _open_tasks(self, places: tuple[str, ...] | None = None) -> dict[str, tuple[StreamId, Task]]:
        """Their tasks by place; all, or those of some places. Each that is looked at is checked by the append."""
        wanted = None if places is None else frozenset(places)
        out = (place for place in self._out() if wanted is None or place in wanted)
        streams = {place: StreamId(self.run.phase(place).task) for place in out}
        states = states_of(self._view, streams.values())
        found = ((place, stream, states[stream]) for place, stream in streams.items())
        return {place: (stream, state) for place, stream, state in found if isinstance(state, Task)}
