"""Answers of gates that have phases done anew: in the append of the decision, with what was asked for."""

from domain.dispatch.run_walk import RunWalk
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import GatePhase
from domain.run.answers import reworks
from domain.run.events import RunReworked
from domain.run.loops import placed, scope_of, sibling
from domain.run.rework import invalidated, redo_of
from domain.run.state import SETTLED


def do_anew(walk: RunWalk, place: str, stamp: Stamp, comment: str = "") -> None:
    """Where the gate at the place has decided so: its phase, the gate itself, and whatever lies between them."""
    run, phase = walk.run, placed(walk.run, place)
    state = run.phase(place)
    if not isinstance(phase, GatePhase) or phase.gate.rework is None or state.gate is None or state.status in SETTLED:
        return
    if not reworks(phase.gate, state.gate.decision):
        return
    named = sibling(place, phase.gate.rework)
    redo = redo_of(run, scope_of(run, place), (named, place))
    words = comment or f"{place} has {state.gate.decision.replace('_', ' ')}"
    for one in redo.redone:
        walk.give_up(one, words[:500])
    walk.put(
        RunReworked(
            phases=(named,),
            reason=words,
            # The definition says that the gate may ask for it.
            accepted_repeat=f"{place} asks for it" if redo.repeated else "",
            by=stamp.principal,
            at=stamp.time,
            gate=place,
        )
    )
    for one in redo.redone:
        changes = comment if one == named else ""
        walk.put(invalidated(walk.run, one, place, stamp.time, changes=changes))
