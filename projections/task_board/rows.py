"""What the board shows of a task."""

from typing import Final, Literal, NamedTuple

from projections.kernel.quick import quick

TaskStatus = Literal["pending", "ready", "assigned", "running", "backoff", "parked", "completed", "failed", "cancelled"]
LIVE: Final[tuple[TaskStatus, ...]] = ("assigned", "running")
SETTLED: Final[tuple[TaskStatus, ...]] = ("completed", "failed", "cancelled")
SUMMARY_LENGTH_MAX: Final = 4_096
"""Characters of a completion's summary that the board keeps; the whole is in the event."""


@quick
class TaskBoardRow(NamedTuple):
    """A task as it stands. Instants are microseconds since 1970; None where it has not happened."""

    key: str
    """Id of the task."""
    project: str
    begun_position: int
    """Of the event that planned it."""
    name: str
    """The task's key inside its project."""
    title: str
    kind: str
    priority: int
    urgency: int
    """The priority with its sign turned, so that what comes first sorts first."""
    status: TaskStatus
    generation: int
    needs_total: int
    unmet_total: int
    """Needs that are not satisfied; which ones is said by task_needs."""
    scope: str
    """JSON: [{claim, mode}]."""
    requires: str
    """JSON: [{key, operator, value}]."""
    path_length: int
    session: str | None
    """Of the latest attempt, as the five that follow; it owns the task only while assigned or running."""
    incarnation: int | None
    attempt: int
    token: int | None
    percent: float | None
    note: str
    attempts_total: int
    lost_total: int
    """Attempts of this generation that ended because their session was lost."""
    late_reports_total: int
    reason: str
    """Why the latest attempt ended, or why the task is parked, failed or cancelled."""
    failure_kind: str | None
    """How the latest attempt ended where it did not complete."""
    waits_for: str
    """``retry`` or ``lock_delay`` while in backoff, else empty."""
    waits_until: int | None
    summary: str
    usage: str | None
    """JSON: {input_tokens, output_tokens, cost_microdollars, tool_calls, model} of all attempts that have ended."""
    usage_live: str | None
    """JSON, the same of the live attempt, as far as its holder said."""
    usage_parts: str | None
    """JSON, the same of all parts and their parts that have settled."""
    labels: str
    """JSON: [word]."""
    parent: str | None
    """Id of the task that it is a part of."""
    parts_total: int
    parts_settled: int
    evidence: str
    """JSON: the kinds of evidence that a completion has to carry."""
    on_need_failed: str
    budget: str
    """JSON: {tokens, cost_microdollars, wall_seconds} that this generation may spend."""
    concurrency_key: str
    concurrency_limit: int
    not_before: int | None
    deadline: int | None
    attention: str
    """Topics for which it needs a person, sorted, with commas between; empty for none."""
    needs_person: bool
    reassigned_total: int
    reserved_for: str | None
    """Session that alone may claim it for a while."""
    planned_at: int
    ready_at: int | None
    claimed_at: int | None
    started_at: int | None
    settled_at: int | None
    changed_at: int
    """Instant of the latest event that carries one."""
