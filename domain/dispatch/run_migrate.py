"""A paused run goes on by another version of its pipeline: one decision over the run, its tasks and the version."""

from typing import NamedTuple

from pydantic_core import from_json, to_json

from domain.dispatch.lookup import states_of
from domain.dispatch.run_rework import repeated_below
from domain.dispatch.run_start import pins_of
from domain.dispatch.run_verbs import asked
from domain.dispatch.run_voters import may_pass
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Answer, Stamp
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.graph import graph_of
from domain.pipeline.decider import read_version
from domain.run.child_events import Pin
from domain.run.commands import MigrateRun
from domain.run.errors import MigrationRefused, RunNotInState
from domain.run.events import PhaseSkipped
from domain.run.evolve import RUN
from domain.run.migrate import REPEATS, Move, move_of, moved_phase
from domain.run.migrate_events import RunMigrated
from domain.run.rework import invalidated, redo_of
from domain.run.state import TERMINAL, Run
from domain.task.decider import live_attempt
from domain.task.state import Task


class MigrationPlanned(Answer):
    """What becomes of the phases, or would."""

    done: bool
    """False where it was only asked for, or where the run keeps to that version already."""
    version: int
    kept: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """Of those that are kept: ``before -> after``."""
    anew: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Settled phases that the version does not have; what they did can still be taken back."""
    dropped: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    """Settled phases that count although they are others there, each with the reason."""
    refused: tuple[str, ...] = ()


class _Target(NamedTuple):
    """Where the run goes."""

    version: int
    digest: str
    definition: Definition
    pins: tuple[Pin, ...]


def migrate(command: MigrateRun, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """What has settled is kept, what is under way and another begins anew, and the rest is walked by the version."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status in TERMINAL or run.queued.rolls_back:
        return refuse(RunNotInState(run=command.run, status=run.status, action="going over to another version"))
    target = _target(command, run, stamp, view)
    if isinstance(target, Rejection):
        return refuse(target)
    if target.digest == run.queued.digest:
        return Decision(answer=MigrationPlanned(done=False, version=target.version))
    move = move_of(run, target.definition, command)
    inputs = _inputs(run, target.definition)
    reasons = (*_of_run(run), *_at_work(run, view), *move.refused, *_of_children(run, move, view))
    reasons += (*_of_questions(move, stamp, view), *((inputs.reason,) if isinstance(inputs, _Unfit) else ()))
    told = _told(command, target, move, reasons)
    if command.dry_run:
        return Decision(answer=told)
    if reasons or isinstance(inputs, _Unfit):
        first = reasons[0]
        return refuse(MigrationRefused(run=command.run, version=target.version, first=first, reasons=reasons))
    walk = RunWalk(run, stamp, view, expressions)
    _gone_over(walk, command, target, move, inputs, stamp)
    return walk.decision(answer=told)


def _gone_over(walk: RunWalk, command: MigrateRun, target: _Target, move: Move, inputs: str, stamp: Stamp) -> None:
    run, because = walk.run, f"version {target.version}"
    begun = tuple(key for key in move.dropped if run.phase(key).status != "pending")
    for key in (*begun, *move.anew):
        walk.give_up(key, because)
    walk.put(*(invalidated(run, key, because, stamp.time) for key in begun))
    names = dict(move.moved)
    walk.put(
        RunMigrated(
            before=run.queued.version,
            version=target.version,
            digest=target.digest,
            definition=target.definition,
            inputs=inputs,
            pins=target.pins,
            moved=tuple(moved_phase(run, before, after, names) for before, after in move.moved),
            gone=move.gone,
            dropped=move.dropped,
            drifted=move.drifted,
            deadline=_deadline(run, target.definition, stamp),
            reason=command.reason,
            by=stamp.principal,
            at=stamp.time,
        )
    )
    walk.put(*(invalidated(walk.run, key, because, stamp.time) for key in move.anew))
    walk.put(*(_skipped(walk.run, key, command.reason, stamp) for key in move.skipped))


def _skipped(run: Run, key: str, reason: str, stamp: Stamp) -> PhaseSkipped:
    generation = run.phase(key).generation
    return PhaseSkipped(place=key, generation=generation, reason="operator", detail=reason, arm="", at=stamp.time)


def _target(command: MigrateRun, run: Run, stamp: Stamp, view: View) -> _Target | Rejection:
    """The version with the pins that it needs; what the run has pinned already stays so."""
    name = run.queued.pipeline
    found = read_version(name, command.version, stamp, view)
    if isinstance(found, Rejection):
        return found
    number, version = found
    pins = pins_of(version.definition, stamp, view)
    if isinstance(pins, Rejection):
        return pins
    known = {pin.pipeline: pin for pin in run.queued.pins}
    kept = tuple(known.get(pin.pipeline, pin) for pin in pins)
    return _Target(number, version.digest, version.definition, kept)


class _Unfit(NamedTuple):
    """Why the inputs do not fit."""

    reason: str


def _inputs(run: Run, definition: Definition) -> str | _Unfit:
    """Those of the run that the version knows, with the defaults of what is new there."""
    given: dict[str, object] = from_json(run.queued.inputs) if run.queued.inputs else {}
    names = {field.name for field in definition.inputs}
    said = fitting(definition.inputs, {name: value for name, value in given.items() if name in names})
    return _Unfit(f"the inputs of the run do not fit: {said}") if isinstance(said, str) else to_json(said).decode()


def _of_run(run: Run) -> tuple[str, ...]:
    return () if run.status == "paused" else (f"the run is {run.status}: pause it first",)


def _at_work(run: Run, view: View) -> tuple[str, ...]:
    """Places at which somebody works; what is read here is checked by the append, so nobody begins meanwhile."""
    places = (place for key in graph_of(run.queued.definition.phases).order for place in run.places(key))
    open_ = [(place, StreamId(run.phase(place).task)) for place in places if run.phase(place).is_out]
    tasks = states_of(view, [stream for _, stream in open_ if stream])
    return tuple(
        f"{place}: somebody works on it: wait for the end of that, or cancel its task"
        for place, stream in open_
        if isinstance(task := tasks.get(stream), Task) and live_attempt(task) is not None
    )


def _of_children(run: Run, move: Move, view: View) -> tuple[str, ...]:
    """Runs of phases that would begin anew, or would not be there any more."""
    found: list[str] = []
    for key in (*move.anew, *move.dropped):
        for place in run.places(key):
            name = run.phase(place).child
            child = view.read(RUN, StreamId(name)) if name else None
            if name and not (isinstance(child, Run) and child.status in TERMINAL):
                found.append(f"{place}: its run {name} is under way: cancel it first")
    redo = redo_of(run, graph_of(run.queued.definition.phases), move.anew)
    return (*found, *(f"{key}: {REPEATS}" for key in repeated_below(run, redo, view) if key in move.anew))


def _of_questions(move: Move, stamp: Stamp, view: View) -> tuple[str, ...]:
    """Whoever takes a question away goes past it, as an override does."""
    if not move.questions or may_pass(view, stamp):
        return ()
    return tuple(f"{key}: only who may override a gate may take it out or change it" for key in move.questions)


def _deadline(run: Run, definition: Definition, stamp: Stamp) -> Instant | None:
    """The one that it has, or the whole time of the version from when it goes on, where that gives another."""
    if definition.deadline_seconds == run.queued.definition.deadline_seconds:
        return run.deadline
    bounds = (definition.deadline_seconds, run.queued.deadline_seconds)
    seconds = min((one for one in bounds if one is not None), default=None)
    return None if seconds is None else Instant((run.paused_at or stamp.time) + int(seconds * SECOND))


def _told(command: MigrateRun, target: _Target, move: Move, reasons: tuple[str, ...]) -> MigrationPlanned:
    return MigrationPlanned(
        done=not command.dry_run,
        version=target.version,
        kept=move.kept,
        moved=tuple(f"{before} -> {after}" for before, after in move.moved),
        anew=move.anew,
        new=move.new,
        skipped=move.skipped,
        gone=move.gone,
        dropped=move.dropped,
        drifted=tuple(f"{one.phase}: {one.reason}" for one in move.drifted),
        refused=reasons if command.dry_run else (),
    )
