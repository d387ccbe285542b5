"""`signalbox session`: who is connected, and what they hold."""

from typing import Annotated

import typer

from api.cli.command import Project, command, group
from api.cli.queries import PROJECTS, SESSION, SESSIONS
from api.cli.reading import listing, session_named, single
from api.cli.task_commands import lowered
from api.cli.terminal import Column, Terminal
from api.cli.words import age, moment, pairs, short
from signalbox.client.fields import Fields, objects, optional_object

COLUMNS = (
    Column("ID", "short"),
    Column("NAME", "name"),
    Column("STATUS", "status"),
    Column("LIFE", "incarnation", right=True),
    Column("TOOL", "tool"),
    Column("HOST", "host"),
    Column("BUSY", "busy", right=True),
    Column("DONE", "completedTotal", right=True),
    Column("FAILED", "failedTotal", right=True),
    Column("LOST", "lostTotal", right=True),
    Column("OPENED", "age", right=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Sessions: list, show.")
    command(nouns, "list")(list_sessions)
    command(nouns, "show")(show)
    app.add_typer(nouns, name="session")


def list_sessions(
    terminal: Terminal,
    project: Project = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are lost or ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
) -> None:
    """Sessions, the newest first."""
    variables = {"project": project or _only_project(terminal), "status": None if everything else ["LIVE", "SUSPECT"]}
    found = listing(terminal.client, SESSIONS, variables, limit)
    terminal.table("sessions", [shown(row) for row in found.rows], COLUMNS, "no sessions")


def show(
    terminal: Terminal,
    session: Annotated[str, typer.Argument(help="Id, or the last 4 or more characters of it.")],
) -> None:
    """One session with its attempts."""
    identifier = session_named(terminal.client, session)
    row = optional_object(single(terminal.client, SESSION, {"id": identifier}), "session")
    terminal.show(lowered(row), *_details(row))


def _only_project(terminal: Terminal) -> str | None:
    """The project where there is one, since keys of projects may not ask for all; else None, which is all."""
    found = listing(terminal.client, PROJECTS, {}, 2).rows
    return str(found[0].get("name")) if len(found) == 1 else None


def shown(row: Fields) -> dict[str, object]:
    """A row as lists show it."""
    told = lowered(row)
    told["short"] = short(row.get("id"))
    told["busy"] = f"{row.get('attemptsLive')}/{row.get('capacity')}"
    told["age"] = age(row.get("openedAt"))
    return told


def _details(row: Fields) -> list[str]:
    facts = {
        "status": f"{str(row.get('status')).lower()} since {moment(row.get('changedAt'))}",
        "life": row.get("incarnation"),
        "tool": row.get("tool"),
        "model": row.get("model"),
        "host": row.get("host"),
        "owner": row.get("owner"),
        "can": pairs(optional_object(row, "capabilities")),
        "lease": f"{row.get('ttlSeconds')} s",
        "attempts": f"{row.get('attemptsLive')} of {row.get('capacity')}",
        "ended": f"{row.get('completedTotal')} completed, {row.get('failedTotal')} failed, {row.get('lostTotal')} lost",
    }
    lines = [f"{row.get('name') or '(no name)'}", f"  {row.get('id')}"]
    lines += [f"  {name:9} {value}" for name, value in facts.items() if value not in (None, "")]
    lines += [f"  works on  {one.get('taskId')} under {one.get('token')}" for one in objects(row, "attempts")]
    return lines
