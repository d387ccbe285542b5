"""Explanations, asked of the states that decisions are made with."""

import strawberry

from api.graphql.context import Context
from api.graphql.enums import ExplainedKind
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.types.explanation import Explanation, Reason
from domain.dispatch import explanation as told
from domain.kernel.errors import Rejection
from domain.kernel.ids import Position, ProjectId

NAME_CHARACTERS_MAX = 200


async def explained(
    context: Context, project: str | None, task: str | None, session: str | None, lock: str | None
) -> Explanation:
    """The explanation of the one thing that is named. Raises Refused."""
    if sum(one is not None for one in (task, session, lock)) != 1:
        raise Refused(RequestNotReadable(reason="name one of task, session and lock"))
    if (project is None) != (session is not None):
        raise Refused(RequestNotReadable(reason="a task and a lock are named with their project, a session without"))
    position = Position(context.services.events.head())
    found = await _asked(context, project, task, session, lock)
    if isinstance(found, Rejection):
        raise Refused(found)
    return _shown(found, position)


async def _asked(
    context: Context, project: str | None, task: str | None, session: str | None, lock: str | None
) -> told.Explanation | Rejection:
    explains = context.services.explains
    if session is not None:
        return await explains.session(session[:NAME_CHARACTERS_MAX], lambda one: context.may("read.sessions", one))
    where = await context.project("read.tasks" if lock is None else "read.locks", project)
    name = (task or lock or "")[:NAME_CHARACTERS_MAX]
    ask = explains.task if lock is None else explains.lock
    return await ask(where or ProjectId(""), name)


def _shown(found: told.Explanation, position: Position) -> Explanation:
    return Explanation(
        kind=ExplainedKind(found.kind),
        id=strawberry.ID(found.id),
        project_id=found.project or None,
        name=found.name,
        status=found.status,
        moving=found.moving,
        summary=found.summary,
        reasons=[
            Reason(
                code=one.code,
                words=one.words,
                unblock=one.unblock,
                about=one.about,
                until=one.until,
                data=one.model_dump(mode="json")["data"],
            )
            for one in found.reasons
        ],
        position=position,
        omitted=found.omitted,
    )
