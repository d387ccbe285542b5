"""Phases that wait: for time to pass, or for a signal that somebody sends."""

from datetime import UTC, datetime
from typing import assert_never

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import WaitPhase
from domain.kernel.pipeline.expressions import Flaw
from domain.kernel.pipeline.flow import Signal, Timer
from domain.run.events import Consumed, PhaseParked, PhaseSettled, PhaseSkipped
from domain.run.gate_events import PhaseWaiting, SignalTaken, TimerKind, TimerSet
from domain.run.known import Speaker
from domain.run.state import PhaseState, Run

WaitStep = PhaseWaiting | TimerSet | SignalTaken | PhaseSettled | PhaseSkipped | PhaseParked


def awaited(phase: WaitPhase, run: Run, speaker: Speaker, at: Instant) -> tuple[WaitStep, ...] | Flaw:
    """What the phase begins with; what is there already settles it at once."""
    state, wait = run.phase(phase.key), phase.wait
    match wait:
        case Timer():
            found = _due(wait, speaker, at)
            if isinstance(found, Flaw):
                return found
            due, reads = found
            waiting = _waits(phase, state, "timer", reads, at)
            return (
                (waiting, done(phase.key, state, "", at))
                if due <= at
                else (waiting, _set(phase, state, "wait", due, at))
            )
        case Signal():
            come = run.signals.get(wait.name, ())
            if come:
                taken = SignalTaken(place=phase.key, generation=state.generation, name=wait.name, at=at)
                return (taken, done(phase.key, state, come[0], at))
            waiting = _waits(phase, state, f"signal {wait.name}", (), at)
            if wait.deadline_seconds is None:
                return (waiting,)
            late = Instant(at + int(wait.deadline_seconds * SECOND))
            return (waiting, _set(phase, state, "deadline", late, at))
        case _:
            assert_never(wait)


def elapsed(phase: WaitPhase, state: PhaseState, kind: str, at: Instant) -> tuple[WaitStep, ...]:
    """What follows once the time has come."""
    if kind == "wait" or not isinstance(phase.wait, Signal):
        return (done(phase.key, state, "", at),)
    late = f"no signal {phase.wait.name} came in time"
    place, generation = phase.key, state.generation
    match phase.wait.on_deadline:
        case "fail":
            return (done(place, state, "", at).model_copy(update={"outcome": "failed", "reason": late}),)
        case "skip":
            return (PhaseSkipped(place=place, generation=generation, reason="deadline", detail=late, arm="", at=at),)
        case "park":
            return (PhaseParked(place=place, generation=generation, kind="deadline", reason=late, at=at),)
        case _:
            assert_never(phase.wait.on_deadline)


def done(place: str, state: PhaseState, output: str, at: Instant) -> PhaseSettled:
    """What it waited for is there."""
    return PhaseSettled(
        place=place,
        generation=state.generation,
        outcome="succeeded",
        reason="",
        arm="",
        summary="",
        output=output,
        by="",
        at=at,
    )


def _waits(phase: WaitPhase, state: PhaseState, what: str, reads: tuple[Consumed, ...], at: Instant) -> PhaseWaiting:
    return PhaseWaiting(place=phase.key, generation=state.generation, what=what, reads=reads, at=at)


def _set(phase: WaitPhase, state: PhaseState, kind: TimerKind, due: Instant, at: Instant) -> TimerSet:
    return TimerSet(place=phase.key, generation=state.generation, kind=kind, due=due, at=at)


def _due(timer: Timer, speaker: Speaker, at: Instant) -> tuple[Instant, tuple[Consumed, ...]] | Flaw:
    if timer.until is None:
        return Instant(at + int((timer.seconds or 0) * SECOND)), ()
    said = speaker.tell(timer.until)
    if isinstance(said, Flaw):
        return said
    try:
        when = datetime.fromisoformat(str(said.value))
    except ValueError:
        return Flaw("value", f"{said.value!r} is no instant")
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return Instant(int(when.timestamp() * SECOND)), said.reads
