"""Why a place of a run is where it is: its inputs, its task, its gate, what it waits for, or how it settled."""

from collections.abc import Callable
from typing import Final

from domain.dispatch.explain_need import explain_need
from domain.dispatch.explain_pause import left_behind
from domain.dispatch.explanation import Explanation, Reason
from domain.kernel.decider import View
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, StreamId
from domain.kernel.pipeline.definition import GatePhase
from domain.kernel.pipeline.gate import quorum_of
from domain.run.evolve import RUN
from domain.run.joins import input_state
from domain.run.loops import placed
from domain.run.state import SETTLED, PhaseState, Run

TellTask = Callable[[str], Explanation | UnknownThing]
Told = tuple[list[Reason], list[Reason]]
"""What stands in the way, and what is worth knowing."""
BY_ITSELF: Final = "It goes on by itself."


def explain_phase(run: Run, place: str, now: Instant, view: View, tell_task: TellTask) -> Told:
    """What stands in the way of a place, and what is worth knowing of it."""
    state = run.phase(place)
    if state.status in SETTLED:
        return [], [_settled(run, place, state)]
    if state.status == "pending":
        return _inputs(run, place), []
    if state.status == "parked":
        unblock = "Retry it, resolve it by hand, or skip it: `signalbox run retry`, `resolve`, `skip`."
        return [_reason("parked", place, f"it is parked: {state.reason}", unblock)], []
    if state.status == "ready":
        words = "what it would spend is set aside for other work of the run"
        unblock = "It begins once that gives something back; or raise the bound: `signalbox run budget`."
        return [_reason("budget", place, words, unblock)], []
    if state.status == "offered":
        return _offered(place, state, now, tell_task)
    if state.child:
        return _child(place, state.child, now, view)
    if state.need is not None:
        need = state.need.registered
        words, unblock = explain_need(run, need, view)
        return [_reason("need", place, words, unblock, need.source)], []
    if state.gate is not None:
        return [_gate(run, place, state)], []
    return [], [_waiting(place, state, now)]


def _reason(code: str, place: str, words: str, unblock: str, about: str = "", until: Instant | None = None) -> Reason:
    return Reason(code=code, words=f"{place}: {words}", unblock=unblock, about=about or place, until=until)


def _settled(run: Run, place: str, state: PhaseState) -> Reason:
    words = f"it has settled as {state.status}{f': {state.reason}' if state.reason else ''}"
    how = "Fork the run" if run.status == "succeeded" else "Rework it"
    verb = "fork" if run.status == "succeeded" else "rework"
    return _reason("settled", place, words, f"{how} to have it done anew: `signalbox run {verb}`.")


def _inputs(run: Run, place: str) -> list[Reason]:
    """What its join has and lacks."""
    phase = placed(run, place)
    if phase is None:
        return [_reason("item_waits", place, "items before it are under way", BY_ITSELF)]
    before, slash, _ = place.rpartition("/")
    found: list[Reason] = []
    for edge in phase.needs:
        source = edge.phase if edge.phase.startswith(f"{before}/") or not slash else f"{before}/{edge.phase}"
        worth = input_state(edge, run.phase(source))
        if worth != "satisfied":
            status = run.phase(source).status
            word = "is" if worth == "open" else "has settled as"
            unblock = f"{source} has to settle." if worth == "open" else f"Rework {source}."
            found.append(
                _reason("input_open", place, f"it comes after {source}, which {word} {status}", unblock, source)
            )
    return found or [_reason("input_open", place, "its turn comes with what else becomes decidable", BY_ITSELF)]


def _offered(place: str, state: PhaseState, now: Instant, tell_task: TellTask) -> Told:
    """What its task tells, and how long it has."""
    stands, told = _task(place, tell_task(state.task))
    words = {"start": "somebody has to have begun it by then", "close": "it has to be over by then"}
    for kind, said in words.items():
        due = state.timers.get("start" if kind == "start" else "close")
        if due is not None and due > now:
            told = [*told, _reason(f"{kind}_by", place, said, "What follows then stands in its definition.", until=due)]
    return stands, told


def _task(place: str, told: Explanation | UnknownThing) -> Told:
    if isinstance(told, UnknownThing):
        return [], []
    first = told.reasons[0] if told.reasons else None
    unblock = BY_ITSELF if first is None else first.unblock
    words = f"its task is {told.status}: {told.summary}"
    until = None if first is None else first.until
    reason = _reason("task", place, words, unblock, told.id, until)
    return ([], [reason]) if told.moving else ([reason], [])


def _child(place: str, name: str, now: Instant, view: View) -> Told:
    child = view.read(RUN, StreamId(name))
    status = child.status if isinstance(child, Run) else "about to begin"
    words = f"its work is done by run {name}, which is {status}"
    left = left_behind(child, now, view) if isinstance(child, Run) and status == "paused" else None
    if left is not None:
        return [_reason("child", place, f"{words}: {left.words}", left.unblock, name)], []
    reason = _reason("child", place, words, f"That run has to end: `signalbox run explain {name}`.", name)
    return ([reason], []) if status == "paused" else ([], [reason])


def _gate(run: Run, place: str, state: PhaseState) -> Reason:
    phase, gate = placed(run, place), state.gate
    if not isinstance(phase, GatePhase) or gate is None:
        return _reason("gate", place, "it waits for an answer", "Vote: `signalbox gate show`.")
    quorum = quorum_of(phase.gate, gate.rung)
    count = sum(one.verdict == "approve" for one in gate.votes.values())
    words = f"it asks {gate.opened.question!r}, and has {count} of {quorum.approvals} approvals"
    return _reason("gate", place, words, "Vote, as far as you may; `signalbox gate show` tells who may.")


def _waiting(place: str, state: PhaseState, now: Instant) -> Reason:
    due = min((one for kind, one in state.timers.items() if kind != "pickup" and one > now), default=None)
    words = f"it waits: {state.reason or 'what is inside of it is under way'}"
    return _reason("waiting", place, words, BY_ITSELF, until=due)
