"""next_task: the next piece of work with every lock that it needs, or the one that the session has already."""

from typing import Annotated, Final

from pydantic import Field

from api.mcp.answers import Fields, present
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.tools import shown
from api.ports import Heard
from projections.kernel.rows import texts

WAIT_SECONDS_MAX: Final = 25
BODY_CHARACTERS_MAX: Final = 24_000
_DO: Final = "Work on it inside its locks and pass `task` to report. Long work: report progress now and then."
_DO_NOT_STALL: Final = " Report something new within stall_seconds each time, or it is taken back."


class NextTask(Arguments):
    """Give me work."""

    project: Annotated[Name | None, Field(description="Default: any project of the session")] = None
    task: Annotated[Name | None, Field(description="This one and no other: key or id")] = None
    wait_seconds: Annotated[int, Field(ge=0, le=WAIT_SECONDS_MAX, description="Wait where nothing is ready")] = 0


async def next_task(call: Call, arguments: NextTask) -> Fields:
    """Asked again before the former task is reported, it tells that one again."""
    heard = await call.presence()
    held = next((one for one in heard.held if one.task is not None), None)
    row = await call.own_row()
    full = row is not None and sum(one.task is not None for one in heard.held) >= row.capacity
    if held is not None and full and arguments.task in (None, held.task):
        again = {"project": held.project, "task": held.task, **call.life_fields()}
        claimed = await call.submit("claim_task", again)
        await call.presence(heard.held)
        return {"again": "You have this one already.", **_told(claimed, heard)}
    projects = [] if row is None else texts(row.projects)
    claimed = await _claimed(call, arguments, several=arguments.task is None and len(projects) > 1)
    # Who is given a task over MCP may be silent for long: that it was told counts as delivered.
    heard = await call.presence()
    heard = await call.presence(heard.held)
    return _told(claimed, heard)


async def _claimed(call: Call, arguments: NextTask, *, several: bool) -> Fields:
    wait_seconds = float(arguments.wait_seconds)
    if several and arguments.project is None:
        taken = await call.submit("claim_work", call.life_fields(), wait_seconds=wait_seconds)
        first: Fields = taken["tasks"][0]
        return first
    project = await call.project(arguments.project, "claim_task")
    wish = {"project": project, "task": arguments.task, **call.life_fields()}
    return await call.submit("claim_task", wish, wait_seconds=0.0 if arguments.task else wait_seconds)


def _told(claimed: Fields, heard: Heard) -> Fields:
    seconds = next((one.locks_seconds for one in heard.held if one.token == claimed["token"]), None)
    return {
        **shown.assignment(claimed, BODY_CHARACTERS_MAX),
        **present(locks_end_in_seconds=None if seconds is None else int(seconds)),
        "next": _DO if claimed.get("stall_seconds") is None else _DO + _DO_NOT_STALL,
    }
