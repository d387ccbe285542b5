"""What becomes decidable in a run by itself: joins, conditions, skips, blocks, and its end, in the definition's order.

All of it is a function of the state that was folded from the run's events. Nothing else is remembered, so whoever folds
them anew, after whatever crash, finds the same things left to do.
"""

from typing import Final, NamedTuple, assert_never

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import PHASES_MAX, AnyPhase, MapPhase, RepeatPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.graph import Graph
from domain.run.answers import rejected_for_good
from domain.run.begin import begun, settled
from domain.run.children import is_abandoned
from domain.run.closing import Cause, closing
from domain.run.ending import settlement, taken_back
from domain.run.events import (
    ConditionEvaluated,
    Consumed,
    JoinFired,
    Outcome,
    PhaseBlocked,
    PhaseDropped,
    PhaseReady,
    PhaseSkipped,
    RunFailing,
    SkipReason,
)
from domain.run.evolve import Following, changed
from domain.run.failures import is_final_failure, is_unhandled
from domain.run.joins import InputState, input_state, verdict
from domain.run.loop_events import IterationStarted
from domain.run.loops import graph_now, iteration_over, outline_now
from domain.run.maps import steps, unwanted
from domain.run.state import SETTLED, Run
from domain.run.undo import is_undone
from domain.run.undo_events import RunHeld

ROUNDS_MAX: Final = 2 * PHASES_MAX
"""Walks through the graph: the first goes as far as the order leads, a further one for what a failure ends, and for
each map without items, one behind the other."""


BEGINNING: Final = (JoinFired, ConditionEvaluated, PhaseReady)
"""What makes nothing decidable that was not."""


class Advanced(NamedTuple):
    """What follows by itself, and the run behind it."""

    events: tuple[Following, ...]
    run: Run


def advance(run: Run, at: Instant, expressions: Expressions, autopilot: str = "observe") -> Advanced:
    """The events that follow from where the run stands; none where it waits for something.

    ``autopilot`` is the project's mode: which gates may settle without a person.
    """
    return Advance(run, at, expressions, autopilot).events()


class Advance:
    """Walks through the graph and gathers what follows; each step sees the ones before."""

    def __init__(self, run: Run, at: Instant, expressions: Expressions, autopilot: str) -> None:
        self._autopilot: Final = autopilot
        self._run = run
        self._at: Final = at
        self._expressions: Final = expressions
        outline = outline_now(run)
        self._graph: Graph = outline.now
        order = outline.now.order
        self._order: Final = tuple(key for key in order if "/" not in key) if outline.iterations else order
        """Of the definition; phases inside of loops are walked with their loop."""
        self._events: list[Following] = []

    def events(self) -> Advanced:
        for _ in range(ROUNDS_MAX):
            before = len(self._events)
            match self._run.status:
                case "running":
                    self._walk()
                case "cancelling":
                    self._close()
                case "compensating":
                    self._take_back()
                case "queued" | "paused" | "succeeded" | "failed" | "cancelled":
                    break
                case _:
                    assert_never(self._run.status)
            if all(isinstance(one, BEGINNING) for one in self._events[before:]):
                break
        return Advanced(tuple(self._events), self._run)

    def _walk(self) -> None:
        self._notice_failure()
        for key in self._order:
            if self._run.phase(key).status not in SETTLED:
                self._go_on_with(key)
                phase = self._graph.phases[key]
                if isinstance(phase, RepeatPhase):
                    self._go_round(phase)
        self._finish()

    def _go_on_with(self, key: str) -> None:
        state = self._run.phase(key)
        if state.status in SETTLED:
            return
        if state.status == "pending" and not state.dropped:
            self._look_at(self._graph.phases[key])  # nothing of it can be out
        elif self._is_out(key):
            self._go_through(key)
        elif state.dropped:
            self._stop_items(key, f"{state.dropped} goes on without it")
            self._settle(key, "cancelled", f"{state.dropped} goes on without it")
        elif state.status == "fired":
            self._begin(self._graph.phases[key])  # it was parked and let go
        elif self._ends_early(self._graph.phases[key]):
            self._stop_items(key, f"{self._run.failing} has failed")
            self._block(key, (self._run.failing,))
        else:
            self._go_through(key)

    def _go_round(self, phase: RepeatPhase) -> None:
        """Phases inside of a loop; when all have settled, its end or its next iteration."""
        while self._run.phase(phase.key).status == "waiting":
            state = self._run.phase(phase.key)
            if state.dropped or self._ends_early(phase):
                return
            inside = frozenset(state.inside)
            for place in (one for one in self._graph.order if one in inside):
                self._go_on_with(place)
            if any(self._run.phase(place).status not in SETTLED for place in inside):
                return
            failed = any(is_unhandled(self._run, self._graph, place) for place in inside)
            # An iteration in which nothing was done ends the loop, so this never goes far in one decision.
            for event in iteration_over(self._run, self._graph, phase, self._expressions, self._at, failed=failed):
                self._put(event)

    def _go_through(self, key: str) -> None:
        """Items of a map that begin, and its end; or nothing further, where it is not wanted any more."""
        phase, state = self._graph.phases[key], self._run.phase(key)
        if not isinstance(phase, MapPhase | RepeatPhase) or state.status != "waiting":
            return
        if state.dropped or self._ends_early(phase):
            self._stop_items(key, f"the {'map' if isinstance(phase, MapPhase) else 'loop'} is not wanted any more")
            return
        if isinstance(phase, RepeatPhase):
            return
        for step in steps(self._run, phase, self._at):
            self._put(step)
        for place in unwanted(self._run, phase):
            if not self._run.phase(place).dropped:
                generation = self._run.phase(place).generation
                self._put(PhaseDropped(place=place, generation=generation, because=key, at=self._at))

    def _stop_items(self, key: str, reason: str) -> None:
        for place in self._run.places(key)[1:]:
            state = self._run.phase(place)
            if state.status not in SETTLED and not self._is_busy(place):
                self._settle(place, "cancelled", reason)

    def _is_out(self, key: str) -> bool:
        """Whether a task or run of the phase, or of one of its items, is open."""
        state = self._run.phase(key)
        if not state.inside and not state.items:
            return self._is_busy(key)
        scope = self._run.scope(key)
        return any(map(self._is_busy, scope)) or any(
            self._is_busy(item) for place in scope for item in self._run.tally(place).under_way
        )

    def _is_busy(self, place: str) -> bool:
        """Whether a task or run of its own is open, and is not left to itself."""
        phases, around = self._graph.phases, place.partition("/")[0]
        return self._run.phase(place).is_out and not is_abandoned(self._run, phases.get(place) or phases[around])

    def _notice_failure(self) -> None:
        if self._run.failing or self._run.queued.definition.failure != "fail_fast":
            return
        gone = (key for key in self._order if self._run.phase(key).status == "failed")
        failed = next((key for key in gone if is_final_failure(self._run, self._graph, key)), None)
        if failed is not None:
            self._put(RunFailing(because=failed, at=self._at))

    def _look_at(self, phase: AnyPhase) -> None:
        """A phase whose join has not fired."""
        if not self._run.failing and phase.needs and self._waits_for_all(phase):
            return  # most phases of a run that has just begun: whatever their join, it waits
        inputs = self._inputs(phase)
        if self._ends_early(phase):
            self._block(phase.key, (self._run.failing,))
            return
        match verdict(phase.join.rule, phase.join.at_least, inputs):
            case "wait":
                pass
            case "fire":
                self._fire(phase, inputs)
            case "skip":
                self._skip(phase.key, self._why_skipped(phase))
            case "block":
                dead = (edge.phase for edge, one in zip(phase.needs, inputs, strict=True) if one == "dead")
                self._block(phase.key, tuple(dict.fromkeys(dead)))

    def _ends_early(self, phase: AnyPhase) -> bool:
        """Whether the run fails without it: only finalisers begin then."""
        around = self._graph.phases[phase.key.partition("/")[0]]
        return bool(self._run.failing) and around.join.rule != "settled"

    def _fire(self, phase: AnyPhase, inputs: list[InputState]) -> None:
        taken = [edge.phase for edge, one in zip(phase.needs, inputs, strict=True) if one != "open"]
        used = tuple(self._consumed(one) for one in dict.fromkeys(taken))
        generation = self._run.phase(phase.key).generation
        self._put(JoinFired(place=phase.key, generation=generation, satisfied_by=used, at=self._at))
        if phase.join.losers == "cancel":
            self._drop_losers(phase, inputs)
        self._begin(phase)

    def _drop_losers(self, phase: AnyPhase, inputs: list[InputState]) -> None:
        late = [edge.phase for edge, one in zip(phase.needs, inputs, strict=True) if one == "open"]
        for place in dict.fromkeys(late):
            state = self._run.phase(place)
            if not state.dropped:
                dropped = PhaseDropped(place=place, generation=state.generation, because=phase.key, at=self._at)
                self._put(dropped)

    def _begin(self, phase: AnyPhase) -> None:
        for event in begun(self._run, self._graph, phase, self._at, self._expressions, self._autopilot):
            self._put(event)

    def _close(self) -> None:
        """A run that is being cancelled: what nobody works on settles at once."""
        for key in self._order:
            self._stop_items(key, self._run.cancel_reason)
            if self._run.phase(key).status not in SETTLED and not self._is_out(key):
                self._settle(key, "cancelled", self._run.cancel_reason)
        if self._is_over():
            asked = self._run.rollback_requested
            asks = bool(self._run.held) and not self._run.left  # still: whoever cancelled it has not answered that
            wanted = asked or asks or self._run.queued.definition.on_cancel == "compensate"
            self._end("operator" if asked else "cancel", "cancelled", (), wanted=wanted)

    def _finish(self) -> None:
        if self._is_over():
            rejected = rejected_for_good(self._run)
            keys = (one.key for one in self._run.queued.definition.phases)
            failed = (key for key in keys if is_unhandled(self._run, self._graph, key))
            unhandled = tuple(dict.fromkeys((*rejected, *failed)))
            compensates = bool(unhandled) and self._run.queued.definition.on_failure == "compensate"
            wanted = bool(rejected) or compensates
            self._end("failure", "failed" if unhandled else "succeeded", unhandled, wanted=wanted)

    def _take_back(self) -> None:
        if not is_undone(self._run):
            return
        for event in taken_back(self._run, self._at):
            self._put(event)

    def _end(self, cause: Cause, outcome: Outcome, because: tuple[str, ...], *, wanted: bool) -> None:
        """Effects are taken back first, where that is wanted; a run that is held stays so."""
        back = closing(self._run, cause, outcome, because, self._at) if wanted else None
        if back is None:
            self._put(settlement(self._run, self._graph, self._expressions, outcome, because, self._at))
        elif not (isinstance(back, RunHeld) and self._run.held):
            self._put(back)

    def _is_over(self) -> bool:
        return all(self._run.phase(key).status in SETTLED for key in self._order)

    def _inputs(self, phase: AnyPhase) -> list[InputState]:
        return [input_state(edge, self._run.phase(edge.phase)) for edge in phase.needs]

    def _waits_for_all(self, phase: AnyPhase) -> bool:
        return SETTLED.isdisjoint([self._run.phase(edge.phase).status for edge in phase.needs])

    def _why_skipped(self, phase: AnyPhase) -> SkipReason:
        passed_by = (edge.arm is not None and self._run.phase(edge.phase).status == "succeeded" for edge in phase.needs)
        return "branch_not_taken" if any(passed_by) else "inputs_skipped"

    def _consumed(self, place: str) -> Consumed:
        return Consumed(place=place, generation=self._run.phase(place).generation)

    def _skip(self, place: str, reason: SkipReason) -> None:
        generation = self._run.phase(place).generation
        self._put(PhaseSkipped(place=place, generation=generation, reason=reason, detail="", arm="", at=self._at))

    def _block(self, place: str, causes: tuple[str, ...]) -> None:
        generation = self._run.phase(place).generation
        self._put(PhaseBlocked(place=place, generation=generation, causes=causes, at=self._at))

    def _settle(self, place: str, outcome: Outcome, reason: str) -> None:
        self._put(settled(self._run.phase(place), place, outcome, reason, self._at))

    def _put(self, event: Following) -> None:
        self._run = changed(self._run, event)
        self._events.append(event)
        if isinstance(event, IterationStarted):
            self._graph = graph_now(self._run)
