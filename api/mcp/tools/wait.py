"""wait: for a queued lock, a task, a run or a gate to settle, by ticket and never for long."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, assert_never

from pydantic import Field

from api.mcp.answers import Fields, present, refuse, untrusted
from api.mcp.arguments import Arguments
from api.mcp.call import Call
from api.mcp.tickets import TICKET_CHARACTERS_MAX, Ticket, read_ticket
from api.mcp.tools.lock import granted
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import is_type_id
from projections.gate_inbox.queries import GatePage
from projections.gate_inbox.rows import GateRow
from projections.kernel.rows import R, texts
from projections.pipeline_runs.queries import RunPage
from projections.pipeline_runs.rows import PipelineRunRow
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
        Field(
            min_length=1,
            max_length=TICKET_CHARACTERS_MAX,
            description="lock/PROJECT/REQUEST, task/PROJECT/TASK, run/PROJECT/RUN, gate/PROJECT/RUN/PLACE",
        ),
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
        case "run":
            return await _run(call, ticket, arguments.seconds)
        case "gate":
            return await _gate(call, ticket, arguments.seconds)
        case _:
            assert_never(ticket.kind)


async def _lock(call: Call, ticket: Ticket, seconds: int) -> Fields:
    project = await call.project(ticket.project, "await_locks")
    wish = {"project": project, **call.life_fields(), "request": ticket.name}
    return granted(await call.submit("await_locks", wish, wait_seconds=float(seconds)), project)


async def _task(call: Call, ticket: Ticket, seconds: int) -> Fields:
    project = await call.project(ticket.project, "read.tasks")
    by_id = is_type_id(ticket.name, "task")
    question = TaskPage(
        project=project, keys=(ticket.name,) if by_id else (), name=None if by_id else ticket.name, limit=1
    )

    def is_over(row: TaskBoardRow) -> bool:
        return row.status in SETTLED

    row = await _found(call, question, is_over, ticket, seconds)
    author = row.session or "its history"
    return _told(
        ticket,
        over=is_over(row),
        key=row.name,
        status=row.status,
        percent=row.percent,
        summary=_words(row.summary, author),
        reason=_words(row.reason, author) if row.status != "completed" else None,
    )


async def _run(call: Call, ticket: Ticket, seconds: int) -> Fields:
    question = RunPage(project=await call.project(ticket.project, "read.runs"), keys=(ticket.name,), limit=1)

    def is_over(row: PipelineRunRow) -> bool:
        return row.settled_at is not None

    row = await _found(call, question, is_over, ticket, seconds)
    return _told(
        ticket,
        over=is_over(row),
        run=row.key,
        pipeline=row.pipeline,
        status=row.status,
        phases=f"{row.phases_settled} of {row.phases_total} are settled",
        parked=texts(row.parked),
        reason=_words(row.reason, "its history"),
    )


async def _gate(call: Call, ticket: Ticket, seconds: int) -> Fields:
    run, _, place = ticket.name.partition("/")
    project = await call.project(ticket.project, "read.runs")
    question = GatePage(project=project, run=run, place=place or ticket.name, limit=1)

    def is_over(row: GateRow) -> bool:
        return row.status in ("decided", "closed")

    row = await _found(call, question, is_over, ticket, seconds)
    return _told(
        ticket,
        over=is_over(row),
        gate=row.place,
        status=row.status,
        question=_words(row.question, "the definition of the pipeline"),
        decision=row.decision,
        decided_by=row.decided_by,
        how=row.how,
        comment=_words(row.comment, row.decided_by),
    )


async def _found(call: Call, question: Any, is_over: Callable[[R], bool], ticket: Ticket, seconds: int) -> R:
    row: R | None = await call.unless_stopped(_settled(call, question, is_over, seconds))
    return refuse(UnknownThing(kind=ticket.kind, name=ticket.name[:200])) if row is None else row


async def _settled(call: Call, question: Any, is_over: Callable[[R], bool], seconds: int) -> R | None:
    """The row once it is over, or as it is when time is up; None where there is none."""
    loop, events = asyncio.get_running_loop(), call.services.events
    ends_at = loop.time() + seconds
    while True:
        head = events.head()
        page = await call.services.reads.ask(question, after=head)
        row: R | None = next(iter(page.rows), None)
        left = ends_at - loop.time()
        if row is None or is_over(row) or left <= 0:
            return row
        await events.wait_beyond(head, left)
        await asyncio.sleep(min(PAUSE_SECONDS, max(0.0, ends_at - loop.time())))


def _told(ticket: Ticket, *, over: bool, **fields: Any) -> Fields:
    advice = (
        "It is settled." if over else "Not yet: do something else and call wait again, or explain what should move."
    )
    return present(**fields, ticket=None if over else str(ticket)) | {"next": advice}


def _words(text: str, author: str) -> Fields | None:
    return untrusted(text, author, SUMMARY_CHARACTERS_MAX) if text else None
