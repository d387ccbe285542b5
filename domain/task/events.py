"""What happened to a task."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.values import Requirement, ScopeClaim
from domain.task.commands import Artifact, FailureKind, Outcome, RetryRule, Usage

ReadyReason = Literal["planned", "needs_met", "retry_due", "released", "lock_delay_over", "retried", "lost_delivery"]


class NeedEdge(Message):
    """A need with the key resolved to a task id."""

    task: str
    key: str
    accept: tuple[Outcome, ...]


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


class TaskDependantAdded(Event):
    """Another task needs this one."""

    TYPE: ClassVar[str] = "task.dependant_added.v1"
    dependant: str


class TaskNeedSettled(Event):
    """A needed task settled, acceptably or not."""

    TYPE: ClassVar[str] = "task.need_settled.v1"
    need: str
    outcome: Outcome
    satisfied: bool


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


class TaskStarted(Event):
    """The assignment was acknowledged."""

    TYPE: ClassVar[str] = "task.started.v1"
    token: int
    at: Instant


class TaskProgressed(Event):
    """The holder said how far it is."""

    TYPE: ClassVar[str] = "task.progressed.v1"
    token: int
    percent: float | None
    note: str
    checkpoint: str | None
    at: Instant


class TaskCompleted(Event):
    """Settled: done."""

    TYPE: ClassVar[str] = "task.completed.v1"
    token: int
    summary: str
    artifacts: tuple[Artifact, ...]
    usage: Usage | None
    at: Instant


class TaskAttemptEnded(Event):
    """An attempt ended without completing the task."""

    TYPE: ClassVar[str] = "task.attempt_ended.v1"
    token: int
    kind: Literal[FailureKind, "released", "lost_delivery"]
    reason: str
    consumed: bool
    """Whether it used up one of the attempts that the retry rule grants."""
    checkpoint: str | None
    at: Instant


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


class TaskRetried(Event):
    """A new generation begins with fresh attempts."""

    TYPE: ClassVar[str] = "task.retried.v1"
    generation: int
    at: Instant


class LateReportDiscarded(Event):
    """A report with a token that is not current was refused; recorded once per token and kind of report."""

    TYPE: ClassVar[str] = "task.late_report_discarded.v1"
    token: int
    report: str
    digest: str
    at: Instant
