"""Phases that wait: for time to pass, or for a signal that somebody sends."""

from datetime import UTC, datetime
from typing import assert_never, cast

from pydantic_core import from_json, to_json

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import WaitPhase
from domain.kernel.pipeline.expressions import Flaw
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.flow import Signal, Timer
from domain.kernel.pipeline.graph import every_phase
from domain.kernel.pipeline.words import ValueField
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
            come = taken(phase, run, at)
            if come:
                return come
            waiting = _waits(phase, state, f"signal {wait.name}", (), at)
            if wait.deadline_seconds is None:
                return (waiting,)
            late = Instant(at + int(wait.deadline_seconds * SECOND))
            return (waiting, _set(phase, state, "deadline", late, at))
        case _:
            assert_never(wait)


def taken(phase: WaitPhase, run: Run, at: Instant) -> tuple[SignalTaken | PhaseSettled, ...]:
    """The first signal that came and fits what the phase waits for, and its end; nothing where there is none."""
    wait, state = phase.wait, run.phase(phase.key)
    if not isinstance(wait, Signal):
        return ()
    for index, content in enumerate(run.signals.get(wait.name, ())):
        said = _fitting(wait.outputs, content)
        if not isinstance(said, Flaw):
            took = SignalTaken(place=phase.key, generation=state.generation, name=wait.name, at=at, index=index)
            return (took, done(phase.key, state, said, at))
    return ()


def fitted(content: str, run: Run, name: str) -> str | Flaw:
    """What a signal carries, as JSON text; it has to fit one of the phases that wait for such a signal, or will."""
    phases = every_phase(run.queued.definition)
    waits = (phase.wait for phase in phases if isinstance(phase, WaitPhase))
    wanted = [wait for wait in waits if isinstance(wait, Signal) and wait.name == name]
    if not wanted:
        return Flaw("value", "no phase waits for such a signal")
    given: object = from_json(content) if content else {}
    if not isinstance(given, dict):
        return Flaw("type", "its content is no object")
    text = to_json(given).decode()
    found = [_fitting(wait.outputs, text) for wait in wanted]
    flaw = found[0]
    return flaw if isinstance(flaw, Flaw) and all(isinstance(one, Flaw) for one in found) else text


def _fitting(fields: tuple[ValueField, ...], content: str) -> str | Flaw:
    """The content with defaults of what is not said, as JSON text."""
    given: object = from_json(content) if content else {}
    said = fitting(fields, cast("dict[str, object]", given))
    return Flaw("value", said) if isinstance(said, str) else to_json(said).decode()


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
