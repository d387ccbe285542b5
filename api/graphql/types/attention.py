"""What a person has to look at, as it is shown."""

from enum import Enum
from typing import Annotated

import strawberry

from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.types.session import Session, load_session
from api.graphql.types.task import Task, load_task
from domain.dispatch import standstill
from domain.kernel.ids import Instant, Position
from projections.attention.rows import RESOLVED_BY, AttentionRow, place_of
from projections.kernel.rows import texts


@strawberry.enum
class AttentionTopic(Enum):
    """Why a person has to look."""

    PARKED = "parked"
    BLOCKED = "blocked"
    OVERDUE = "overdue"
    BUDGET = "budget"
    STRANDED = "stranded"
    UNCLAIMED = "unclaimed"
    QUARANTINED_LOCKS = "quarantined_locks"
    QUARANTINED_UNITS = "quarantined_units"
    WAITING_FOR_PERSON = "waiting_for_person"
    SILENT = "silent"
    QUOTA_REFUSED = "quota_refused"
    FROZEN = "frozen"
    SOFT_BUDGET = "soft_budget"
    RUN_BUDGET = "run_budget"
    PARKED_PHASE = "parked_phase"
    OPEN_GATE = "open_gate"
    FAILED_UNDO = "failed_undo"
    HELD_RUN = "held_run"
    REVISED_FACT = "revised_fact"


@strawberry.enum
class AttentionSubject(Enum):
    """What has to be looked at."""

    TASK = "task"
    RUN = "run"
    LOCK = "lock"
    POOL = "pool"
    SESSION = "session"
    QUOTA = "quota"
    PROJECT = "project"


@strawberry.type
class Attention:
    """One thing that a person has to look at: since when, why, and what would end it."""

    topic: AttentionTopic
    subject: AttentionSubject
    about: str = strawberry.field(description="Id of the task, session or project; token; name of the pool or quota.")
    place: str = strawberry.field(description="Phase of the run that it is about; empty for none.")
    project_ids: list[str]
    since: Instant
    why: str
    resolve: str
    units: list[str] = strawberry.field(description="The units of a pool that it is about.")
    as_of: strawberry.Private[int]

    @strawberry.field
    async def task(self, info: Asking) -> Annotated["Task", strawberry.lazy("api.graphql.types.task")] | None:
        """The task that it is about."""
        of_task = self.subject is AttentionSubject.TASK
        return await load_task(info.context, self.about, self.as_of) if of_task else None

    @strawberry.field
    async def session(self, info: Asking) -> Annotated["Session", strawberry.lazy("api.graphql.types.session")] | None:
        """The session that it is about."""
        of_session = self.subject is AttentionSubject.SESSION
        return await load_session(info.context, self.about, self.as_of) if of_session else None


@strawberry.enum
class StandstillReason(Enum):
    """Why one thing waits for another."""

    NEED = "need"
    PART = "part"
    SCOPE = "scope"
    LOCK = "lock"
    AGENT = "agent"


@strawberry.type
class StandstillStep:
    """One thing that waits, and for what."""

    waiter: str = strawberry.field(description="Id of a task, or a life of a session: `session#incarnation`.")
    because: StandstillReason
    words: str
    holder: str = strawberry.field(description="What it waits for; it is the next waiter.")


@strawberry.type
class Standstill:
    """Things that wait for each other in a circle, so that none of them ever moves."""

    since: Instant
    summary: str
    resolve: str
    steps: list[StandstillStep]


@strawberry.type
class Standstills:
    """Every circle of waits that was found, at most 50."""

    standstills: list[Standstill]
    looked_at: int = strawberry.field(description="Unsettled tasks.")
    complete: bool = strawberry.field(description="Whether all unsettled tasks and unmet needs were looked at.")
    position: Position
    stale: bool


def attention_of(row: AttentionRow, as_of: int, context: Context) -> Attention | None:
    """A row as it is shown; None where no project of it may be read."""
    projects = [one for one in texts(row.projects) if context.may("read.tasks", one)]
    if not projects and context.principal.projects is not None:
        return None
    return Attention(
        topic=AttentionTopic(row.topic),
        subject=AttentionSubject(row.subject),
        about=row.about,
        place=place_of(row),
        project_ids=projects,
        since=Instant(row.begun_at),
        why=row.why,
        resolve=RESOLVED_BY[row.topic],
        units=texts(row.units),
        as_of=as_of,
    )


def standstill_of(found: standstill.Standstill) -> Standstill:
    """A circle as it is shown."""
    steps = [
        StandstillStep(waiter=one.waiter, because=StandstillReason(one.because), words=one.words, holder=one.holder)
        for one in found.steps
    ]
    return Standstill(since=found.since, summary=found.summary, resolve=found.resolve, steps=steps)
