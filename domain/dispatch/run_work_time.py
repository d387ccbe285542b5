"""What the time of a phase's work brings: nobody has begun it, it is not over, or nobody has come for it at all."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Final, Literal, assert_never

from domain.dispatch.attempt import Held, end_in_silence
from domain.dispatch.run_tasks import work_of
from domain.dispatch.run_walk import RunWalk
from domain.kernel.change import replace
from domain.kernel.decider import View, Write
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.message import Event, Stamp
from domain.kernel.pipeline.graph import unit_at
from domain.kernel.pipeline.work import FALLBACK, Work
from domain.run.begin import settled
from domain.run.commands import FireTimer
from domain.run.events import PhaseParked, PhaseSettled, PhaseSkipped
from domain.run.state import effect_key
from domain.run.undo_events import UndoFailed
from domain.run.work_time import UNCLAIMED_SECONDS, longer, timer
from domain.task.attention import attended, raised
from domain.task.decider import TASK, live_attempt
from domain.task.events import TaskFailed, TaskParked
from domain.task.state import Assigned, Backoff, Parked, Ready, Running, Settled, Task

ITEMS_LOOKED_AT_MAX: Final = 100
"""Of one map, for whether somebody has come for them."""


def pass_work_time(walk: RunWalk, command: FireTimer, stamp: Stamp, view: View) -> None:
    """What is due happens; nothing where the work has moved on."""
    match command.kind:
        case "undo":
            _undo_is_late(walk, command, stamp, view)
        case "pickup":
            _nobody_came(walk, command, stamp, view)
        case "start" | "close":
            _work_is_late(walk, command, command.kind, stamp, view)
        case "gate" | "wait" | "deadline" | "undo_pickup":
            pass  # of what waits, not of what works, or asked by itself
        case _:
            assert_never(command.kind)


def begun_late(walk: RunWalk, place: str, task: Task, stamp: Stamp) -> bool:
    """Whether nobody has begun the work of a place in time, and somebody could not do so by now."""
    due = walk.run.phase(place).timers.get("start")
    waits = not task.begun and not isinstance(task.phase, Assigned | Running | Parked | Settled)
    return waits and due is not None and stamp.time >= due


def start_late(walk: RunWalk, place: str, task: Task, stamp: Stamp) -> None:
    """What the definition says of work that nobody has begun in time."""
    work = work_of(walk.phase_of(place))
    if work is None:
        return
    reason = f"nobody has begun it within {work.start_within_seconds:g} s"
    stream = StreamId(walk.run.phase(place).task)
    match work.on_start_late:
        case "park":
            _end(walk, stream, task, TaskParked(reason=reason, at=stamp.time), stamp)
            walk.put(_parked(walk, place, reason, stamp))
        case "fail":
            _give_up(walk, place, task, work, reason, stamp)
        case "extend":
            told = raised(task, "unclaimed", reason, stamp.time)
            walk.settle(stream, *((Write(stream, told, stamp.project),) if told else ()))
            walk.put(longer(walk.run, place, work, stamp.time))
        case _:
            assert_never(work.on_start_late)


def given_up(walk: RunWalk, place: str, reason: str, stamp: Stamp) -> PhaseSettled | PhaseSkipped:
    """The work is out of tries, or of time: what the phase makes of it."""
    phase = walk.run.phase(place)
    work = work_of(walk.phase_of(place))
    rule = "fail" if work is None else work.on_exhausted
    if rule in ("skip", "fallback"):
        return PhaseSkipped(
            place=place,
            generation=phase.generation,
            reason="exhausted",
            detail=reason,
            arm=FALLBACK if rule == "fallback" else "",
            at=stamp.time,
        )
    return settled(phase, place, "failed", reason, stamp.time)


def look_again(walk: RunWalk, place: str, phase: Ready | Backoff, stamp: Stamp) -> None:
    """An attempt has ended and another is to come: should nobody come for that, somebody has to be asked."""
    unit, at = unit_at(place), stamp.time
    if walk.run.phase(unit).timers.get("pickup", Instant(0)) > at:
        return
    walk.put(timer(walk.run, unit, "pickup", pickup_due(phase), at))


def pickup_due(phase: Ready | Backoff) -> Instant:
    """When somebody has to have come for a task that may be claimed, or may be once its pause is over."""
    since = phase.until if isinstance(phase, Backoff) else phase.since
    return Instant(since + UNCLAIMED_SECONDS * SECOND)


def _work_is_late(walk: RunWalk, command: FireTimer, kind: Literal["start", "close"], stamp: Stamp, view: View) -> None:
    state, place = walk.run.phase(command.place), command.place
    due = state.timers.get(kind)
    moot = walk.run.status != "running" or state.status != "offered" or state.generation != command.generation
    task = TASK.initial if moot else view.read(TASK, StreamId(state.task))
    if not isinstance(task, Task) or due is None or stamp.time < due:
        return
    if kind == "start":
        if begun_late(walk, place, task, stamp):
            start_late(walk, place, task, stamp)
        return
    work = work_of(walk.phase_of(place))
    if work is not None and not isinstance(task.phase, Parked | Settled):
        reason = f"it was not over within {work.close_within_seconds:g} s"
        attempt = live_attempt(task)
        if attempt is None:
            _give_up(walk, place, task, work, reason, stamp)
            return
        held = Held(StreamId(state.task), _at_last_try(task), attempt)
        walk.settle(held.stream, *end_in_silence(held, "timeout", reason, stamp, view))
        parks = work.on_exhausted == "park"
        walk.put(_parked(walk, place, reason, stamp) if parks else given_up(walk, place, reason, stamp))


def _give_up(walk: RunWalk, place: str, task: Task, work: Work, reason: str, stamp: Stamp) -> None:
    """Work that nobody holds has no more tries."""
    stream, parks = StreamId(walk.run.phase(place).task), work.on_exhausted == "park"
    over = TaskParked(reason=reason, at=stamp.time) if parks else TaskFailed(reason=reason, at=stamp.time)
    _end(walk, stream, task, over, stamp)
    walk.put(_parked(walk, place, reason, stamp) if parks else given_up(walk, place, reason, stamp))


def _end(walk: RunWalk, stream: StreamId, task: Task, event: Event, stamp: Stamp) -> None:
    walk.settle(stream, Write(stream, attended(task, (event,), stamp.time), stamp.project))


def _parked(walk: RunWalk, place: str, reason: str, stamp: Stamp) -> PhaseParked:
    generation = walk.run.phase(place).generation
    return PhaseParked(place=place, generation=generation, kind="task", reason=reason, at=stamp.time)


def _at_last_try(task: Task) -> Task:
    """The attempt that ends now was the last, however many the plan would grant."""
    retry = task.plan.retry.model_copy(update={"max_attempts": 1})
    return replace(task, plan=task.plan.model_copy(update={"retry": retry}))


def _undo_is_late(walk: RunWalk, command: FireTimer, stamp: Stamp, view: View) -> None:
    entry = walk.run.ledger.get(effect_key(command.place, command.generation))
    if entry is None or entry.undo != "undoing" or entry.undo_due is None or stamp.time < entry.undo_due:
        return
    stream = StreamId(entry.undo_task)
    task = view.read(TASK, stream)
    if not isinstance(task, Task) or isinstance(task.phase, Parked | Settled):
        return
    reason, attempt = "it was not over in the time that it had", live_attempt(task)
    if attempt is None:
        _end(walk, stream, task, TaskFailed(reason=reason, at=stamp.time), stamp)
    else:
        held = Held(stream, _at_last_try(task), attempt)
        walk.settle(stream, *end_in_silence(held, "timeout", reason, stamp, view))
    walk.spend_undo(stream, command.place)
    walk.put(UndoFailed(place=command.place, generation=command.generation, reason=reason, at=stamp.time))


def _nobody_came(walk: RunWalk, command: FireTimer, stamp: Stamp, view: View) -> None:
    """One task of the phase asks for a person, the one that has waited longest; looked at again while none is due."""
    state, place = walk.run.phase(command.place), command.place
    if walk.run.status != "running" or state.generation != command.generation:
        return
    waiting = sorted(_waiting(walk, place, view), key=itemgetter(0))
    if not waiting or any("unclaimed" in task.attention for _, _, task in waiting):
        return
    since, stream, task = waiting[0]
    due = Instant(since + UNCLAIMED_SECONDS * SECOND)
    if stamp.time < due:
        if state.timers.get("pickup") != due:
            walk.put(timer(walk.run, place, "pickup", due, stamp.time))
        return
    reason = f"nobody has come for it within {UNCLAIMED_SECONDS} s"
    walk.settle(stream, Write(stream, raised(task, "unclaimed", reason, stamp.time), stamp.project))


def nobody_takes_back(walk: RunWalk, command: FireTimer, stamp: Stamp, view: View) -> Instant | None:
    """The rest of a rollback waits for it, too. When to look again: who has come may give it back, or be lost."""
    entry = walk.run.ledger.get(effect_key(command.place, command.generation))
    if entry is None or entry.undo != "undoing" or entry.is_run:
        return None
    stream = StreamId(entry.undo_task)
    task = view.read(TASK, stream)
    if not isinstance(task, Task) or isinstance(task.phase, Parked | Settled) or "unclaimed" in task.attention:
        return None
    since = task.phase.since if isinstance(task.phase, Ready) else stamp.time
    due = Instant(since + UNCLAIMED_SECONDS * SECOND)
    if stamp.time < due:
        return due
    reason = f"nobody has come within {UNCLAIMED_SECONDS} s to take back what {command.place} did"
    walk.settle(stream, Write(stream, raised(task, "unclaimed", reason, stamp.time), stamp.project))
    return None


def _waiting(walk: RunWalk, place: str, view: View) -> Iterator[tuple[Instant, StreamId, Task]]:
    """Tasks of the phase that may be claimed, in the order of their places, with since when."""
    items = sorted(walk.run.tally(place).under_way)[:ITEMS_LOOKED_AT_MAX]
    for one in (place, *items):
        state = walk.run.phase(one)
        task = view.read(TASK, StreamId(state.task)) if state.status == "offered" else TASK.initial
        if isinstance(task, Task) and isinstance(task.phase, Ready):
            yield task.phase.since, StreamId(state.task), task
