"""Rows as they change: which keys a page of the log touches, and how their rows stand at its end."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from api.graphql.context import Context
from api.graphql.errors import KeyNotValid, Refused
from domain.kernel.decider import Recorded
from domain.kernel.ids import Position, ProjectId
from domain.principal.allow import allow
from projections.kernel.projection import Projection
from projections.kernel.requests import LIMIT_MAX
from projections.kernel.rows import Row

PAGE_EVENTS: Final = 200
"""Events of one look. It never varies, so that who resumes in the middle of a look is told no older state."""
CHECK_SECONDS: Final = 2.0
"""Where nothing happens, this often it is looked whether the key still opens."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Watch(Generic[T]):
    """What is watched, and how it is shown."""

    action: str
    """The right that it takes, asked again for each change."""
    projection: Projection[Any]
    request: Callable[[tuple[str, ...], int], Any]
    """(keys, position) -> the question for those rows as of that position."""
    shown: Callable[[Any, int], T | None]
    """(row, position) -> what the caller sees of it; None where it may see nothing."""
    concerns: Callable[[Any, ProjectId], bool] = lambda row, project: row.project == project
    """Whether a row belongs to a project."""


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """The latest state of one thing; ``now`` is None where it is gone."""

    position: int
    """Of the latest event that touched it; going on behind it misses nothing."""
    key: str
    now: T | None


async def changes(
    context: Context, watch: Watch[T], project: str | None, after: Position | None
) -> AsyncGenerator[Change[T], None]:
    """Each thing that changed, in order of its latest change, for ever. Between two looks it is told once.

    Raises Refused where the right is missing or is lost on the way.
    """
    found = await context.project(watch.action, project)
    position: int = context.services.events.head() if after is None else after
    context.started = context.cursor = position
    while True:
        require_still(context, watch.action, found)
        page = await context.services.events.page(after=position, limit=PAGE_EVENTS)
        if not page:
            await context.services.events.wait_beyond(position, CHECK_SECONDS)
            continue
        position = page[-1].position
        for change in await _changed(context, watch, found, page):
            # A slow reader may take long over a page.
            require_still(context, watch.action, found)
            context.cursor = change.position
            yield change
        context.cursor = position


def require_still(context: Context, action: str, project: ProjectId | None, *, own: bool = True) -> None:
    """The key may have been revoked, expired, or lost the project. Raises Refused."""
    principal = context.services.principals.authenticate(context.caller.secret)
    if principal is None:
        raise Refused(KeyNotValid())
    refused = allow(principal, action, project, own=own)
    if refused is not None:
        raise Refused(refused)


async def _changed(
    context: Context, watch: Watch[T], project: ProjectId | None, page: Sequence[Recorded]
) -> list[Change[T]]:
    touched = _touched(watch.projection, page)
    if not touched:
        return []
    context.forget_loaded()
    end = page[-1].position
    rows = await _rows(context, watch, project, tuple(touched), end)
    found: list[Change[T]] = []
    for key, recorded in sorted(touched.items(), key=lambda item: (item[1].position, item[0])):
        row = rows.get(key)
        if row is None:
            if _is_of(recorded, project):
                found.append(Change(recorded.position, key, None))
        elif project is None or watch.concerns(row, project):
            now = watch.shown(row, end)
            if now is not None:
                found.append(Change(recorded.position, key, now))
    return found


def _touched(projection: Projection[Any], page: Sequence[Recorded]) -> dict[str, Recorded]:
    """Keys with the latest event of the page that touches each."""
    touched: dict[str, Recorded] = {}
    for recorded in page:
        if type(recorded.event) in projection.handles:
            touched.update(dict.fromkeys(projection.keys(recorded), recorded))
    return touched


async def _rows(
    context: Context, watch: Watch[Any], project: ProjectId | None, keys: tuple[str, ...], end: int
) -> dict[str, Row]:
    """The rows as of a position; waits until the read model has reached it."""
    rows: dict[str, Row] = {}
    for start in range(0, len(keys), LIMIT_MAX):
        request = watch.request(keys[start : start + LIMIT_MAX], end)
        page = await context.services.reads.ask(request, after=end)
        while page.stale:
            require_still(context, watch.action, project)
            page = await context.services.reads.ask(request, after=end)
        rows |= {row.key: row for row in page.rows}
    return rows


def _is_of(recorded: Recorded, project: ProjectId | None) -> bool:
    return project is None or recorded.project == project
