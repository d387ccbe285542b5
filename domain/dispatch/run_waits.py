"""What runs wait for, once it comes: signals, and the time of gates, timers and deadlines."""

from typing import cast

from pydantic_core import from_json, to_json

from domain.dispatch.run_answer import do_anew
from domain.dispatch.run_verbs import asked, find_run
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import GatePhase, WaitPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.flow import Signal
from domain.run.commands import FireTimer, SendSignal
from domain.run.errors import RunNotInState, SignalUnfit
from domain.run.gate_events import SignalReceived, SignalTaken
from domain.run.gates import tended
from domain.run.loops import placed
from domain.run.state import TERMINAL
from domain.run.waits import done, elapsed

SIGNALS_MAX = 100
"""Of one name that wait to be taken."""


def send_signal(command: SendSignal, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Phases that wait for it go on; where none does, the first that will takes it."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    if run.status in TERMINAL:
        return refuse(RunNotInState(run=command.run, status=run.status, action="a signal"))
    named = [one for one in run.queued.definition.phases if _awaits(one, command.name)]
    if not named:
        return refuse(SignalUnfit(run=command.run, signal=command.name, reason="no phase waits for such a signal"))
    content = _content(command, named[0])
    if isinstance(content, SignalUnfit):
        return refuse(content)
    if len(run.signals.get(command.name, ())) >= SIGNALS_MAX:
        reason = f"{SIGNALS_MAX} of them wait to be taken"
        return refuse(SignalUnfit(run=command.run, signal=command.name, reason=reason))
    walk = RunWalk(run, stamp, view, expressions)
    walk.put(SignalReceived(name=command.name, content=content, by=stamp.principal, at=stamp.time))
    for phase in named:
        state = walk.run.phase(phase.key)
        if state.status == "waiting" and walk.run.signals.get(command.name):
            taken = SignalTaken(place=phase.key, generation=state.generation, name=command.name, at=stamp.time)
            walk.put(taken, done(phase.key, state, content, stamp.time))
    walk.go_on()
    return walk.decision()


def fire(command: FireTimer, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """What is due happens; nothing where the phase has moved on, or the run is paused: then it is due later."""
    run = find_run(view, command.run, stamp)
    if isinstance(run, UnknownThing):
        return refuse(run)
    state = run.phase(command.place)
    due = state.timers.get(command.kind)
    moot = run.status != "running" or state.status != "waiting" or state.generation != command.generation
    if moot or due is None or stamp.time < due:
        return Decision()
    walk = RunWalk(run, stamp, view, expressions)
    phase = placed(run, command.place)
    if isinstance(phase, GatePhase) and state.gate is not None:
        walk.put(*tended(phase, run, state.gate, stamp.time))
        do_anew(walk, command.place, stamp)
    elif isinstance(phase, WaitPhase):
        walk.put(*elapsed(phase, state, command.kind, stamp.time))
    walk.go_on()
    return walk.decision()


def _awaits(phase: object, name: str) -> bool:
    return isinstance(phase, WaitPhase) and isinstance(phase.wait, Signal) and phase.wait.name == name


def _content(command: SendSignal, phase: object) -> str | SignalUnfit:
    """What it carries, with defaults, as JSON text."""
    given: object = from_json(command.content) if command.content else {}
    if not isinstance(given, dict):
        return SignalUnfit(run=command.run, signal=command.name, reason="its content is no object")
    fields = phase.wait.outputs if isinstance(phase, WaitPhase) and isinstance(phase.wait, Signal) else ()
    said = fitting(fields, cast("dict[str, object]", given))
    if isinstance(said, str):
        return SignalUnfit(run=command.run, signal=command.name, reason=said)
    return to_json(said).decode()
