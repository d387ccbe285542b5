"""Projects and keys from their read models."""

from collections.abc import Sequence
from typing import Any

import strawberry

from api.graphql.context import Context
from api.graphql.enums import Role
from api.graphql.pages import Connection
from api.graphql.reads.asked import NO_IDS, Asked, ask, connection_of
from api.graphql.types.fleet import Key, Project, ProjectFound
from domain.kernel.errors import Rejection
from domain.kernel.ids import Instant, Position
from domain.project.settings import ProjectSettings
from projections.api_keys.queries import ApiKeyPage
from projections.api_keys.rows import ApiKeyRow
from projections.kernel.requests import LIMIT_MAX
from projections.kernel.rows import texts
from projections.projects.queries import ProjectPage
from projections.projects.rows import ProjectRow


async def project(context: Context, name: str, asked: Asked) -> ProjectFound:
    """The project of a slug or id; a foreign one is answered like an absent one."""
    found = await context.edge.visible(context.principal, name)
    keys = NO_IDS if isinstance(found, Rejection) else (found,)
    if not isinstance(found, Rejection):
        context.require("read.projects", found)
    page = await ask(context, ProjectPage(keys=keys, limit=1, as_of=asked.as_of), asked.after)
    shown = next((_project_of(row, context) for row in page.rows), None)
    return ProjectFound(project=shown, position=Position(page.position), stale=page.stale)


async def projects(context: Context, asked: Asked) -> Connection[Project]:
    """A page of the projects that the caller may see, in order of their creation."""
    mine = context.principal.projects
    if mine is None:
        context.require("read.projects", None)
        keys: tuple[str, ...] = ()
    else:
        keys = tuple(one for one in sorted(mine) if context.may("read.projects", one)) or NO_IDS
    request = ProjectPage(keys=keys, limit=asked.first, cursor=asked.cursor, as_of=asked.as_of)
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: _project_of(row, context))


async def keys(context: Context, asked: Asked) -> Connection[Key]:
    """A page of API keys in order of their issue."""
    context.require("read.keys", None)
    request = ApiKeyPage(limit=asked.first, cursor=asked.cursor, as_of=asked.as_of)
    page = await ask(context, request, asked.after)
    rows: Sequence[ApiKeyRow] = page.rows
    names = await project_names(context, {one for row in rows for one in texts(row.projects)})
    return connection_of(request, page, lambda row: _key_of(row, names))


async def project_names(context: Context, ids: set[str]) -> dict[str, str]:
    """Names of projects by id; a name never changes, so they are those of now."""
    wanted = sorted(ids)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), LIMIT_MAX):
        page = await ask(context, ProjectPage(keys=tuple(wanted[start : start + LIMIT_MAX]), limit=LIMIT_MAX), None)
        found.update((row.key, row.name) for row in page.rows)
    return found


def _settings(row: ProjectRow) -> Any:
    """As they hold: what was stored before a setting existed has its default."""
    return ProjectSettings.model_validate_json(row.settings, strict=False).model_dump(mode="json")


def _project_of(row: ProjectRow, context: Context) -> Project:
    return Project(
        id=strawberry.ID(row.key),
        name=row.name,
        lock_delay_seconds=row.lock_delay_seconds,
        frozen=row.frozen,
        frozen_reason=row.frozen_reason,
        settings=_settings(row),
        needs_granted=[one for one in texts(row.needs_granted) if context.sees(one)],
        created_at=Instant(row.created_at),
        changed_at=Instant(row.changed_at),
    )


def _key_of(row: ApiKeyRow, names: dict[str, str]) -> Key:
    ids = texts(row.projects)
    return Key(
        id=strawberry.ID(row.key),
        name=row.name,
        role=Role(row.role),
        project_ids=ids,
        project_names=[names.get(one, one) for one in ids],
        issued_at=Instant(row.issued_at),
        expires_at=None if row.expires_at is None else Instant(row.expires_at),
        revoked=row.revoked,
        revoked_at=None if row.revoked_at is None else Instant(row.revoked_at),
    )
