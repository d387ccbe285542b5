"""What is decided when a run is asked something; conditions are told by what the composition hands in."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from domain.dispatch import (
    run_budget,
    run_by_hand,
    run_children,
    run_fork,
    run_gate,
    run_line,
    run_migrate,
    run_needs,
    run_remarks,
    run_rework,
    run_rollback,
    run_start,
    run_time,
    run_undo,
    run_verbs,
    run_waits,
)
from domain.dispatch.run_rehearsal import rehearsing
from domain.kernel.decider import Decision
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.kernel.pipeline.expressions import Expressions
from domain.run import commands
from domain.run.budget_commands import AdjustBudget
from domain.run.remark_commands import AnnotateRun, DismissRunAttention
from domain.turn.commands import GiveWay, TakeTurn

_TELLING: Final[Mapping[type[Command], Callable[..., Decision]]] = {
    commands.StartRun: run_start.start,
    commands.PauseRun: run_verbs.pause,
    commands.ResumeRun: run_verbs.resume,
    commands.CancelRun: run_verbs.cancel,
    commands.SkipPhase: run_by_hand.skip,
    commands.ResolvePhase: run_by_hand.resolve,
    commands.RetryPhase: run_rework.retry,
    commands.ReworkPhases: run_rework.rework,
    commands.ForkRun: run_fork.fork,
    AdjustBudget: run_budget.adjust,
    commands.MigrateRun: run_migrate.migrate,
    commands.RollbackRun: run_undo.rollback,
    commands.ResolveUndo: run_undo.resolve_undo,
    commands.CastVote: run_gate.vote,
    commands.OverrideGate: run_gate.override,
    commands.ReviseEvidence: run_gate.revise,
    commands.SendSignal: run_waits.send_signal,
    commands.FireTimer: run_waits.fire,
    commands.TellRun: run_verbs.tell,
    commands.ReachRunStart: run_verbs.reach_start,
    commands.BeginChild: run_children.begin,
    commands.FollowParent: run_children.follow,
    commands.TellParent: run_children.tell_parent,
    commands.TellNeed: run_needs.tell_need,
    commands.TakeBackChild: run_rollback.take_back_child,
    commands.PassRunDeadline: run_time.pass_deadline,
    TakeTurn: run_verbs.reach_start,
    GiveWay: run_line.give_way,
}

_SAYING: Final[Mapping[type[Command], Callable[..., Decision]]] = {
    AnnotateRun: run_remarks.annotate,
    DismissRunAttention: run_remarks.dismiss,
}
"""Nothing follows from these, so that there is nothing to evaluate."""

RUN_COMMANDS: Final[tuple[type[Command], ...]] = (*_TELLING, *_SAYING)


def run_decisions(expressions: Expressions) -> dict[type[Command], Decide]:
    """The decision of every command that a run may have to evaluate something for."""
    telling = {command: _with(decide, expressions) for command, decide in _TELLING.items()}
    return telling | {command: rehearsing(decide) for command, decide in _SAYING.items()}


def _with(decide: Callable[..., Any], expressions: Expressions) -> Decide:
    return partial(rehearsing(decide), expressions=expressions)
