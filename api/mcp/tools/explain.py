"""explain: why a task, a session, a lock or a run does not move, and what would change it."""

from typing import Annotated, Final, Literal, assert_never

from pydantic import Field

from api.mcp.answers import Fields, present, refuse, untrusted
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.errors import ArgumentMissing
from domain.dispatch.explanation import Explanation
from domain.kernel.errors import Rejection
from domain.kernel.ids import ProjectId
from domain.principal.allow import allow

REASONS_TOLD_MAX: Final = 12
WORDS_CHARACTERS_MAX: Final = 1_000


class Explain(Arguments):
    """Why not."""

    about: Literal["task", "session", "lock", "run"]
    name: Annotated[
        Name | None, Field(description="Task key or id, session id (default: yours), token of a lock, or run id")
    ] = None
    project: Name | None = None


async def explain(call: Call, arguments: Explain) -> Fields:
    """Computed from the functions that give out work."""
    if arguments.session is not None:
        await call.presence()
    found = await _found(call, arguments)
    if isinstance(found, Rejection):
        refuse(found)
    reasons = [
        present(code=one.code, why=_said(one.words), unblock=_said(one.unblock), about=one.about, until=one.until)
        for one in found.reasons[:REASONS_TOLD_MAX]
    ]
    left_out = len(found.reasons) - len(reasons) + found.omitted
    of = {"name": _said(found.name), "id": found.id, "status": found.status, "moving": found.moving}
    return {**of, **present(summary=_said(found.summary), reasons=reasons, left_out=left_out or None)}


def _said(words: str) -> Fields | None:
    """The sentences are ours and quote what others called their things and why they gave up."""
    return untrusted(words, "signalbox, quoting others", WORDS_CHARACTERS_MAX) if words else None


async def _found(call: Call, arguments: Explain) -> Explanation | Rejection:
    explains = call.services.explains
    name = arguments.name or (call.who.session if arguments.about == "session" else None)
    if name is None:
        refuse(ArgumentMissing(tool=call.tool, choice=f"about {arguments.about}", argument="name"))
    match arguments.about:
        case "session":
            return await explains.session(name, lambda one: _sees(call, one))
        case "task":
            return await explains.task(await call.project(arguments.project, "read.tasks"), name)
        case "lock":
            return await explains.lock(await call.project(arguments.project, "read.locks"), name)
        case "run":
            return await explains.run(await call.project(arguments.project, "read.runs"), name, "")
        case _:
            assert_never(arguments.about)


def _sees(call: Call, project: str) -> bool:
    return allow(call.principal, "read.sessions", ProjectId(project)) is None
