"""What happened to a task."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.words import ValueField
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Avoided, Budget, Escalation, EvidenceKind, RetryRule
from domain.task.commands import Artifact, FailureKind, Outcome, Usage
from domain.task.terms import Choice, Evidence, OnNeedFailed, Origin, ReadyReason, Topic


class NeedEdge(Message):
    """A need with the key resolved to a task id."""

    task: str
    key: str
    accept: tuple[Outcome, ...]
    project: str = ""
    """Id of the other project that the task belongs to; empty for its own."""


class TaskPlanned(Event):
    """The task exists and waits for its needs."""

    TYPE: ClassVar[str] = "task.planned.v1"
    project: str
    """Id of the project it belongs to; any other project is told that there is no such task."""
    key: str
    title: str
    body: str
    kind: str
    priority: int
    needs: tuple[NeedEdge, ...]
    scope: tuple[ScopeClaim, ...]
    requires: tuple[Requirement, ...]
    retry: RetryRule
    timeout_seconds: float | None
    run: str | None
    path_length: int
    """Tasks on the longest path from here to a task that nothing of the plan needs, itself included."""
    at: Instant
    evidence: tuple[EvidenceKind, ...] = ()
    on_need_failed: OnNeedFailed = "block"
    not_before: Instant | None = None
    deadline: Instant | None = None
    labels: tuple[str, ...] = ()
    parent: str = ""
    """Id of the task that this one is a part of; empty where it is none."""
    parent_key: str = ""
    budget: Budget = Budget()
    concurrency_key: str = ""
    concurrency_limit: int = 1
    idempotency_key: str = ""
    escalate: tuple[Escalation, ...] = ()
    avoid: tuple[Avoided, ...] = ()
    origin: Origin | None = None
    """The phase of a run whose work it is; None for a task of a plan."""
    input: str = ""
    """JSON text: what its phase hands to whoever does the work."""
    outputs: tuple[ValueField, ...] = ()
    """What a completion has to say to its phase."""
    stall_seconds: float | None = None
    """Within which an attempt has to say something new; None where it need not."""
    extend_seconds_max: float | None = None
    """By how much the holder of an attempt may prolong its timeout; None is not at all."""
    under_key: bool = False
    """False for one of before there were keys: the log keeps its words as they are."""


class TaskDependantAdded(Event):
    """Another task needs this one."""

    TYPE: ClassVar[str] = "task.dependant_added.v1"
    dependant: str
    project: str = ""
    """Id of the other project that the dependant belongs to; empty for the task's own."""


class TaskNeedSettled(Event):
    """A needed task settled, acceptably or not."""

    TYPE: ClassVar[str] = "task.need_settled.v1"
    need: str
    outcome: Outcome
    satisfied: bool
    waived: bool = False
    """Whether the task goes on without it, as its plan says."""


class TaskNeedReopened(Event):
    """A needed task that had settled began anew: the need is open again, or the settlement that it led to is stale."""

    TYPE: ClassVar[str] = "task.need_reopened.v1"
    need: str
    part: bool
    """Whether it is a part of this task that is open again."""
    at: Instant


class TaskPartAdded(Event):
    """A task that is a part of this one was planned; this one waits until it has settled."""

    TYPE: ClassVar[str] = "task.part_added.v1"
    part: str
    key: str
    at: Instant


class TaskPartSettled(Event):
    """A part settled, one way or the other."""

    TYPE: ClassVar[str] = "task.part_settled.v1"
    part: str
    outcome: Outcome
    usage: Usage
    """What the part and its own parts spent since it settled last."""
    at: Instant


class TaskHeldBack(Event):
    """The task is not ready (any more): it waits for parts, or for its run to go on."""

    TYPE: ClassVar[str] = "task.held_back.v1"
    at: Instant
    by: str = ""
    """Id of the run that is paused; empty where it waits for parts. A live attempt goes on."""


class TaskReadied(Event):
    """Nothing is unmet: a session may claim it."""

    TYPE: ClassVar[str] = "task.readied.v1"
    reason: ReadyReason
    at: Instant


class TaskClaimed(Event):
    """A session owns the task, fenced by one token."""

    TYPE: ClassVar[str] = "task.claimed.v1"
    session: str
    incarnation: int
    token: int
    attempt: int
    strategy: str
    at: Instant
    host: str = ""
    """Of the session, as ``model``; for whom to avoid once the attempt has failed."""
    model: str = ""
    choice: Choice | None = None
    """Why this task; None where it was asked for by name."""
    ready_at: Instant | None = None
    """Since when it had waited to be claimed."""


class TaskStarted(Event):
    """The assignment was acknowledged."""

    TYPE: ClassVar[str] = "task.started.v1"
    token: int
    at: Instant
    budget_until: Instant | None = None
    """When the time that the task may still spend is over; None without such a bound."""
    stalls_at: Instant | None = None
    """When the attempt ends unless it has said something new."""


class TaskProgressed(Event):
    """The holder said how far it is, and what the attempt has used up to here."""

    TYPE: ClassVar[str] = "task.progressed.v1"
    token: int
    percent: float | None
    note: str
    checkpoint: str | None
    at: Instant
    artifacts: tuple[Artifact, ...] = ()
    usage: Usage | None = None
    stalls_at: Instant | None = None
    digest: str = ""


class TaskCompleted(Event):
    """Settled: done."""

    TYPE: ClassVar[str] = "task.completed.v1"
    token: int
    summary: str
    artifacts: tuple[Artifact, ...]
    usage: Usage | None
    at: Instant
    evidence: tuple[Evidence, ...] = ()
    output: str = ""
    """JSON text: what the work gives to those that come after it."""


class TaskAttemptEnded(Event):
    """An attempt ended without completing the task."""

    TYPE: ClassVar[str] = "task.attempt_ended.v1"
    token: int
    kind: Literal[FailureKind, "released", "lost_delivery", "reassigned"]
    reason: str
    consumed: bool
    """Whether it used up one of the attempts that the retry rule grants."""
    checkpoint: str | None
    at: Instant
    artifacts: tuple[Artifact, ...] = ()
    usage: Usage | None = None
    """Of the attempt; None where its holder did not say."""


class TaskBackedOff(Event):
    """The task waits until an instant that was chosen here, once."""

    TYPE: ClassVar[str] = "task.backed_off.v1"
    until: Instant
    reason: Literal["retry", "lock_delay"]
    then: ReadyReason
    at: Instant


class TaskFailed(Event):
    """Settled: the retry rule is exhausted."""

    TYPE: ClassVar[str] = "task.failed.v1"
    reason: str
    at: Instant


class TaskParked(Event):
    """A person must look."""

    TYPE: ClassVar[str] = "task.parked.v1"
    reason: str
    at: Instant


class TaskCancelled(Event):
    """Settled: not wanted any more."""

    TYPE: ClassVar[str] = "task.cancelled.v1"
    reason: str
    at: Instant
    because: str = ""
    """Id of the need that can no longer be met; empty where somebody cancelled it."""
    revoked_at: Instant | None = None
    """Until when the live attempt may still report; None where none lives or it ends here."""


class TaskRetried(Event):
    """A new generation begins with fresh attempts."""

    TYPE: ClassVar[str] = "task.retried.v1"
    generation: int
    at: Instant
    budget: Budget | None = None
    """What the generation may spend; None as planned."""


class TaskReassigned(Event):
    """Somebody took the task from whoever had it, or gave it to a session."""

    TYPE: ClassVar[str] = "task.reassigned.v1"
    session: str | None
    """Who alone may claim it for a while once it is ready; None for anybody."""
    reason: str
    by: str
    at: Instant


class TaskAttentionRaised(Event):
    """The task needs a person."""

    TYPE: ClassVar[str] = "task.attention_raised.v1"
    topic: Topic
    reason: str
    at: Instant


class TaskAttentionCleared(Event):
    """What the task needed a person for is over, or a person has seen it."""

    TYPE: ClassVar[str] = "task.attention_cleared.v1"
    topic: Topic
    by: str
    """Principal that dismissed it; empty where it went by itself."""
    at: Instant


class LateReportDiscarded(Event):
    """A report with a token that is not current was refused; recorded once per token and kind of report."""

    TYPE: ClassVar[str] = "task.late_report_discarded.v1"
    token: int
    report: str
    digest: str
    at: Instant
