"""Phases that wait for another project: what they wait for, which facts fit, and what follows from one."""

from hashlib import sha256
from typing import NamedTuple, assert_never

import orjson

from domain.kernel.ids import SECOND, Instant
from domain.kernel.pipeline.definition import ExternalPhase
from domain.kernel.pipeline.expressions import Flaw
from domain.kernel.pipeline.flow import LatestRun, OtherArtefact, OtherRun, OtherSignal, OtherTask
from domain.run.events import PhaseParked, PhaseReady, PhaseSettled, PhaseSkipped
from domain.run.gate_events import TimerSet
from domain.run.known import Said, Speaker
from domain.run.need_events import ExternalNeedResolved, FactOutcome
from domain.run.state import PhaseState
from domain.run.waits import done

_Late = PhaseSettled | PhaseSkipped | PhaseParked


class Fact(NamedTuple):
    """Something that another project says."""

    source: str
    """Id of the run or task, or of the topic of a signal or of one version of a result."""
    outcome: FactOutcome
    output: str
    """JSON text; empty where it says nothing."""
    settled_at: Instant
    rolled_back: bool = False
    generation: int = 0
    """Of a task; 0 of what has none."""


def asked(phase: ExternalPhase, state: PhaseState, speaker: Speaker, at: Instant) -> PhaseReady | Flaw:
    """What is waited for, computed here, once: the id of a run, the key of a task, a correlation key, or a name."""
    what = phase.external.what
    match what:
        case OtherRun():
            text = what.run
        case LatestRun():
            text = what.correlation_key or ""
        case OtherTask():
            text = what.task
        case OtherArtefact() | OtherSignal():
            handed = orjson.dumps({what.kind: what.name}).decode()
            return PhaseReady(place=phase.key, generation=state.generation, input=handed, reads=(), at=at)
        case _:
            assert_never(what)
    said = speaker.tell(text) if text else Said("", ())
    if isinstance(said, Flaw):
        return said
    if not isinstance(said.value, str):
        return Flaw("type", f"{text!r} is no text")
    handed = orjson.dumps({what.kind: said.value}).decode()
    return PhaseReady(place=phase.key, generation=state.generation, input=handed, reads=said.reads, at=at)


def named(state: PhaseState) -> str:
    """What ``asked`` found."""
    found: dict[str, str] = orjson.loads(state.input) if state.input else {}
    return next(iter(found.values()), "")


def deadline(phase: ExternalPhase, state: PhaseState, at: Instant) -> tuple[TimerSet, ...]:
    """Until when it is waited for, if not for ever."""
    seconds = phase.external.deadline_seconds
    if seconds is None:
        return ()
    due = Instant(at + int(seconds * SECOND))
    return (TimerSet(place=phase.key, generation=state.generation, kind="deadline", due=due, at=at),)


def fits(phase: ExternalPhase, fact: Fact, since: Instant, now: Instant) -> bool:
    """Whether the fact is one that the phase takes; ``since`` is when it began to wait."""
    wanted = phase.external
    if fact.rolled_back or fact.outcome not in wanted.accept:
        return False
    if wanted.match == "future_only" and fact.settled_at <= since:
        return False
    return wanted.max_age_seconds is None or now - fact.settled_at <= int(wanted.max_age_seconds * SECOND)


def frozen(phase: ExternalPhase, state: PhaseState, project: str, fact: Fact, at: Instant) -> ExternalNeedResolved:
    """What was taken, as it was then."""
    return ExternalNeedResolved(
        place=phase.key,
        generation=state.generation,
        project=project,
        source=fact.source,
        outcome=fact.outcome,
        source_generation=fact.generation,
        digest=f"sha256:{sha256(fact.output.encode()).hexdigest()}",
        settled_at=fact.settled_at,
        at=at,
    )


def taken(phase: ExternalPhase, state: PhaseState, fact: Fact, at: Instant) -> PhaseSettled:
    """The phase with what it has taken."""
    said = {"id": fact.source, "outcome": fact.outcome, "output": orjson.loads(fact.output) if fact.output else None}
    return done(phase.key, state, orjson.dumps(said).decode(), at)


def refused(phase: ExternalPhase, state: PhaseState, fact: Fact, at: Instant) -> PhaseSettled:
    """The one run or task that was waited for has ended otherwise than the phase accepts."""
    word = "was taken back" if fact.rolled_back else f"has {fact.outcome}" if fact.outcome == "failed" else fact.outcome
    reason = f"{fact.source} {word}, and {' or '.join(phase.external.accept)} is wanted"
    return done(phase.key, state, "", at).model_copy(update={"outcome": "failed", "reason": reason})


def too_late(phase: ExternalPhase, state: PhaseState, at: Instant) -> _Late:
    """What follows once the deadline has come."""
    reason, place, generation = f"{state.reason} did not come in time", phase.key, state.generation
    match phase.external.on_deadline:
        case "fail":
            return done(place, state, "", at).model_copy(update={"outcome": "failed", "reason": reason})
        case "skip":
            return PhaseSkipped(place=place, generation=generation, reason="deadline", detail=reason, arm="", at=at)
        case "park":
            return PhaseParked(place=place, generation=generation, kind="deadline", reason=reason, at=at)
        case _:
            assert_never(phase.external.on_deadline)
