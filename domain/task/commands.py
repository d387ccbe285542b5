"""What may be asked of tasks."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StringConstraints

from domain.kernel.ids import Instant
from domain.kernel.message import COUNT_MAX, FleetCommand, Message, ProjectCommand
from domain.kernel.text import JsonText, Reference, TokenText
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import Avoided, Budget, Escalation, EvidenceKind, Label, RetryRule
from domain.task.terms import Evidence, OnNeedFailed, Topic

TaskKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,199}$"),
    Field(description="1 to 200 letters, digits and . _ / @ + -, beginning with a letter or digit"),
]
"""A task's name inside its project, 1-200 characters."""
SPENT_MAX: Final = 10**15
"""Tokens, microdollars and calls of one attempt; sums of many stay below what stores and readers can hold."""
Outcome = Literal["completed", "failed", "cancelled"]
FailureKind = Literal["agent", "invalid_result", "timeout", "session_lost", "rate_limited", "cancelled", "budget"]


class Need(Message):
    """An edge to a task that has to settle first."""

    task: TaskKey
    """Key of a task in the same plan or already in the project."""
    accept: tuple[Outcome, ...] = Field(default=("completed",), min_length=1, max_length=3)
    project: str = Field(default="", max_length=100)
    """Name or id of another project that granted needs to this one; empty for this project."""


class PlannedTask(Message):
    """One task of a plan."""

    key: TaskKey
    title: str = Field(min_length=1, max_length=300)
    body: str = Field(default="", max_length=65_536)
    kind: str = Field(default="code", min_length=1, max_length=60)
    priority: int = Field(default=0, ge=-100, le=100)
    needs: tuple[Need, ...] = Field(default=(), max_length=2_000)
    scope: tuple[ScopeClaim, ...] = Field(default=(), max_length=64)
    requires: tuple[Requirement, ...] = Field(default=(), max_length=64)
    retry: RetryRule = RetryRule()
    timeout_seconds: float | None = Field(default=None, gt=0, le=7 * 86_400)
    stall_seconds: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """Within which an attempt has to report something new."""
    extend_seconds_max: float | None = Field(default=None, gt=0, le=7 * 86_400)
    """By how much the holder of an attempt may prolong its timeout."""
    run: str | None = Field(default=None, max_length=8_192)
    evidence: tuple[EvidenceKind, ...] = Field(default=(), max_length=16)
    """What a completion has to carry."""
    on_need_failed: OnNeedFailed = "block"
    not_before: Instant | None = Field(default=None, ge=0, le=2**53)
    """Microseconds since 1970, as ``deadline``."""
    deadline: Instant | None = Field(default=None, ge=0, le=2**53)
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    parent: TaskKey | None = None
    """Key of the task that this one is a part of; it waits until its parts have settled."""
    budget: Budget = Budget()
    concurrency_key: str = Field(default="", max_length=200)
    """Of all tasks of the project with this key only ``concurrency_limit`` are under way at a time."""
    concurrency_limit: int = Field(default=1, ge=1, le=10_000)
    idempotency_key: str = Field(default="", max_length=200)
    """A name of the work: a task of the project that was planned under it before is taken in place of this one."""
    escalate: tuple[Escalation, ...] = Field(default=(), max_length=16)
    avoid: tuple[Avoided, ...] = Field(default=(), max_length=3)


class CreateTask(ProjectCommand):
    """Create one task. The same task again changes nothing."""

    NAME: ClassVar[str] = "create_task"
    task: PlannedTask


class ApplyPlan(ProjectCommand):
    """Create many tasks, all or none. The same plan applied twice changes nothing."""

    NAME: ClassVar[str] = "apply_plan"
    tasks: tuple[PlannedTask, ...] = Field(min_length=1, max_length=2_000)


class ClaimTask(ProjectCommand):
    """Take one ready task with every lock of its scope, or one named task."""

    NAME: ClassVar[str] = "claim_task"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    task: Reference | None = None


class ClaimTasks(ProjectCommand):
    """Take several ready tasks at once, each under a token of its own; as many as there are, one at least."""

    NAME: ClassVar[str] = "claim_tasks"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    most: int = Field(default=16, ge=1, le=64)
    """At most so many, and never more than the session has room for."""


class ClaimWork(FleetCommand):
    """Take ready tasks of any project that the session serves, by fair share among the projects."""

    NAME: ClassVar[str] = "claim_work"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    most: int = Field(default=1, ge=1, le=64)
    """At most so many, and never more than the session has room for."""


class BidForTask(ProjectCommand):
    """Offer to do a ready task, where the project gives out work by auction; a further bid replaces the one before."""

    NAME: ClassVar[str] = "bid_for_task"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    task: Reference
    cost_microdollars: int = Field(ge=0, le=SPENT_MAX)
    """What it would cost."""
    confidence_percent: int = Field(ge=1, le=100)
    """How sure the session is to complete it."""


class AssignTask(ProjectCommand):
    """Give a ready task to a session that takes pushed work; it names the token within 30 s, or loses the task."""

    NAME: ClassVar[str] = "assign_task"
    task: Reference
    session: Reference


class Usage(Message):
    """What an attempt spent."""

    input_tokens: int = Field(default=0, ge=0, le=SPENT_MAX)
    output_tokens: int = Field(default=0, ge=0, le=SPENT_MAX)
    cost_microdollars: int = Field(default=0, ge=0, le=SPENT_MAX)
    tool_calls: int = Field(default=0, ge=0, le=SPENT_MAX)
    model: str = Field(default="", max_length=100)


NOTHING_USED: Final = Usage()
"""The one that everybody begins with, so that most comparisons end at a glance."""


class Artifact(Message):
    """A result kept elsewhere."""

    name: str = Field(min_length=1, max_length=200)
    uri: str = Field(min_length=1, max_length=2_000)
    digest: str = Field(default="", max_length=200)


class AttemptReport(ProjectCommand):
    """A report on a live attempt; it must carry the attempt's token."""

    task: Reference
    token: TokenText


class ReportProgress(AttemptReport):
    """Say how far the attempt is; a checkpoint is handed to the next attempt."""

    NAME: ClassVar[str] = "report_progress"
    percent: float | None = Field(default=None, ge=0, le=100)
    note: str = Field(default="", max_length=4_096)
    checkpoint: str | None = Field(default=None, max_length=65_536)
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=64)
    usage: Usage | None = None
    """What the attempt spent since it began, not since the last report."""


class CompleteTask(AttemptReport):
    """The work is done."""

    NAME: ClassVar[str] = "complete_task"
    summary: str = Field(default="", max_length=65_536)
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=64)
    usage: Usage | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=64)
    output: JsonText = ""
    """What the work gives to those that come after it in a run."""


class FailTask(AttemptReport):
    """The attempt failed; the retry rule decides what follows."""

    NAME: ClassVar[str] = "fail_task"
    kind: Literal["agent", "invalid_result", "timeout", "rate_limited"] = "agent"
    reason: str = Field(default="", max_length=4_096)
    checkpoint: str | None = Field(default=None, max_length=65_536)
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=64)
    usage: Usage | None = None


class ReleaseTask(AttemptReport):
    """Give the task back with a hand-over note; no attempt is used up."""

    NAME: ClassVar[str] = "release_task"
    note: str = Field(default="", max_length=4_096)
    checkpoint: str | None = Field(default=None, max_length=65_536)
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=64)
    usage: Usage | None = None


class AcknowledgeAttempt(AttemptReport):
    """The assignment arrived: a heartbeat named its token (derived)."""

    NAME: ClassVar[str] = "acknowledge_attempt"


CANCEL_GRACE_SECONDS = 30
CANCEL_GRACE_SECONDS_MAX = 3_600


class CancelTask(ProjectCommand):
    """Settle a task as cancelled; a live attempt is told, and loses its token after a grace."""

    NAME: ClassVar[str] = "cancel_task"
    task: Reference
    reason: str = Field(default="", max_length=4_096)
    grace_seconds: int = Field(default=CANCEL_GRACE_SECONDS, ge=0, le=CANCEL_GRACE_SECONDS_MAX)
    """For its holder to stop, leave a checkpoint and tell what it spent; 0 ends the attempt at once."""


class ReassignTask(ProjectCommand):
    """Take a task from whoever has it, for anybody or for a named session; the old token is revoked at once."""

    NAME: ClassVar[str] = "reassign_task"
    task: Reference
    to: Reference | None = None
    """Session that alone may claim it for a while; None for anybody."""
    reason: str = Field(default="", max_length=4_096)


class RetryTask(ProjectCommand):
    """Start a new generation of a failed or parked task."""

    NAME: ClassVar[str] = "retry_task"
    task: Reference
    budget: Budget | None = None
    """What the new generation may spend; None keeps what was planned."""


class DismissAttention(ProjectCommand):
    """A person has seen why a task asks for attention."""

    NAME: ClassVar[str] = "dismiss_attention"
    task: Reference
    topic: Topic


class EraseSubject(ProjectCommand):
    """Destroy the key of what was said of something that has settled; a second person has to agree."""

    NAME: ClassVar[str] = "erase_subject"
    subject: Reference
    """Task by key or id; run by id, with all that is inside of it; session or proposal by id."""
    reason: str = Field(min_length=1, max_length=500)
    """Stays readable for ever: it should not repeat what is erased."""
    dry_run: bool = False
    """Only tell what would be erased."""


class SettleNeed(ProjectCommand):
    """A needed task settled (derived by the policy ready_dependants)."""

    NAME: ClassVar[str] = "settle_need"
    task: Reference
    need: Reference
    outcome: Outcome


class ElapseBackoff(ProjectCommand):
    """The backoff instant was reached (derived by the policy retry_due)."""

    NAME: ClassVar[str] = "elapse_backoff"
    task: Reference
    until: int


class TimeOutAttempt(AttemptReport):
    """The attempt ran longer than its timeout (derived)."""

    NAME: ClassVar[str] = "time_out_attempt"


class LapseDelivery(AttemptReport):
    """Nobody named the token within 30 s of its assignment (derived)."""

    NAME: ClassVar[str] = "lapse_delivery"
