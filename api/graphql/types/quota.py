"""Credential pools as they are shown; of projects that the caller may not see nothing is shown."""

import json

import strawberry

from api.graphql.context import Context
from domain.kernel.ids import Instant
from projections.quota_roster.rows import QuotaRosterRow


@strawberry.type
class Quota:
    """Credentials whose quota several sessions spend: whether it is there, and why not."""

    id: strawberry.ID
    name: str
    project_ids: list[str]
    state: str = strawberry.field(description="closed (work is given out), open, or half_open (one session tries).")
    kind: str = strawberry.field(description="Why it opened last.")
    reason: str
    reported_by: str
    failures: int
    due_at: Instant | None = strawberry.field(description="When somebody may try, or when the try is over.")
    probed_by: str | None
    sessions: list[str]
    sessions_live: int
    changed_at: Instant


def quota_of(row: QuotaRosterRow, context: Context) -> Quota | None:
    """A row as it is shown; None where no project of it may be read. Whose sessions spend it is told to those alone
    who see every project."""
    projects = [one for one in json.loads(row.projects) if context.may("read.sessions", one)]
    everything = context.principal.projects is None
    if not projects and not everything:
        return None
    return Quota(
        id=strawberry.ID(row.key),
        name=row.name,
        project_ids=projects,
        state=row.state,
        kind=row.kind,
        reason=row.reason if everything else "",
        reported_by=row.reported_by if everything else "",
        failures=row.failures,
        due_at=None if row.due_at is None else Instant(row.due_at),
        probed_by=row.probed_by if everything else None,
        sessions=json.loads(row.sessions) if everything else [],
        sessions_live=row.sessions_live,
        changed_at=Instant(row.changed_at),
    )
