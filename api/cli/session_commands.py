"""`signalbox session`: who is connected, and what they hold."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from api.cli.command import At, Project, command, group, statuses
from api.cli.queries import PROJECTS, SESSION, SESSIONS
from api.cli.reading import found_then, listing, session_named
from api.cli.session_verbs import VERBS
from api.cli.tables import Column
from api.cli.task_commands import lowered
from api.cli.terminal import Terminal
from api.cli.words import age, moment, pairs, short
from signalbox.client.fields import Fields, objects, optional_object

_STATUSES: Final = (
    "working, busy_in_tool, waiting_for_person, quota_blocked, idle, suspect, lost, draining, ended, live"
)
COLUMNS = (
    Column("ID", "short"),
    Column("NAME", "name"),
    Column("STATUS", "status"),
    Column("LIFE", "incarnation", right=True, spare=True),
    Column("TOOL", "tool"),
    Column("HOST", "host", spare=True),
    Column("BUSY", "busy", right=True),
    Column("DONE", "completed_total", right=True),
    Column("FAILED", "failed_total", right=True),
    Column("LOST", "lost_total", right=True, spare=True),
    Column("OPENED", "age", right=True),
)


TREE_ROWS_MAX: Final = 2_000


def register(app: typer.Typer) -> None:
    nouns = group("Sessions: find, open, drain, end, move, say what they do.")
    command(nouns, "list")(list_sessions)
    command(nouns, "show")(show)
    command(nouns, "tree")(tree)
    for name, verb in VERBS.items():
        command(nouns, name)(verb)
    app.add_typer(nouns, name="session")


def list_sessions(
    terminal: Terminal,
    project: Project = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are lost or ended.")] = False,
    status: Annotated[list[str] | None, typer.Option("--status", help=f"One of {_STATUSES}; repeatable.")] = None,
    *,
    tool: Annotated[str | None, typer.Option("--tool", help="Such as claude-code.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model behind it.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Where it runs.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Label of its part in the work.")] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Credentials whose quota it spends.")] = None,
    capability: Annotated[str | None, typer.Option("--capability", help="KEY, or KEY=VALUE.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Sessions, the newest first."""
    where = {"tool": tool, "model": model, "host": host, "role": role, "credentialPool": pool, "capability": capability}
    asked = statuses(status, _STATUSES) or (None if everything else ["LIVE", "SUSPECT"])
    variables = {"project": project or _only_project(terminal), "status": asked, "where": where, "at": at}
    found = listing(terminal.client, SESSIONS, variables, limit)
    terminal.table("sessions", [shown(row) for row in found.rows], COLUMNS, "no sessions")


def tree(
    terminal: Terminal,
    project: Project = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are lost or ended.")] = False,
    at: At = None,
) -> None:
    """Who stands below whom."""
    asked = None if everything else ["LIVE", "SUSPECT"]
    variables = {"project": project or _only_project(terminal), "status": asked, "at": at}
    rows = [lowered(row) for row in listing(terminal.client, SESSIONS, variables, TREE_ROWS_MAX).rows]
    terminal.show({"sessions": rows}, *(forest(rows) or ["no sessions"]))


def forest(rows: Sequence[Fields]) -> list[str]:
    """One line for each session, below the one that it stands below, two spaces further in."""
    here = {str(row.get("id")) for row in rows}
    below: dict[str, list[Fields]] = {}
    for row in rows:
        parent = str(row.get("parent_id"))
        below.setdefault(parent if parent in here else "", []).append(row)
    lines: list[str] = []
    waiting = [(row, 0) for row in reversed(below.get("", []))]
    while waiting:
        row, depth = waiting.pop()
        words = (short(row.get("id")), row.get("status"), row.get("role"), row.get("name") or "(no name)")
        lines.append("  " * depth + " ".join(str(word) for word in words if word))
        waiting += [(child, depth + 1) for child in reversed(below.get(str(row.get("id")), []))]
    return lines


def show(
    terminal: Terminal,
    session: Annotated[str, typer.Argument(help="Id, or the last 4 or more characters of it.")],
    at: At = None,
) -> None:
    """One session with its attempts."""
    identifier = session_named(terminal.client, session)
    row = found_then(terminal.client, SESSION, {"id": identifier, "at": at}, "session", session)
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
        "part": row.get("role"),
        "below": row.get("parentId"),
        "tool": row.get("tool"),
        "runs": row.get("runningTool"),
        "model": row.get("model"),
        "host": row.get("host"),
        "worktree": row.get("worktree"),
        "pool": row.get("credentialPool"),
        "owner": row.get("owner"),
        "can": pairs(optional_object(row, "capabilities")),
        "lease": f"{row.get('ttlSeconds')} s",
        "work": "given unasked" if row.get("takesPushed") else "asked for",
        "attempts": f"{row.get('attemptsLive')} of {row.get('capacity')}",
        "ended": f"{row.get('completedTotal')} completed, {row.get('failedTotal')} failed, {row.get('lostTotal')} lost",
    }
    lines = [f"{row.get('name') or '(no name)'}", f"  {row.get('id')}"]
    lines += [f"  {name:9} {value}" for name, value in facts.items() if value not in (None, "")]
    lines += [f"  works on  {one.get('taskId')} under {one.get('token')}" for one in objects(row, "attempts")]
    return lines
