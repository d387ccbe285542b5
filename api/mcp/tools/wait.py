"""wait: for a lock that was queued or a task to settle, by ticket and never for long."""

import asyncio
from typing import Annotated, Final, assert_never

from pydantic import Field

from api.mcp.answers import Fields, present, refuse, untrusted
from api.mcp.arguments import Arguments
from api.mcp.call import Call
from api.mcp.tickets import TICKET_CHARACTERS_MAX, Ticket, read_ticket
from api.mcp.tools.lock import granted
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import ProjectId, is_type_id
from projections.task_board.queries import TaskPage
from projections.task_board.rows import SETTLED, TaskBoardRow

SECONDS_MAX: Final = 25
PAUSE_SECONDS: Final = 0.1
"""Between two looks: a busy log is no reason to read the board with each commit."""
SUMMARY_CHARACTERS_MAX: Final = 4_000


class Wait(Arguments):
    """Until it is there."""

    ticket: Annotated[
        str,
        Field(min_length=1, max_length=TICKET_CHARACTERS_MAX, description="lock/PROJECT/REQUEST or task/PROJECT/TASK"),
    ]
    seconds: Annotated[int, Field(ge=0, le=SECONDS_MAX, description="0: only look")] = 20


async def wait(call: Call, arguments: Wait) -> Fields:
    """What became of it; the same ticket again where it is not there yet."""
    ticket = read_ticket(arguments.ticket)
    if call.who.session is not None:
        await call.presence()
    match ticket.kind:
        case "lock":
            return await _lock(call, ticket, arguments.seconds)
        case "task":
            return await _task(call, ticket, arguments.seconds)
        case _:
            assert_never(ticket.kind)


async def _lock(call: Call, ticket: Ticket, seconds: int) -> Fields:
    project = await call.project(ticket.project, "await_locks")
    wish = {"project": project, **call.life_fields(), "request": ticket.name}
    return granted(await call.submit("await_locks", wish, wait_seconds=float(seconds)), project)


async def _task(call: Call, ticket: Ticket, seconds: int) -> Fields:
    project = await call.project(ticket.project, "read.tasks")
    row = await call.unless_stopped(_settled(call, project, ticket.name, seconds))
    if row is None:
        refuse(UnknownThing(kind="task", name=ticket.name[:200]))
    settled = row.status in SETTLED
    author = row.session or "its history"
    return present(
        key=row.name,
        status=row.status,
        summary=untrusted(row.summary, author, SUMMARY_CHARACTERS_MAX) if row.summary else None,
        reason=untrusted(row.reason, author, SUMMARY_CHARACTERS_MAX)
        if row.reason and row.status != "completed"
        else None,
        percent=None if settled else row.percent,
        ticket=None if settled else str(ticket),
        next="It is settled." if settled else "Not yet: do something else and call wait again, or explain the task.",
    )


async def _settled(call: Call, project: ProjectId, name: str, seconds: int) -> TaskBoardRow | None:
    """The row once it is settled, or as it is when time is up; None where there is no such task."""
    by_id = is_type_id(name, "task")
    question = TaskPage(project=project, keys=(name,) if by_id else (), name=None if by_id else name, limit=1)
    loop, events = asyncio.get_running_loop(), call.services.events
    ends_at = loop.time() + seconds
    while True:
        head = events.head()
        page = await call.services.reads.ask(question, after=head)
        row: TaskBoardRow | None = next(iter(page.rows), None)
        left = ends_at - loop.time()
        if row is None or row.status in SETTLED or left <= 0:
            return row
        await events.wait_beyond(head, left)
        await asyncio.sleep(min(PAUSE_SECONDS, max(0.0, ends_at - loop.time())))
