"""Ids by their last characters."""

from typing import Final

from api.graphql.context import Context
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.reads.asked import Asked, ask
from projections.short_ids.queries import ShortIdPage

CHARACTERS_MIN: Final = 4
CHARACTERS_MAX: Final = 100
FOUND_MAX: Final = 20
"""Ids that one ending is looked up to; more help nobody to choose."""


async def ids_ending(context: Context, kind: str, ending: str, project: str | None, asked: Asked) -> tuple[str, ...]:
    """The ids that end so, at most 20. Raises Refused where the ending is too short or too long."""
    if not CHARACTERS_MIN <= len(ending) <= CHARACTERS_MAX or "\0" in ending:
        bounds = f"{CHARACTERS_MIN} to {CHARACTERS_MAX}"
        raise Refused(RequestNotReadable(reason=f"the end of an id has {bounds} characters"))
    request = ShortIdPage(kind=kind, ending=ending, project=project, limit=FOUND_MAX, as_of=asked.as_of)
    return tuple(row.key for row in (await ask(context, request, asked.after)).rows)
