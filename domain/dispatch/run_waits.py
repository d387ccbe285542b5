"""What runs wait for, once it comes: signals, and the time of gates, timers and deadlines."""

from typing import assert_never

from domain.dispatch.run_answer import do_anew
from domain.dispatch.run_verbs import asked, find_run
from domain.dispatch.run_walk import RunWalk
from domain.dispatch.run_work_time import nobody_takes_back, pass_work_time
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import NotDueYet, Rejection, UnknownThing
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import ExternalPhase, GatePhase, WaitPhase
from domain.kernel.pipeline.expressions import Expressions, Flaw
from domain.run.commands import FireTimer, SendSignal
from domain.run.errors import RunNotInState, SignalUnfit
from domain.run.gate_events import SignalReceived
from domain.run.gates import tended
from domain.run.loops import placed, placed_now
from domain.run.needs import too_late
from domain.run.state import TERMINAL, PhaseState
from domain.run.waits import elapsed, fitted, taken

SIGNALS_MAX = 100
"""Of one name that wait to be taken."""


def send_signal(command: SendSignal, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Phases that wait for it go on; where none does, the first that will takes it."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status in TERMINAL:
        return refuse(RunNotInState(run=command.run, status=run.status, action="a signal"))
    content = fitted(command.content, run, command.name)
    if isinstance(content, Flaw):
        return refuse(SignalUnfit(run=command.run, signal=command.name, reason=content.reason))
    if len(run.signals.get(command.name, ())) >= SIGNALS_MAX:
        reason = f"{SIGNALS_MAX} of them wait to be taken"
        return refuse(SignalUnfit(run=command.run, signal=command.name, reason=reason))
    walk = RunWalk(run, stamp, view, expressions)
    walk.put(SignalReceived(name=command.name, content=content, by=stamp.principal, at=stamp.time))
    for phase in placed_now(run):
        if isinstance(phase, WaitPhase) and walk.run.phase(phase.key).status == "waiting":
            walk.put(*taken(phase, walk.run, stamp.time))
    walk.go_on()
    return walk.decision()


def fire(command: FireTimer, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """What is due happens; nothing where the phase has moved on, or the run is paused: then it is due later."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    walk = RunWalk(run, stamp, view, expressions)
    match command.kind:
        case "start" | "close" | "pickup" | "undo":
            pass_work_time(walk, command, stamp, view)
        case "undo_pickup":
            again_at = nobody_takes_back(walk, command, stamp, view)
            if again_at is not None:
                return refuse(NotDueYet(until=again_at))
        case "gate" | "wait" | "deadline":
            state = run.phase(command.place)
            due = state.timers.get(command.kind)
            moot = run.status != "running" or state.status != "waiting" or state.generation != command.generation
            if moot or due is None or stamp.time < due:
                return Decision()
            _waited(walk, command, state, stamp)
        case _:
            assert_never(command.kind)
    walk.go_on()
    return walk.decision()


def _waited(walk: RunWalk, command: FireTimer, state: PhaseState, stamp: Stamp) -> None:
    """The time of what waits has come."""
    run = walk.run
    phase = placed(run, command.place)
    if isinstance(phase, GatePhase) and state.gate is not None:
        walk.put(*tended(phase, run, state.gate, stamp.time))
        do_anew(walk, command.place, stamp)
    elif isinstance(phase, ExternalPhase):
        walk.put(too_late(phase, state, stamp.time))
    elif isinstance(phase, WaitPhase):
        walk.put(*elapsed(phase, state, command.kind, stamp.time))
