"""What people settle by hand: phases that are not wanted, or that were done beside the run."""

from typing import cast

from pydantic_core import from_json

from domain.dispatch.run_tasks import outputs_of
from domain.dispatch.run_verbs import asked, unfit_phase
from domain.dispatch.run_voters import may_pass
from domain.dispatch.run_walk import RunWalk
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import Rejection
from domain.kernel.message import Stamp
from domain.kernel.pipeline.definition import GatePhase, RepeatPhase, WaitPhase
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.fitting import fitting
from domain.kernel.pipeline.flow import Signal
from domain.run.commands import ResolvePhase, SkipPhase
from domain.run.errors import OutputUnfit, VoteRefused
from domain.run.events import PhaseSettled, PhaseSkipped
from domain.run.loops import placed
from domain.run.state import Run


def skip(command: SkipPhase, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Settle a phase that has not begun, or that is parked, as skipped."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    unfit = unfit_phase(run, command.run, command.phase, ("pending", "parked"), "skipping it")
    unfit = unfit or _past_gate(command, run, stamp, view)
    if unfit is not None:
        return refuse(unfit)
    phase = run.phase(command.phase)
    walk = RunWalk(run, stamp, view, expressions)
    walk.give_up(command.phase, command.reason)
    walk.put(
        PhaseSkipped(
            place=command.phase,
            generation=phase.generation,
            reason="operator",
            detail=command.reason,
            arm="",
            at=stamp.time,
        )
    )
    walk.go_on()
    return walk.decision()


def resolve(command: ResolvePhase, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """Settle a parked phase by hand."""
    run = asked(command, stamp, view)
    if isinstance(run, Rejection):
        return refuse(run)
    unfit = unfit_phase(run, command.run, command.phase, ("parked",), "resolving it")
    if command.outcome == "succeeded":
        unfit = unfit or _past_gate(command, run, stamp, view) or _unfit_output(command, run)
    if unfit is not None:
        return refuse(unfit)
    walk = RunWalk(run, stamp, view, expressions)
    walk.give_up(command.phase, command.reason)
    walk.put(
        PhaseSettled(
            place=command.phase,
            generation=run.phase(command.phase).generation,
            outcome=command.outcome,
            reason=command.reason,
            arm="",
            summary="",
            output=command.output,
            by=stamp.principal,
            at=stamp.time,
        )
    )
    walk.go_on()
    return walk.decision()


def _past_gate(command: SkipPhase | ResolvePhase, run: Run, stamp: Stamp, view: View) -> Rejection | None:
    """Whoever skips a gate, or says that it has passed, goes past its quorum as an override does."""
    phase = placed(run, command.phase)
    inside = phase.phases if isinstance(phase, RepeatPhase) else () if phase is None else (phase,)
    if not any(isinstance(one, GatePhase) for one in inside) or may_pass(view, stamp):
        return None
    reason = "only who may override a gate may skip it, or what it is inside of, or say that it has passed"
    return VoteRefused(run=command.run, phase=command.phase, reason=reason)


def _unfit_output(command: ResolvePhase, run: Run) -> OutputUnfit | None:
    """What comes of work or of a signal is what the phase declares, whoever says it."""
    phase = placed(run, command.phase)
    signal = phase.wait if isinstance(phase, WaitPhase) and isinstance(phase.wait, Signal) else None
    fields = outputs_of(run, command.phase) if signal is None else signal.outputs
    given: object = from_json(command.output) if command.output else {}
    if not isinstance(given, dict):
        reason = "it is no object" if fields else ""
    else:
        said = fitting(fields, cast("dict[str, object]", given)) if fields else {}
        reason = said if isinstance(said, str) else ""
    return OutputUnfit(run=command.run, phase=command.phase, reason=reason) if reason else None
