"""Why a task is not worked on: from the same functions that claims are decided with."""

from typing import Final, assert_never

from domain.dispatch.explain_locks import asked_by_itself, in_the_way
from domain.dispatch.explain_sessions import Judged, judge_sessions, who_could
from domain.dispatch.explain_strategy import given_out
from domain.dispatch.explanation import Explanation, Reason, explained
from domain.dispatch.fit import shut
from domain.dispatch.lookup import find_task, states_of
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.serving import Serving
from domain.kernel.decider import View
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.node.decider import OUTAGES
from domain.node.state import OUTAGE_STREAM
from domain.project.decider import PROJECT
from domain.project.state import Project
from domain.session.decider import SESSION
from domain.session.state import Session
from domain.task.decider import delivery_due, phase_name
from domain.task.state import (
    Absent,
    Assigned,
    Attempt,
    Backoff,
    Ended,
    Parked,
    Pending,
    Ready,
    Running,
    Settled,
    Task,
    TaskState,
)

NEEDS_TOLD_MAX: Final = 32
AHEAD_COUNTED_MAX: Final = 1_000
"""Better ranked tasks that are counted."""


def explain_task(
    name: str, project: ProjectId, ready: ReadyIndex, serving: Serving, now: Instant, view: View
) -> Explanation | UnknownThing:
    """The task of an id or key, why it does not move, and what would make it."""
    found = find_task(view, project, name)
    if isinstance(found, UnknownThing):
        return found
    stream, task = found
    blocked: list[Reason] = []
    noted: list[Reason] = []
    match task.phase:
        case Pending() | Ended():
            blocked += _needs(task, view) + _too_early(task, now)
        case Ready():
            judged = judge_sessions(task, project, serving, now, view)
            blocked += _frozen(project, view) + who_could(judged)
            blocked += in_the_way(task.plan.scope, _best(judged), project, now, view, stream)
            noted += asked_by_itself(stream, project, view)
            noted += given_out(task, project, now, view)
            noted += [] if blocked else [_next(stream, project, ready, judged)]
        case Assigned(attempt):
            noted.append(_assigned(attempt, view))
            blocked += _holder(attempt, view)
        case Running(attempt):
            noted.append(_running(attempt))
            blocked += _holder(attempt, view)
        case Backoff(until=until, then=then):
            blocked.append(_backoff(task, until, then))
        case Parked(reason=reason):
            blocked.append(_parked(reason, task.plan.key))
        case Settled(outcome):
            noted.append(_settled(outcome, task))
        case _:
            assert_never(task.phase)
    return explained(
        "task",
        stream,
        project=project,
        name=task.plan.key,
        status=phase_name(task),
        blocked=blocked,
        noted=noted,
    )


def _needs(task: Task, view: View) -> list[Reason]:
    origin = task.plan.origin
    wanted = [need for need in task.unmet if origin is None or need != origin.run][:NEEDS_TOLD_MAX]
    states = states_of(view, sorted(StreamId(need) for need in wanted))
    reasons = [_part(stream, states[stream]) for stream in states if stream in task.parts]
    for edge in task.plan.needs:
        needed = states.get(StreamId(edge.task))
        if needed is None:
            continue
        status = "absent" if isinstance(needed, Absent) else phase_name(needed)
        refused = task.unmet.get(edge.task, False)
        accepted = " or ".join(edge.accept)
        reasons.append(
            Reason(
                code="need_refused" if refused else "need_unmet",
                words=f"it needs {edge.key} to be {accepted}, which is {status}",
                unblock=f"Retry {edge.key}, or cancel this task."
                if refused
                else f"{edge.key} has to become {accepted}.",
                about=edge.task,
                data={"key": edge.key, "status": status, "accept": edge.accept},
            )
        )
    return [*reasons, *_paused(task)]


def _paused(task: Task) -> list[Reason]:
    origin = task.plan.origin
    if origin is None or origin.run not in task.unmet:
        return []
    words = "the run that it belongs to is paused"
    return [Reason(code="run_paused", words=words, unblock="Resume the run.", about=origin.run)]


def _too_early(task: Task, now: Instant) -> list[Reason]:
    start = task.plan.not_before
    if start is None or start <= now:
        return []
    words = "it must not begin before its time"
    return [Reason(code="not_before", words=words, unblock="Time; it becomes ready by itself.", until=start)]


def _part(stream: StreamId, part: TaskState) -> Reason:
    name = part.plan.key if isinstance(part, Task) else stream
    status = phase_name(part) if isinstance(part, Task) else "absent"
    return Reason(
        code="part_unsettled",
        words=f"its part {name} is {status}",
        unblock=f"{name} has to settle.",
        about=stream,
        data={"key": name, "status": status},
    )


def _frozen(project: ProjectId, view: View) -> list[Reason]:
    state = view.read(PROJECT, StreamId(project))
    refusal = shut(state) if isinstance(state, Project) else None
    return [] if refusal is None else [refused_as(refusal, project)]


def refused_as(refusal: Rejection, about: str) -> Reason:
    """What a claim would be told, as a reason."""
    return Reason(code=refusal.code(), words=refusal.message(), unblock=refusal.advice(), about=about)


def _best(judged: tuple[Judged, ...]) -> tuple[str, int]:
    """Whose claim is asked about: that of a session that could take it, else of anybody."""
    able = [one for one in judged if one.misfit is None]
    free = [one for one in able if one.full is None]
    for one in (*free, *able):
        return one.session, one.incarnation
    return "", 0


def _next(stream: StreamId, project: ProjectId, ready: ReadyIndex, judged: tuple[Judged, ...]) -> Reason:
    ahead = 0
    for candidate in ready.candidates(project):
        if candidate == stream or ahead == AHEAD_COUNTED_MAX:
            break
        ahead += 1
    able = tuple(one.session for one in judged if one.misfit is None and one.full is None)
    return Reason(
        code="claimable",
        words=f"it goes to the next capable session that asks; {ahead} ready tasks are ranked before it",
        unblock=f"One of {len(able)} capable sessions with room has to ask for work.",
        data={"ahead": ahead, "sessions": able[:16]},
    )


def _assigned(attempt: Attempt, view: View) -> Reason:
    return Reason(
        code="not_acknowledged",
        words=f"{attempt.session} has it as attempt {attempt.number} and has not named its token yet",
        unblock="A heartbeat or report of the session names the token, else the task is given out again.",
        about=attempt.session,
        until=delivery_due(attempt, outage_ended_at=view.read(OUTAGES, OUTAGE_STREAM).ended_at),
        data={"token": str(attempt.token), "attempt": attempt.number},
    )


def _running(attempt: Attempt) -> Reason:
    return Reason(
        code="worked_on",
        words=f"{attempt.session} works on it as attempt {attempt.number}",
        unblock="Its holder completes, fails or releases it.",
        about=attempt.session,
        data={"token": str(attempt.token), "attempt": attempt.number},
    )


def _holder(attempt: Attempt, view: View) -> list[Reason]:
    """A holder that is silent."""
    state = view.read(SESSION, StreamId(attempt.session))
    if not isinstance(state, Session) or state.status != "suspect":
        return []
    return [
        Reason(
            code="holder_silent",
            words=f"its holder {attempt.session} missed a beat",
            unblock="It beats again, or its lease runs out and the task becomes ready after the lock-delay.",
            about=attempt.session,
        )
    ]


def _backoff(task: Task, until: Instant, then: str) -> Reason:
    why = task.failure or then.replace("_", " ")
    return Reason(
        code="backoff",
        words=f"it waits after an attempt that ended: {why}",
        unblock="Time; it becomes ready by itself.",
        until=until,
        data={"then": then},
    )


def _parked(reason: str, key: str) -> Reason:
    return Reason(
        code="parked",
        words=f"a person has to look: {reason}",
        unblock=f"See why, then `signalbox task retry {key}` or cancel it.",
    )


def _settled(outcome: str, task: Task) -> Reason:
    words = f"it is {outcome}" + (f": {task.failure}" if outcome == "failed" and task.failure else "")
    unblock = f"`signalbox task retry {task.plan.key}` begins it anew." if outcome == "failed" else "Nothing is left."
    return Reason(code="settled", words=words, unblock=unblock)
