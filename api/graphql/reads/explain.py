"""Explanations, asked of the states that decisions are made with."""

from dataclasses import dataclass

import strawberry

from api.graphql.context import Context
from api.graphql.enums import ExplainedKind
from api.graphql.errors import Refused, RequestNotReadable
from api.graphql.types.explanation import Explanation, Reason
from domain.dispatch import explanation as told
from domain.kernel.errors import Rejection
from domain.kernel.ids import Position, ProjectId

NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Named:
    """What is to be explained: one of these, and of a run perhaps one of its phases."""

    task: str | None
    session: str | None
    lock: str | None
    run: str | None
    phase: str | None


async def explained(context: Context, project: str | None, named: Named) -> Explanation:
    """The explanation of the one thing that is named. Raises Refused."""
    if sum(one is not None for one in (named.task, named.session, named.lock, named.run)) != 1:
        raise Refused(RequestNotReadable(reason="name one of task, session, lock and run"))
    if (project is None) != (named.session is not None):
        reason = "a task, a lock and a run are named with their project, a session without"
        raise Refused(RequestNotReadable(reason=reason))
    if named.phase is not None and named.run is None:
        raise Refused(RequestNotReadable(reason="a phase is named with its run"))
    position = Position(context.services.events.head())
    found = await _asked(context, project, named)
    if isinstance(found, Rejection):
        raise Refused(found)
    return _shown(found, position)


async def _asked(context: Context, project: str | None, named: Named) -> told.Explanation | Rejection:
    explains, session, lock = context.services.explains, named.session, named.lock
    if session is not None:
        return await explains.session(session[:NAME_CHARACTERS_MAX], lambda one: context.may("read.sessions", one))
    if named.run is not None:
        where = await context.project("read.runs", project)
        place = (named.phase or "")[:NAME_CHARACTERS_MAX]
        return await explains.run(where or ProjectId(""), named.run[:NAME_CHARACTERS_MAX], place)
    where = await context.project("read.tasks" if lock is None else "read.locks", project)
    name = (named.task or lock or "")[:NAME_CHARACTERS_MAX]
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
