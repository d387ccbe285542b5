"""Figures of runs and of the work under way: counted as this node appends, so that those of all nodes add up."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from domain.kernel.ids import SECOND, Instant, StreamId, prefix
from domain.kernel.message import Event
from domain.run.account import UNITS, amount
from domain.run.budget_events import RunBudgetSettled
from domain.run.events import JoinFired, PhaseSettled
from domain.run.gate_events import GateDecided
from domain.run.state import Run
from domain.run.undo_events import UndoFailed, UndoResolved, UndoSucceeded
from domain.session.events import SessionLost
from domain.task.events import LateReportDiscarded, TaskAttemptEnded, TaskClaimed, TaskCompleted
from domain.task.state import Task
from infrastructure.runtime.settle import Place

LONG_BUCKETS: Final = (0.01, 0.1, 0.5, 1, 5, 10, 60, 600, 3_600, 21_600, 86_400)
"""Seconds."""
LOST_MAX: Final = 10_000
"""Tasks whose session was lost and that nobody has taken since; the oldest are forgotten first."""
RUN_STATES: Final = ("queued", "running", "paused", "cancelling", "compensating", "succeeded", "failed", "cancelled")
OPEN_PHASES: Final = ("pending", "ready", "offered", "waiting", "parked")
GATE_CLASSES: Final = ("merge", "staging", "production", "strategic")


class RunFigures:
    """Counters that grow with each append of the node, and gauges that somebody sets before they are read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"signalbox_{name}", words, labels, registry=registry)

        def histogram(name: str, words: str, *labels: str) -> Histogram:
            return Histogram(f"signalbox_{name}", words, labels, registry=registry, buckets=LONG_BUCKETS)

        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(f"signalbox_{name}", words, labels, registry=registry)

        self._pickup = histogram("phase_pickup_seconds", "From ready to claimed, of work of runs")
        self._duration = histogram("phase_duration_seconds", "From the fired join to the settlement", "outcome")
        self._attempts = counter("phase_attempts", "Attempts at work of runs that have ended, by how", "kind")
        self._join_wait = histogram("join_wait_seconds", "From the first input that settled to the fired join")
        self._decisions = counter("gate_decisions", "Questions decided", "decision", "how")
        self._undo = counter("undo", "Effects taken back, or not", "result")
        self._lost = counter("lease_lost", "Sessions that were lost")
        self._late = counter("late_results", "Reports of attempts whose token was not the live one")
        self._recovery = histogram("recovery_seconds", "From the loss of a session to the next claim of its task")
        self._spent = counter("budget_spent", "Spent of the budgets of runs, when it was settled", "unit")
        self._reserved = gauge("budget_reserved", "Set aside by runs for work under way", "unit")
        self._runs = gauge("pipeline_runs", "Runs by state", "state")
        self._phases = gauge("pipeline_phase_state", "Phases and items that have not settled, by state", "state")
        self._parked = gauge("phase_parked", "Phases and items that a person has to look at")
        self._gates = gauge("gate_open", "Questions that stand", "class")
        self._gate_age = gauge("gate_age_seconds", "Age of the question that has stood longest; 0 where none stands")
        self._lost_at: OrderedDict[str, Instant] = OrderedDict()
        self._state_of: Callable[[StreamId], Any] = lambda _stream: None
        self._told: Final[Mapping[type[Event], Callable[[StreamId, Any], None]]] = {
            TaskClaimed: self._claimed,
            TaskCompleted: self._completed,
            TaskAttemptEnded: self._attempt_ended,
            JoinFired: self._fired,
            PhaseSettled: self._settled,
            GateDecided: self._decided_gate,
            RunBudgetSettled: self._settled_budget,
            UndoSucceeded: self._undone,
            UndoFailed: self._undone,
            UndoResolved: self._undone,
            SessionLost: lambda _stream, _event: self._lost.inc(),
            LateReportDiscarded: lambda _stream, _event: self._late.inc(),
        }

    def watch(self, state_of: Callable[[StreamId], Any]) -> None:
        """Where the states of what was appended are known; what is not in memory there is not told apart."""
        self._state_of = state_of

    def restored(self, stream: StreamId, state: Any) -> None:
        """What fell was never counted."""

    def committed(self, places: Sequence[Place], position: int) -> None:
        """Count what this node has just appended."""
        for stream, _, event, _ in places:
            told = self._told.get(type(event))
            if told is not None:
                told(StreamId(stream), event)

    def stand(
        self, *, runs: Mapping[str, int], phases: Mapping[str, int], gates: Mapping[str, int], oldest_seconds: float
    ) -> None:
        """How runs, open phases and open gates stand in the whole store, by state and class."""
        for state in RUN_STATES:
            self._runs.labels(state).set(runs.get(state, 0))
        for state in OPEN_PHASES:
            self._phases.labels(state).set(phases.get(state, 0))
        for name in GATE_CLASSES:
            self._gates.labels(name).set(gates.get(name, 0))
        self._parked.set(phases.get("parked", 0))
        self._gate_age.set(oldest_seconds)

    def set_aside(self, amounts: Mapping[str, float]) -> None:
        """What runs have set aside in the whole store, by unit."""
        for unit in UNITS:
            self._reserved.labels(unit).set(amounts.get(unit, 0))

    def _is_of_run(self, stream: StreamId) -> bool:
        task = self._state_of(stream)
        return isinstance(task, Task) and task.plan.origin is not None

    def _claimed(self, stream: StreamId, event: TaskClaimed) -> None:
        lost = self._lost_at.pop(stream, None)
        if lost is not None:
            self._recovery.observe(_seconds(lost, event.at))
        if event.ready_at is not None and self._is_of_run(stream):
            self._pickup.observe(_seconds(event.ready_at, event.at))

    def _completed(self, stream: StreamId, event: TaskCompleted) -> None:
        if self._is_of_run(stream):
            self._attempts.labels("completed").inc()

    def _attempt_ended(self, stream: StreamId, event: TaskAttemptEnded) -> None:
        if event.kind == "session_lost":
            self._lost_at[stream] = event.at
            if len(self._lost_at) > LOST_MAX:
                self._lost_at.popitem(last=False)
        if self._is_of_run(stream):
            self._attempts.labels(event.kind).inc()

    def _fired(self, stream: StreamId, event: JoinFired) -> None:
        run = self._state_of(stream)
        if not isinstance(run, Run):
            return
        settled = [run.phase(one.place).settled_at for one in event.satisfied_by]
        known = [at for at in settled if at is not None]
        if known:
            self._join_wait.observe(_seconds(min(known), event.at))

    def _settled(self, stream: StreamId, event: PhaseSettled) -> None:
        run = self._state_of(stream)
        fired = run.phase(event.place).fired_at if isinstance(run, Run) else None
        if fired is not None:
            self._duration.labels(event.outcome).observe(_seconds(fired, event.at))

    def _settled_budget(self, _stream: StreamId, event: RunBudgetSettled) -> None:
        if prefix(event.payee) == "run":
            return  # it has counted what it spent itself
        for unit in UNITS:
            self._spent.labels(unit).inc(amount(event.spent, unit))

    def _decided_gate(self, _stream: StreamId, event: GateDecided) -> None:
        self._decisions.labels(event.decision, event.how).inc()

    def _undone(self, _stream: StreamId, event: UndoSucceeded | UndoFailed | UndoResolved) -> None:
        match event:
            case UndoSucceeded():
                self._undo.labels("undone").inc()
            case UndoFailed():
                self._undo.labels("failed").inc()
            case UndoResolved():
                self._undo.labels(event.how).inc()
            case _:
                assert_never(event)


def _seconds(since: Instant, until: Instant) -> float:
    return max(0, until - since) / SECOND
