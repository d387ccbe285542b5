"""Everything the domain consists of: aggregates, stored events, commands, decisions and policies."""

from collections.abc import Mapping
from functools import partial
from typing import Final, get_args

from domain.dispatch import (
    assign_task,
    bid,
    claim,
    claim_work,
    erasing,
    follow,
    keys,
    plan,
    projects,
    report,
    steer,
)
from domain.dispatch.fact_rules import FACT_DECISIONS
from domain.dispatch.hand_over import handing_over
from domain.dispatch.lock_rules import LOCK_DECISIONS
from domain.dispatch.notes import NOTE_DECISIONS
from domain.dispatch.pipeline_rules import PIPELINE_DECISIONS, publishing
from domain.dispatch.proposal_rules import PROPOSAL_DECISIONS
from domain.dispatch.proposals import Proposals
from domain.dispatch.quota_rules import QUOTA_DECISIONS
from domain.dispatch.ready import ReadyIndex
from domain.dispatch.run_rules import RUN_COMMANDS, run_decisions
from domain.dispatch.session_rules import SESSION_DECISIONS
from domain.fact import decider as fact
from domain.fact import sealed as fact_sealed
from domain.fact.events import FactEvent
from domain.kernel.decider import AggregateByPrefix
from domain.kernel.decisions import Decide, Rules
from domain.kernel.erasure_events import ErasureEvent
from domain.kernel.message import Command, Event
from domain.kernel.pipeline.expressions import UNTOLD, Expressions
from domain.kernel.registry import Registry
from domain.kernel.sealing import Sealing
from domain.lock import decider as lock
from domain.lock import upcasts as lock_upcasts
from domain.lock.evolve import LockEvent
from domain.node import decider as node
from domain.node import events as node_events
from domain.node import upcasts as node_upcasts
from domain.node.evolve import NodeEvent
from domain.note import decider as note
from domain.note import events as note_events
from domain.note import sealed as note_sealed
from domain.note import upcasts as note_upcasts
from domain.pipeline import decider as pipeline
from domain.pipeline import upcasts as pipeline_upcasts
from domain.pipeline.commands import PublishDefinition
from domain.pipeline.events import PipelineEvent
from domain.pipeline.pin_events import PinEvent
from domain.pipeline.pins import PINS
from domain.policies import catalogue as policies
from domain.principal import commands as principal_commands
from domain.principal import decider as principal
from domain.principal import events as principal_events
from domain.principal import upcasts as principal_upcasts
from domain.project import commands as project_commands
from domain.project import decider as project
from domain.project import events as project_events
from domain.project import upcasts as project_upcasts
from domain.proposal import decider as proposal
from domain.proposal import sealed as proposal_sealed
from domain.proposal import upcasts as proposal_upcasts
from domain.proposal.events import ProposalEvent
from domain.quota import decider as quota
from domain.quota import upcasts as quota_upcasts
from domain.refusal import commands as refusal_commands
from domain.refusal import decider as refusal
from domain.refusal import events as refusal_events
from domain.refusal import upcasts as refusal_upcasts
from domain.run import sealed as run_sealed
from domain.run import upcasts as run_upcasts
from domain.run.evolve import RUN, RunEvent
from domain.session import decider as session
from domain.session import events as session_events
from domain.session import sealed as session_sealed
from domain.session import upcasts as session_upcasts
from domain.task import commands as task_commands
from domain.task import decider as task
from domain.task import derived as task_derived
from domain.task import events as task_events
from domain.task import holder_commands as task_holder_commands
from domain.task import holder_events as task_holders
from domain.task import sealed as task_sealed
from domain.task import upcasts as task_upcasts
from domain.task.awaited_events import TaskAwaited
from domain.turn import decider as turn
from domain.turn.events import TurnEvent

AGGREGATES: Final[AggregateByPrefix] = {
    aggregate.prefix: aggregate
    for aggregate in (
        project.PROJECT,
        task.TASK,
        session.SESSION,
        lock.LOCKS,
        principal.KEY,
        node.OUTAGES,
        node.NODE,
        node.SUBJECT_KEYS,
        quota.QUOTA,
        note.BOARD,
        note.INBOX,
        pipeline.PIPELINE,
        PINS,
        refusal.REFUSALS,
        RUN,
        fact.TOPIC,
        turn.LINE,
        proposal.PROPOSAL,
    )
}

EVENTS: Final[tuple[type[Event], ...]] = (
    project_events.ProjectCreated,
    project_events.ProjectFrozen,
    project_events.ProjectUnfrozen,
    project_events.ProjectSet,
    project_events.ProjectBudgetNoticed,
    project_events.ProjectBookmarkSet,
    project_events.ProjectBookmarkRemoved,
    project_events.ProjectNeedsGranted,
    project_events.ProjectNeedsRevoked,
    task_events.TaskPlanned,
    task_events.TaskDependantAdded,
    task_events.TaskNeedSettled,
    task_events.TaskNeedReopened,
    task_events.TaskPartAdded,
    task_events.TaskPartSettled,
    task_events.TaskHeldBack,
    task_events.TaskReadied,
    task_events.TaskClaimed,
    task_events.TaskStarted,
    task_events.TaskProgressed,
    task_events.TaskCompleted,
    task_events.TaskAttemptEnded,
    task_events.TaskBackedOff,
    task_events.TaskFailed,
    task_events.TaskParked,
    task_events.TaskCancelled,
    task_events.TaskRetried,
    task_events.TaskReassigned,
    *get_args(task_holders.HolderEvent),
    task_events.TaskAttentionRaised,
    task_events.TaskAttentionCleared,
    task_events.LateReportDiscarded,
    *get_args(ErasureEvent),
    TaskAwaited,
    *get_args(quota.QuotaEvent),
    note_events.NotePosted,
    *get_args(note.InboxEvent),
    *get_args(PipelineEvent),
    *get_args(PinEvent),
    session_events.SessionOpened,
    session_events.SessionStatusChanged,
    session_events.SessionDrainBegun,
    session_events.SessionDrainEnded,
    session_events.SessionReparented,
    session_events.SessionChildJoined,
    session_events.SessionChildLeft,
    session_events.SessionSuspected,
    session_events.SessionRecovered,
    session_events.SessionLost,
    session_events.SessionEnded,
    session_events.SessionAttemptStarted,
    session_events.SessionAttemptEnded,
    session_events.SessionRevokeNoticed,
    session_events.SessionGrantTaken,
    session_events.SessionGrantGone,
    *get_args(LockEvent),
    principal_events.KeyIssued,
    principal_events.KeyRevoked,
    node_events.OutageEnded,
    node_events.SubjectKeysLost,
    *get_args(NodeEvent),
    refusal_events.CommandRefused,
    *get_args(RunEvent),
    *get_args(FactEvent),
    *get_args(TurnEvent),
    *get_args(ProposalEvent),
)
"""Every class whose events are stored."""

REGISTRY: Final = Registry(
    EVENTS,
    {
        **project_upcasts.UPCASTS,
        **task_upcasts.UPCASTS,
        **session_upcasts.UPCASTS,
        **lock_upcasts.UPCASTS,
        **principal_upcasts.UPCASTS,
        **node_upcasts.UPCASTS,
        **quota_upcasts.UPCASTS,
        **note_upcasts.UPCASTS,
        **pipeline_upcasts.UPCASTS,
        **refusal_upcasts.UPCASTS,
        **run_upcasts.UPCASTS,
        **proposal_upcasts.UPCASTS,
    },
)

SEALINGS: Final[Mapping[str, Sealing]] = {
    **task_sealed.SEALED,
    **note_sealed.SEALED,
    **session_sealed.SEALED,
    **run_sealed.SEALED,
    **fact_sealed.SEALED,
    **proposal_sealed.SEALED,
}
"""What events say in words, by stored name: kept under the key of their subject."""

POLICIES: Final = policies.POLICIES
"""What happens by itself at once; what only time brings about is the agenda's."""

_DECISIONS: Final[dict[type[Command], Decide]] = {
    project_commands.CreateProject: project.create,
    project_commands.FreezeProject: project.freeze,
    project_commands.UnfreezeProject: project.unfreeze,
    project_commands.UpdateProject: projects.update,
    project_commands.SetBookmark: project.set_bookmark,
    project_commands.RemoveBookmark: project.remove_bookmark,
    project_commands.GrantNeeds: projects.grant_needs,
    project_commands.RevokeNeeds: projects.revoke_needs,
    project_commands.NoticeBudget: projects.notice_budget,
    task_commands.ApplyPlan: plan.apply_plan,
    task_commands.CreateTask: plan.create_task,
    task_commands.ReportProgress: report.report_progress,
    task_commands.CompleteTask: report.complete,
    task_commands.FailTask: report.fail,
    task_holder_commands.ExtendAttempt: report.extend,
    task_commands.ReleaseTask: report.give_back,
    task_commands.AcknowledgeAttempt: report.acknowledge,
    task_commands.CancelTask: steer.cancel,
    task_commands.RetryTask: steer.retry,
    task_commands.ReassignTask: steer.reassign,
    task_commands.AssignTask: assign_task.assign_task,
    task_commands.BidForTask: bid.bid_for_task,
    task_commands.DismissAttention: steer.dismiss,
    task_commands.EraseSubject: erasing.erase_subject,
    task_commands.SettleNeed: follow.settle_need,
    task_commands.ElapseBackoff: follow.elapse_backoff,
    task_commands.TimeOutAttempt: follow.time_out,
    task_commands.LapseDelivery: follow.lapse_delivery,
    task_derived.PushTask: assign_task.push_task,
    task_derived.ReopenNeed: follow.reopen_need,
    task_derived.ReachStart: follow.reach_start,
    task_derived.PassDeadline: follow.pass_deadline,
    task_derived.ExhaustBudget: follow.exhaust_budget,
    task_derived.StallAttempt: follow.stall,
    task_derived.RevokeAttempt: follow.revoke,
    **SESSION_DECISIONS,
    **QUOTA_DECISIONS,
    **NOTE_DECISIONS,
    **PIPELINE_DECISIONS,
    **FACT_DECISIONS,
    **PROPOSAL_DECISIONS,
    **LOCK_DECISIONS,
    principal_commands.IssueKey: keys.issue_key,
    principal_commands.RevokeKey: principal.revoke_key,
    **node.NODE_DECISIONS,
    refusal_commands.RecordRefusal: refusal.record,
}
"""Decisions that need nothing but command, stamp and view."""

_CLASSES: Final[tuple[type[Command], ...]] = (
    *_DECISIONS,
    task_commands.ClaimTask,
    task_commands.ClaimTasks,
    task_commands.ClaimWork,
    *RUN_COMMANDS,
    PublishDefinition,
)

COMMANDS: Final[Mapping[str, type[Command]]] = {command.NAME: command for command in _CLASSES}
"""By the name that the doors for machines use."""


def rules(ready: ReadyIndex, proposals: Proposals | None = None, expressions: Expressions = UNTOLD) -> Rules:
    """The decision of every command; ``ready`` is the hint from which claims without a named task choose.

    ``proposals`` are those of windows that the runtime closes; without them all work is given out by priority.
    ``expressions`` tell the conditions of pipelines; without them a phase that has one is parked, and a definition
    that has one is not published.
    """
    claims: dict[type[Command], Decide] = {
        task_commands.ClaimTask: partial(claim.claim, ready=ready, proposals=proposals),
        task_commands.ClaimTasks: partial(claim.claim_many, ready=ready, proposals=proposals),
        task_commands.ClaimWork: partial(claim_work.claim_work, ready=ready, proposals=proposals),
    }
    published: dict[type[Command], Decide] = {PublishDefinition: publishing(expressions)}
    decisions = _DECISIONS | claims | published | run_decisions(expressions)
    return Rules({command: handing_over(decide) for command, decide in decisions.items()})
