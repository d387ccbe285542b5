"""What was of runs: event by event, at a revision, who did what when, and what two of them have differently."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.command import Project
from api.cli.queries import RUN, RUN_ATTEMPTS, RUN_DIFFERENCES, RUN_REVISION
from api.cli.reading import ROWS_MAX, found_then, listing, project_of, run_named
from api.cli.run.asking import Run
from api.cli.run.drawing import arranged, drawn
from api.cli.run.exporting import stream_events
from api.cli.run.showing import details, document
from api.cli.terminal import Terminal
from api.cli.words import event_words, moment, short
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client


def at(
    terminal: Terminal,
    run: Run,
    revision: Annotated[int, typer.Argument(min=1, help="Of the run; `run events` tells what each was.")],
    project: Project = None,
) -> None:
    """A run as it stood at one of its revisions, as a graph."""
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    row = _then(client, RUN, identifier, revision)
    terminal.show(document(row), *details(row), *drawn(arranged(objects(row, "phases"))))


def list_events(
    terminal: Terminal,
    run: Run,
    after: Annotated[int, typer.Option("--after", min=0, help="Only behind this revision.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="Events at most.")] = 500,
    project: Project = None,
) -> None:
    """The events of a run with the revision that each led to."""
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    for number, event in enumerate(stream_events(client, identifier, after)):
        if number == limit:
            terminal.note(f"there are more than {limit}; go on with --after {after + limit}")
            break
        terminal.line(event, f"{event.get('version'):>6} {event_words(event, taken=7)}")


def timeline(
    terminal: Terminal,
    run: Run,
    session: Annotated[str | None, typer.Option("--session", help="Only of this one.")] = None,
    project: Project = None,
) -> None:
    """Who worked on what, session by session: each attempt at the work of a run and of the runs that it began."""
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    asked = {"id": identifier, "session": session, "at": "now"}
    sessions: dict[str, list[Fields]] = {}
    for row in listing(client, RUN_ATTEMPTS, asked, ROWS_MAX).rows:
        sessions.setdefault(str(row.get("sessionId")), []).append(_attempt(row))
    lines: list[str] = []
    for name, attempts in sessions.items():
        lines.append(name)
        lines += [f"    {_attempt_words(one)}" for one in attempts]
    told = [{"session": name, "attempts": attempts} for name, attempts in sessions.items()]
    terminal.show({"run": identifier, "sessions": told}, *(lines or ["nobody has worked on it"]))


def diff(
    terminal: Terminal,
    run: Run,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another run; without, RUN itself.")] = "",
    *,
    since: Annotated[
        int | None,
        typer.Option("--from", min=1, help="Revision of RUN; else its first, or that of now beside OTHER."),
    ] = None,
    until: Annotated[
        int | None, typer.Option("--to", min=1, help="Revision of OTHER, or of RUN; else how it stands now.")
    ] = None,
    project: Project = None,
) -> None:
    """What two revisions of a run, or two runs, have differently: of the whole, and phase by phase."""
    client = terminal.client
    chosen = project_of(client, project)
    first = run_named(client, chosen, run)
    second = run_named(client, chosen, other) if other else first
    left = _then(client, RUN_REVISION, first, None if other and since is None else since or 1)
    right = _then(client, RUN_REVISION, second, until)
    points = {"since": _point(left), "at": _point(right)}
    rows = listing(client, RUN_DIFFERENCES, {"id": first, "other": second, **points}, ROWS_MAX).rows
    changes = [_change(one) for one in rows]
    told = {"from": _side(left), "to": _side(right), "changes": changes}
    words = [_change_words(one) for one in changes]
    terminal.show(told, f"{_point(left)} -> {_point(right)}", *(words or ["nothing is different"]))


def _then(client: "Client", query: str, run: str, revision: int | None) -> Fields:
    """The run at one of its revisions, or as it stands. Raises Refused."""
    point = None if revision is None else f"{run}@{revision}"
    try:
        return found_then(client, query, {"id": run, "at": point}, "run", run)
    except Refused as error:
        if error.code != "unknown_thing" or revision is None:
            raise
        advice = f"See its revisions with `signalbox run events {run}`."
        raise Refused(error.code, f"Run {run} has no revision {revision}.", advice, error.data, error.kind) from error


def _side(row: Fields) -> dict[str, object]:
    return {"run": row.get("id"), "revision": row.get("revision")}


def _point(row: Fields) -> str:
    return f"{row.get('id')}@{row.get('revision')}"


def _change(row: Fields) -> dict[str, object]:
    return {
        "phase": row.get("place"),
        "field": row.get("name"),
        "before": row.get("before"),
        "after": row.get("after"),
    }


def _change_words(change: Mapping[str, object]) -> str:
    where = f"{change['phase']}.{change['field']}" if change["phase"] else str(change["field"])
    return f"  ~ {where}: {_value(change['before'])} -> {_value(change['after'])}"


def _value(value: object) -> str:
    said = "-" if value in (None, "") else str(value)
    return said if len(said) <= 60 else f"{said[:59]}…"


def _attempt(row: Fields) -> Fields:
    return {
        "run": row.get("runId"),
        "phase": row.get("place"),
        "generation": row.get("generation"),
        "undo": row.get("purpose") == "UNDO",
        "task": row.get("taskId"),
        "attempt": row.get("attempt"),
        "began_at": row.get("beganAt"),
        "ended_at": row.get("endedAt"),
        "how": str(row.get("how")).replace("under_way", "under way"),
    }


def _attempt_words(attempt: Mapping[str, object]) -> str:
    began, ended = attempt["began_at"], attempt["ended_at"]
    seconds = f"{(ended - began) / 1e6:8.1f} s" if isinstance(began, int) and isinstance(ended, int) else "         …"
    what = f"{attempt['phase']}{' (undo)' if attempt['undo'] else ''}"
    return (
        f"{moment(began)} {seconds}  {short(attempt['run'])} {what:24} attempt {attempt['attempt']}: {attempt['how']}"
    )
