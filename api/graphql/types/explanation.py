"""Explanations as they are shown."""

import strawberry
from strawberry.scalars import JSON

from api.graphql.enums import ExplainedKind
from domain.kernel.ids import Instant, Position


@strawberry.type
class Reason:
    """One thing that stands in the way, or that matters for what comes next."""

    code: str = strawberry.field(description="Stable name; of a refusal it is the code that a claim would get.")
    words: str
    unblock: str = strawberry.field(description="What would change it.")
    about: str = strawberry.field(description="Id of the task, session or project, or the token; may be empty.")
    until: Instant | None = strawberry.field(description="When it passes by itself.")
    data: JSON


@strawberry.type
class Explanation:
    """Why a task, a session, a lock or a run is where it is."""

    kind: ExplainedKind
    id: strawberry.ID
    project_id: str | None
    name: str
    status: str
    moving: bool = strawberry.field(
        description="Nothing stands in its way: it is worked on, or will be as soon as somebody asks."
    )
    summary: str
    reasons: list[Reason]
    position: Position = strawberry.field(description="The log was at least this long.")
    omitted: int = strawberry.field(description="Further reasons that are not listed.")
