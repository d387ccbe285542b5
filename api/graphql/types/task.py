"""Tasks as they are shown, with what they need and who works on them."""

import json
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.enums import Outcome, TaskStatus
from api.graphql.types.lock import Claim, claims_of
from domain.kernel.ids import Instant, Position
from projections.task_board.rows import TaskBoardRow
from projections.task_needs.rows import TaskNeedRow

if TYPE_CHECKING:
    from api.graphql.types.session import Session


@strawberry.type
class TaskNeed:
    """An edge to a task that has to settle first."""

    task_id: str
    key: str
    accept: list[Outcome]
    outcome: Outcome | None = strawberry.field(description="How it settled last; null while it has not.")
    satisfied: bool
    as_of: strawberry.Private[int]

    @strawberry.field
    async def task(self, info: Asking) -> Annotated["Task", strawberry.lazy("api.graphql.types.task")] | None:
        """The needed task."""
        return await load_task(info.context, self.task_id, self.as_of)


@strawberry.type
class Task:
    """A task as it stands."""

    id: strawberry.ID
    project_id: str
    key: str = strawberry.field(description="Its name inside the project.")
    title: str
    kind: str
    priority: int
    status: TaskStatus
    generation: int
    needs_total: int
    unmet_total: int
    scope: list[Claim]
    requires: JSON
    path_length: int
    session_id: str | None = strawberry.field(
        description="Of the latest attempt; it owns the task only while assigned or running."
    )
    incarnation: int | None
    attempt: int
    token: str | None
    percent: float | None
    note: str
    attempts_total: int
    lost_total: int
    late_reports_total: int
    reason: str
    failure_kind: str | None
    waits_for: str
    waits_until: Instant | None
    summary: str
    usage: JSON | None = strawberry.field(description="What all attempts that have ended spent.")
    usage_live: JSON | None = strawberry.field(description="What the live attempt spent, as far as its holder said.")
    usage_parts: JSON | None = strawberry.field(description="What all settled parts spent, with their own parts.")
    labels: list[str]
    parent_id: str | None = strawberry.field(description="The task that it is a part of.")
    parts_total: int
    parts_settled: int
    evidence: list[str] = strawberry.field(description="Kinds of evidence that a completion has to carry.")
    on_need_failed: str
    budget: JSON
    concurrency_key: str
    concurrency_limit: int
    not_before: Instant | None
    deadline: Instant | None
    attention: list[str] = strawberry.field(description="Topics for which it needs a person.")
    needs_person: bool
    reassigned_total: int
    reserved_for: str | None = strawberry.field(description="Session that alone may claim it for a while.")
    planned_at: Instant
    ready_at: Instant | None
    claimed_at: Instant | None
    started_at: Instant | None
    settled_at: Instant | None
    changed_at: Instant
    as_of: strawberry.Private[int]

    @strawberry.field
    async def needs(self, info: Asking) -> list[TaskNeed]:
        """What has to settle first."""
        if self.needs_total == 0:
            return []
        rows = await info.context.loaders.needs.load((self.as_of, self.id))
        return [_need_of(row, self.as_of) for row in rows]

    @strawberry.field
    async def session(self, info: Asking) -> Annotated["Session", strawberry.lazy("api.graphql.types.session")] | None:
        """The session of the latest attempt."""
        from api.graphql.types.session import load_session

        return None if self.session_id is None else await load_session(info.context, self.session_id, self.as_of)


@strawberry.type
class TaskFound:
    """One task, or null where there is none that the caller may see."""

    task: Task | None
    position: Position
    stale: bool


async def load_task(context: Context, identifier: str, as_of: int) -> Task | None:
    """The task of an id, where the caller may read it."""
    row = await context.loaders.task.load((as_of, identifier))
    return None if row is None or not context.may("read.tasks", row.project) else task_of(row, as_of)


def task_of(row: TaskBoardRow, as_of: int) -> Task:
    """A row as it is shown."""
    return Task(
        id=strawberry.ID(row.key),
        project_id=row.project,
        key=row.name,
        title=row.title,
        kind=row.kind,
        priority=row.priority,
        status=TaskStatus(row.status),
        generation=row.generation,
        needs_total=row.needs_total,
        unmet_total=row.unmet_total,
        scope=claims_of(row.scope),
        requires=json.loads(row.requires),
        path_length=row.path_length,
        session_id=row.session,
        incarnation=row.incarnation,
        attempt=row.attempt,
        token=None if row.token is None else str(row.token),
        percent=row.percent,
        note=row.note,
        attempts_total=row.attempts_total,
        lost_total=row.lost_total,
        late_reports_total=row.late_reports_total,
        reason=row.reason,
        failure_kind=row.failure_kind,
        waits_for=row.waits_for,
        waits_until=_instant(row.waits_until),
        summary=row.summary,
        usage=_json(row.usage),
        usage_live=_json(row.usage_live),
        usage_parts=_json(row.usage_parts),
        labels=json.loads(row.labels),
        parent_id=row.parent,
        parts_total=row.parts_total,
        parts_settled=row.parts_settled,
        evidence=json.loads(row.evidence),
        on_need_failed=row.on_need_failed,
        budget=json.loads(row.budget),
        concurrency_key=row.concurrency_key,
        concurrency_limit=row.concurrency_limit,
        not_before=_instant(row.not_before),
        deadline=_instant(row.deadline),
        attention=[topic for topic in row.attention.split(",") if topic],
        needs_person=row.needs_person,
        reassigned_total=row.reassigned_total,
        reserved_for=row.reserved_for,
        planned_at=Instant(row.planned_at),
        ready_at=_instant(row.ready_at),
        claimed_at=_instant(row.claimed_at),
        started_at=_instant(row.started_at),
        settled_at=_instant(row.settled_at),
        changed_at=Instant(row.changed_at),
        as_of=as_of,
    )


def _need_of(row: TaskNeedRow, as_of: int) -> TaskNeed:
    return TaskNeed(
        task_id=row.need,
        key=row.need_name,
        accept=[Outcome(one) for one in json.loads(row.accept)],
        outcome=None if row.outcome is None else Outcome(row.outcome),
        satisfied=row.satisfied,
        as_of=as_of,
    )


def _json(text: str | None) -> JSON | None:
    return None if text is None else json.loads(text)


def _instant(at: int | None) -> Instant | None:
    return None if at is None else Instant(at)
