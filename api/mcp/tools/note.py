"""note: the blackboard, and messages to others."""

from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import Field

from api.mcp.answers import Fields, present, refuse, untrusted
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.errors import ArgumentMissing
from domain.kernel.ids import ProjectId
from projections.blackboard.queries import NotePage
from projections.blackboard.rows import NoteRow
from projections.task_board.queries import TaskPage

NOTES_TOLD_MAX: Final = 20
TEXT_CHARACTERS_MAX: Final = 1_000
ALL_CHARACTERS_MAX: Final = 4_096
"""Of the notes of one thread, which is read to the end."""


class Note(Arguments):
    """What others should know."""

    action: Annotated[
        Literal["post", "read", "send", "please_release"],
        Field(description="post on or read a board; send to a session; please_release asks whoever holds a claim"),
    ]
    text: Annotated[str | None, Field(max_length=4_096)] = None
    task: Annotated[Name | None, Field(description="Board of this task; else the project's")] = None
    thread: Annotated[int | None, Field(ge=1, le=2**53, description="Number of the note you answer, or read on")] = None
    to: Annotated[str | None, Field(max_length=600, description="Session id, or a claim: to all who hold it")] = None
    after: Annotated[int, Field(ge=0, le=2**53, description="Read from this cursor on")] = 0
    project: Name | None = None


async def note(call: Call, arguments: Note) -> Fields:
    """Who writes is the session that calls; no argument says otherwise."""
    if arguments.session is not None:
        await call.presence()
    match arguments.action:
        case "read":
            return await _board(call, arguments)
        case "post":
            return await _post(call, arguments)
        case "send" | "please_release":
            return await _send(call, arguments)
        case _:
            assert_never(arguments.action)


async def _post(call: Call, arguments: Note) -> Fields:
    project = await call.project(arguments.project, "post_note")
    wish = {"task": arguments.task, "answers": arguments.thread, "text": _text(call, arguments)}
    answer = await call.submit("post_note", {"project": project, **wish, **_writer(call)})
    return {"posted": answer["number"], "next": "Others find it with note, action read."}


async def _send(call: Call, arguments: Note) -> Fields:
    project = await call.project(arguments.project, "send_message")
    if arguments.to is None:
        refuse(ArgumentMissing(tool=call.tool, choice=f"action {arguments.action}", argument="to"))
    kind = "message" if arguments.action == "send" else "please_release"
    wish = {"to": arguments.to, "kind": kind, "text": _text(call, arguments)}
    answer = await call.submit("send_message", {"project": project, **wish, **_writer(call)})
    return {
        "delivered": [one["session"] for one in answer["delivered"]],
        "next": "They see it with their next call of a tool. Do not wait for an answer; inbox has it when it comes.",
    }


async def _board(call: Call, arguments: Note) -> Fields:
    project = await call.project(arguments.project, "read.notes")
    task = None if arguments.task is None else await _task_id(call, project, arguments.task)
    page = await call.ask(
        NotePage(
            project=project,
            task=task,
            thread=arguments.thread,
            beyond=arguments.after or None,
            order="oldest_first" if arguments.after else "newest_first",
            limit=NOTES_TOLD_MAX,
        )
    )
    rows: list[NoteRow] = sorted(page.rows, key=lambda row: row.position)
    most = TEXT_CHARACTERS_MAX if arguments.thread is None else ALL_CHARACTERS_MAX
    return present(
        notes=[_shown(row, most) for row in rows],
        cursor=max((row.position for row in rows), default=arguments.after) or None,
        more=page.next_cursor is not None or None,
    ) | {"next": "Read on with after set to the cursor." if rows else "Nothing more is written here."}


async def _task_id(call: Call, project: ProjectId, name: str) -> str:
    page = await call.ask(TaskPage(project=project, name=name, limit=1))
    return next((str(row.key) for row in page.rows), name)


def _shown(row: NoteRow, characters_max: int) -> Fields:
    author = row.session or row.author
    return present(
        number=row.number,
        thread=row.thread if row.thread != row.number else None,
        task=row.task,
        note=untrusted(row.text, f"{author}/{row.agent}" if row.agent else author, characters_max),
        at=row.posted_at,
    )


def _text(call: Call, arguments: Note) -> str:
    if not arguments.text:
        refuse(ArgumentMissing(tool=call.tool, choice=f"action {arguments.action}", argument="text"))
    return arguments.text


def _writer(call: Call) -> dict[str, Any]:
    return {**call.life_fields(), "agent": call.who.agent or ""}
