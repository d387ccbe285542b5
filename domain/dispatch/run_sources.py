"""Where what a phase needs of another project is found, what is said there now, and who is known to wait there."""

from typing import NamedTuple, assert_never

import orjson

from domain.dispatch.facts import fact_of, said
from domain.dispatch.lookup import find_task
from domain.fact.decider import TOPIC, artefact_topic, signal_topic, topic_of, version_topic
from domain.fact.events import ArtefactPublished, FactAwaited
from domain.kernel.decider import View, Write
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.definition import ExternalPhase
from domain.kernel.pipeline.flow import LatestRun, OtherArtefact, OtherRun, OtherSignal, OtherTask
from domain.kernel.versions import is_within, numbers_of
from domain.run.evolve import RUN
from domain.run.need_events import ExternalNeedRegistered, FactOutcome, NeedKind, RunAwaited
from domain.run.needs import Fact
from domain.run.state import Run
from domain.task.awaited_events import TaskAwaited
from domain.task.decider import TASK
from domain.task.state import Settled, Task


class Sought(NamedTuple):
    """What is waited for, and where it will be said."""

    kind: NeedKind
    source: str
    words: str
    pipeline: str = ""
    correlation_key: str = ""


def sought(phase: ExternalPhase, owner: ProjectId, wanted: str, view: View) -> Sought | str:
    """Where it is said; or why it is nowhere. ``wanted`` is what the phase has computed: an id, a key, a name."""
    what, name = phase.external.what, phase.external.project
    match what:
        case LatestRun():
            words = f"{name}: the latest {what.pipeline}{f' of {wanted}' if wanted else ''}"
            return Sought("latest", topic_of(owner, what.pipeline, wanted), words, what.pipeline, wanted)
        case OtherRun():
            other = view.read(RUN, StreamId(wanted)) if is_type_id(wanted, RUN.prefix) else RUN.initial
            if not isinstance(other, Run) or other.queued.project != owner:
                return f"there is no run {wanted} in {name}"
            return Sought("run", wanted, f"{name}: run {wanted}")
        case OtherTask():
            found = find_task(view, owner, wanted)
            if isinstance(found, UnknownThing):
                return f"there is no task {wanted} in {name}"
            return Sought("task", found[0], f"{name}: task {wanted}")
        case OtherArtefact():
            words = f"{name}: {what.name}{f' {what.constraint}' if what.constraint else ''}"
            return Sought("artefact", artefact_topic(owner, what.name), words)
        case OtherSignal():
            return Sought("signal", signal_topic(owner, what.name), f"{name}: signal {what.name}")
        case _:
            assert_never(what)


def known(need: ExternalNeedRegistered, phase: ExternalPhase, view: View) -> tuple[Fact, ...]:
    """What the other project says now, the best first."""
    match need.kind:
        case "run":
            other = view.read(RUN, StreamId(need.source))
            found = fact_of(other) if isinstance(other, Run) else None
        case "latest":
            latest = view.read(TOPIC, StreamId(need.source)).latest
            found = None if latest is None else said(latest)
        case "task":
            task = view.read(TASK, StreamId(need.source))
            found = task_fact(need.source, task) if isinstance(task, Task) else None
        case "artefact":
            return _artefacts(need, phase, view)
        case "signal":
            sent = view.read(TOPIC, StreamId(need.source)).signal
            found = None if sent is None else Fact(need.source, "succeeded", sent.content, sent.at)
        case _:
            assert_never(need.kind)
    return () if found is None else (found,)


def task_fact(name: str, task: Task) -> Fact | None:
    """How a task has ended, with what it said and left; one that may still be reported has not."""
    phase = task.phase
    if not isinstance(phase, Settled) or phase.leaving is not None:
        return None
    outcome: FactOutcome = "succeeded" if phase.outcome == "completed" else phase.outcome
    left = [{"name": one.name, "uri": one.uri, "digest": one.digest} for one in task.artifacts]
    told = {"said": orjson.loads(phase.output) if phase.output else None, "artifacts": left}
    return Fact(name, outcome, orjson.dumps(told).decode(), phase.at or Instant(0), generation=task.generation)


def awaited(run: Run, need: ExternalNeedRegistered, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """The other side knows that the run waits, or has taken it; nothing where it knows."""
    stream, name = StreamId(need.source), run.queued.run
    event: Event
    match need.kind:
        case "run":
            other = view.read(RUN, stream)
            knows = not isinstance(other, Run) or name in other.awaited_by or need.source == name
            event = RunAwaited(by_run=name, project=stamp.project, at=stamp.time)
        case "task":
            task = view.read(TASK, stream)
            knows = not isinstance(task, Task) or name in task.awaited_by
            event = TaskAwaited(run=name, project=stamp.project, at=stamp.time)
        case "latest" | "artefact" | "signal":
            knows = name in view.read(TOPIC, stream).awaited_by
            event = FactAwaited(run=name, project=stamp.project, at=stamp.time)
        case _:
            assert_never(need.kind)
    return () if knows else (Write(stream, (event,), ProjectId(need.project)),)


def counted_on(run: Run, need: ExternalNeedRegistered, fact: Fact, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """Whoever it is of has to know who counts on it, should it be taken back; a signal never is."""
    if need.kind == "latest":
        return awaited(run, need.model_copy(update={"kind": "run", "source": fact.source}), stamp, view)
    if need.kind in ("run", "task", "artefact"):
        return awaited(run, need.model_copy(update={"source": fact.source}), stamp, view)
    return ()


def _artefacts(need: ExternalNeedRegistered, phase: ExternalPhase, view: View) -> tuple[Fact, ...]:
    """Versions that fit and hold, the highest first."""
    what, topic = phase.external.what, view.read(TOPIC, StreamId(need.source))
    if not isinstance(what, OtherArtefact):
        return ()
    fit = (one for one in topic.artefacts.values() if is_within(one.version, what.constraint))
    there = sorted((one for one in fit if one.version not in topic.withdrawn), key=_rank, reverse=True)
    return tuple(_artefact(need.project, one) for one in there)


def _rank(one: ArtefactPublished) -> tuple[int, ...]:
    return numbers_of(one.version)


def _artefact(project: str, one: ArtefactPublished) -> Fact:
    told = {"name": one.name, "version": one.version, "uri": one.uri, "digest": one.digest}
    return Fact(version_topic(project, one.name, one.version), "succeeded", orjson.dumps(told).decode(), one.at)
