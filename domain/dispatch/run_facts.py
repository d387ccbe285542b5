"""What a phase needs of another project: found by grant only, and frozen once it is there."""

from typing import NamedTuple

from domain.dispatch.projects import known_projects
from domain.dispatch.run_circle import circle
from domain.dispatch.run_sources import awaited, counted_on, known, sought
from domain.fact.decider import TOPIC
from domain.fact.events import FactLeft
from domain.kernel.decider import View, Write
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.definition import ExternalPhase
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.run.events import PhaseParked
from domain.run.evolve import Following, changed
from domain.run.need_events import ExternalNeedRegistered
from domain.run.needs import deadline, fits, frozen, named, refused, taken
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
        return Told((need, *found.events), found.writes)
    path = circle(run, need, view)
    if path:
        reason = f"it would wait for itself: {' waits for '.join(path)}"
        return Told((_parked(run, place, reason, stamp),))
    own = phase.model_copy(update={"key": place})
    until = deadline(own, waiting.phase(place), stamp.time)
    return Told((need, *until), awaited(run, need, stamp, view))


def resolved(run: Run, place: str, phase: ExternalPhase, stamp: Stamp, view: View) -> Told:
    """What follows from the fact as it is known now; nothing where none fits yet."""
    state, own = run.phase(place), phase.model_copy(update={"key": place})
    need = None if state.need is None else state.need.registered
    facts = () if need is None else known(need, phase, view)
    if need is None or not facts:
        return Told()
    if not grants(view, ProjectId(need.project), stamp.project):
        return Told((_parked(run, place, _not_granted(phase), stamp),))  # revoked since it began to wait
    fact = next((one for one in facts if fits(own, one, need.at, stamp.time)), None)
    if fact is None:
        ended = need.kind in ("run", "task") and (facts[0].rolled_back or facts[0].outcome not in phase.external.accept)
        return Told((refused(own, state, facts[0], stamp.time),)) if ended else Told()
    kept = frozen(own, state, need.project, fact, stamp.time)
    return Told((kept, taken(own, state, fact, stamp.time)), counted_on(run, need, fact, stamp, view))


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
    name = phase.external.project
    owner = known_projects(view, (name,)).get(name)
    if owner is None or not grants(view, owner, stamp.project):
        return _not_granted(phase)
    found = sought(phase, owner, named(run.phase(place)), view)
    if isinstance(found, str):
        return found
    return ExternalNeedRegistered(
        place=place,
        generation=run.phase(place).generation,
        project=owner,
        kind=found.kind,
        source=found.source,
        pipeline=found.pipeline,
        correlation_key=found.correlation_key,
        what=found.words,
        at=stamp.time,
    )


def _not_granted(phase: ExternalPhase) -> str:
    return f"there is no project {phase.external.project} that lets this one need its results"


def grants(view: View, owner: ProjectId, asking: ProjectId) -> bool:
    """Whether a project lets another one need what its runs became."""
    state = view.read(PROJECT, StreamId(owner))
    return owner == asking or (isinstance(state, Project) and asking in state.needs_granted)


def _written(stream: StreamId, event: Event, project: str) -> tuple[Write, ...]:
    return (Write(stream, (event,), ProjectId(project)),)


def _parked(run: Run, place: str, reason: str, stamp: Stamp) -> PhaseParked:
    generation = run.phase(place).generation
    return PhaseParked(place=place, generation=generation, kind="definition", reason=reason, at=stamp.time)
