"""What a phase needs of another project: found by grant only, and frozen once it is there."""

from typing import NamedTuple

from domain.dispatch.facts import fact_of, said
from domain.dispatch.projects import known_projects
from domain.dispatch.run_circle import circle
from domain.fact.decider import TOPIC, topic_of
from domain.fact.events import FactAwaited, FactLeft
from domain.kernel.decider import View, Write
from domain.kernel.ids import ProjectId, StreamId, is_type_id
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.definition import ExternalPhase
from domain.kernel.pipeline.flow import LatestRun, OtherRun
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.run.events import PhaseParked
from domain.run.evolve import RUN, Following, changed
from domain.run.need_events import ExternalNeedRegistered, RunAwaited
from domain.run.needs import Fact, deadline, fits, frozen, named, refused, taken
from domain.run.state import Run


class Told(NamedTuple):
    """What happens in the run, and in others."""

    events: tuple[Following, ...] = ()
    writes: tuple[Write, ...] = ()


def registered(run: Run, place: str, phase: ExternalPhase, stamp: Stamp, view: View) -> Told:
    """The phase waits, or has what it needs at once; a need that cannot be parks it."""
    need = _need(run, place, phase, stamp, view)
    if isinstance(need, str):
        return Told((_parked(run, place, need, stamp),))
    waiting = changed(run, need)
    found = resolved(waiting, place, phase, stamp, view)
    if found.events:
        return Told((need, *found.events), found.writes if need.kind == "latest" else _awaited(run, need, stamp, view))
    path = circle(run, need, view)
    if path:
        reason = f"it would wait for itself: {' waits for '.join(path)}"
        return Told((_parked(run, place, reason, stamp),))
    own = phase.model_copy(update={"key": place})
    until = deadline(own, waiting.phase(place), stamp.time)
    return Told((need, *until), _awaited(run, need, stamp, view))


def resolved(run: Run, place: str, phase: ExternalPhase, stamp: Stamp, view: View) -> Told:
    """What follows from the fact as it is known now; nothing where none fits yet."""
    state, own = run.phase(place), phase.model_copy(update={"key": place})
    need = None if state.need is None else state.need.registered
    fact = None if need is None else known(need, view)
    if need is None or fact is None:
        return Told()
    if not grants(view, ProjectId(need.project), stamp.project):
        return Told((_parked(run, place, _not_granted(phase), stamp),))  # revoked since it began to wait
    if not fits(own, fact, need.at, stamp.time):
        ended = need.kind == "run" and (fact.rolled_back or fact.outcome not in phase.external.accept)
        return Told((refused(own, state, fact, stamp.time),)) if ended else Told()
    kept = frozen(own, state, need.project, fact, stamp.time)
    # Whoever it is of has to know who counts on it, should it be taken back.
    writes = _awaited_run(run, fact.source, need.project, stamp, view) if need.kind == "latest" else ()
    return Told((kept, taken(own, state, fact, stamp.time)), writes)


def known(need: ExternalNeedRegistered, view: View) -> Fact | None:
    """What the other project says now."""
    if need.kind == "latest":
        latest = view.read(TOPIC, StreamId(need.source)).latest
        return None if latest is None else said(latest)
    other = view.read(RUN, StreamId(need.source))
    return fact_of(other) if isinstance(other, Run) else None


def left(run: Run, topic: StreamId, owner: str, stamp: Stamp, view: View) -> tuple[Write, ...]:
    """The topic need not tell the run any more, where none of its phases waits for it."""
    waits = any(
        one.status == "waiting" and one.need is not None and one.need.registered.source == topic
        for one in run.phases.values()
    )
    if waits or run.queued.run not in view.read(TOPIC, topic).awaited_by:
        return ()
    return _written(topic, FactLeft(run=run.queued.run, at=stamp.time), owner)


def _need(run: Run, place: str, phase: ExternalPhase, stamp: Stamp, view: View) -> ExternalNeedRegistered | str:
    """Whom it waits for, or why it cannot; what is not granted might as well not exist."""
    what, name = phase.external.what, phase.external.project
    owner = known_projects(view, (name,)).get(name)
    if owner is None or not grants(view, owner, stamp.project):
        return _not_granted(phase)
    wanted = named(run.phase(place))
    if isinstance(what, LatestRun):
        source: str = topic_of(owner, what.pipeline, wanted)
        words = f"{name}: the latest {what.pipeline}{f' of {wanted}' if wanted else ''}"
    elif isinstance(what, OtherRun):
        other = view.read(RUN, StreamId(wanted)) if is_type_id(wanted, RUN.prefix) else RUN.initial
        if not isinstance(other, Run) or other.queued.project != owner:
            return f"there is no run {wanted} in {name}"
        source, words = wanted, f"{name}: run {wanted}"
    else:
        return f"facts of the kind {what.kind} are not waited for yet"
    return ExternalNeedRegistered(
        place=place,
        generation=run.phase(place).generation,
        project=owner,
        kind=what.kind,
        source=source,
        pipeline=what.pipeline if isinstance(what, LatestRun) else "",
        correlation_key=wanted if isinstance(what, LatestRun) else "",
        what=words,
        at=stamp.time,
    )


def _not_granted(phase: ExternalPhase) -> str:
    return f"there is no project {phase.external.project} that lets this one need its results"


def grants(view: View, owner: ProjectId, asking: ProjectId) -> bool:
    """Whether a project lets another one need what its runs became."""
    state = view.read(PROJECT, StreamId(owner))
    return owner == asking or (isinstance(state, Project) and asking in state.needs_granted)


def _awaited(run: Run, need: ExternalNeedRegistered, stamp: Stamp, view: View) -> tuple[Write, ...]:
    if need.kind == "run":
        return _awaited_run(run, need.source, need.project, stamp, view)
    topic = StreamId(need.source)
    if run.queued.run in view.read(TOPIC, topic).awaited_by:
        return ()
    return _written(topic, FactAwaited(run=run.queued.run, project=stamp.project, at=stamp.time), need.project)


def _awaited_run(run: Run, source: str, project: str, stamp: Stamp, view: View) -> tuple[Write, ...]:
    other = view.read(RUN, StreamId(source))
    if not isinstance(other, Run) or run.queued.run in other.awaited_by or source == run.queued.run:
        return ()
    awaited = RunAwaited(by_run=run.queued.run, project=stamp.project, at=stamp.time)
    return _written(StreamId(source), awaited, project)


def _written(stream: StreamId, event: Event, project: str) -> tuple[Write, ...]:
    return (Write(stream, (event,), ProjectId(project)),)


def _parked(run: Run, place: str, reason: str, stamp: Stamp) -> PhaseParked:
    generation = run.phase(place).generation
    return PhaseParked(place=place, generation=generation, kind="definition", reason=reason, at=stamp.time)
