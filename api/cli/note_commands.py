"""`signalbox note` and `signalbox inbox`: what agents and people tell each other."""

from typing import Annotated

import typer

from api.cli.command import At, Project, command, group
from api.cli.lock_options import Incarnation
from api.cli.queries import INBOX, NOTES
from api.cli.reading import listing, project_of, session_named, task_named
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, short, snake_row
from signalbox.client.fields import Fields, objects

NOTE_COLUMNS = (
    Column("NO", "number", right=True),
    Column("THREAD", "thread", right=True),
    Column("BOARD", "board"),
    Column("BY", "writer", wide=True, path=True),
    Column("AGE", "age", right=True),
    Column("TEXT", "text", wide=True, wraps=True),
)
MESSAGE_COLUMNS = (
    Column("NO", "number", right=True),
    Column("KIND", "kind"),
    Column("FROM", "writer", wide=True, path=True),
    Column("AGE", "age", right=True),
    Column("READ", "seen"),
    Column("ABOUT", "claim"),
    Column("TEXT", "text", wide=True, wraps=True),
)
AsSession = Annotated[
    str | None,
    typer.Option("--session", envvar="SIGNALBOX_SESSION", help="Write for this session; else as the key's owner."),
]
OwnSession = Annotated[str, typer.Option("--session", envvar="SIGNALBOX_SESSION", help="Whose inbox; id or its end.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")]


def register(app: typer.Typer) -> None:
    notes = group("The blackboard: post, list.")
    command(notes, "post")(post)
    command(notes, "list")(list_notes)
    app.add_typer(notes, name="note")
    inbox = group("Messages to sessions: send, list, acknowledge.")
    command(inbox, "send")(send)
    command(inbox, "list")(list_messages)
    command(inbox, "acknowledge")(acknowledge)
    app.add_typer(inbox, name="inbox")


def post(
    terminal: Terminal,
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    task: Annotated[str | None, typer.Option("--task", help="On the board of this task; else the project's.")] = None,
    answers: Annotated[int | None, typer.Option("--answers", min=1, help="Number of the note that it answers.")] = None,
    session: AsSession = None,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Write on the board of a project or of a task."""
    chosen = project_of(terminal.client, project)
    board = None if task is None else task_named(terminal.client, chosen, task)
    fields: Fields = {"project": chosen, "task": board, "answers": answers, "text": text}
    answer = terminal.client.command("post_note", **fields, **_writer(session, incarnation)).answer
    terminal.show(answer, f"note {answer.get('number')}")


def list_notes(
    terminal: Terminal,
    task: Annotated[str | None, typer.Option("--task", help="Of this task only.")] = None,
    thread: Annotated[int | None, typer.Option("--thread", min=1, help="Of this thread only.")] = None,
    project: Project = None,
    limit: Limit = 50,
    at: At = None,
) -> None:
    """Notes of a project and its tasks, the newest first."""
    chosen = project_of(terminal.client, project)
    board = None if task is None else task_named(terminal.client, chosen, task)
    where = {"project": chosen, "taskId": board, "thread": thread}
    rows = [
        {**snake_row(row), **_shown(row, "sessionId", "postedAt"), "board": short(row.get("taskId")) or "project"}
        for row in listing(terminal.client, NOTES, {"where": where, "at": at}, limit).rows
    ]
    terminal.table("notes", rows, NOTE_COLUMNS, "no notes")


def send(
    terminal: Terminal,
    to: Annotated[str, typer.Argument(help="Session, or a claim such as path:repo//src/**: whoever holds it.")],
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    please_release: Annotated[bool, typer.Option("--please-release", help="Ask to give back what is meant.")] = False,
    session: AsSession = None,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Write into the inbox of a session, or of whoever holds a lock."""
    receiver = to if ":" in to else session_named(terminal.client, to)
    kind = "please_release" if please_release else "message"
    fields: Fields = {"project": project_of(terminal.client, project), "to": receiver, "text": text, "kind": kind}
    answer = terminal.client.command("send_message", **fields, **_writer(session, incarnation)).answer
    words = [f"message {one.get('number')} to {one.get('session')}" for one in objects(answer, "delivered")]
    terminal.show(answer, *words)


def list_messages(
    terminal: Terminal,
    session: OwnSession,
    every: Annotated[bool, typer.Option("--all", help="Those too that were read.")] = False,
    project: Project = None,
    limit: Limit = 50,
    at: At = None,
) -> None:
    """Messages to a session, the oldest first."""
    variables = {
        "project": project_of(terminal.client, project),
        "session": session_named(terminal.client, session),
        "read": None if every else False,
        "at": at,
    }
    rows = [
        {
            **snake_row(row),
            **_shown(row, "sender", "sentAt"),
            "kind": str(row.get("kind")).lower(),
            "seen": "yes" if row.get("read") else "",
        }
        for row in listing(terminal.client, INBOX, variables, limit).rows
    ]
    terminal.table("messages", rows, MESSAGE_COLUMNS, "no messages")


def acknowledge(
    terminal: Terminal,
    through: Annotated[int, typer.Argument(min=1, help="Number of the last message that was read.")],
    session: OwnSession,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Say that messages are read, up to one."""
    chosen = project_of(terminal.client, project)
    name = session_named(terminal.client, session)
    asked: Fields = {"project": chosen, "session": name, "incarnation": incarnation, "through": through}
    answer = terminal.client.command("acknowledge_messages", **asked).answer
    terminal.show(answer, f"read up to {answer.get('through')}; {answer.get('waiting')} wait")


def _writer(session: str | None, incarnation: int) -> Fields:
    return {} if session is None else {"session": session, "incarnation": incarnation}


def _shown(row: Fields, session: str, instant: str) -> dict[str, object]:
    writer = short(row.get(session)) or row.get("author")
    agent = row.get("agent")
    return {"writer": f"{writer}/{agent}" if agent else writer, "age": age(row.get(instant))}
