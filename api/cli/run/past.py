"""What was of runs: event by event, at a revision, who did what when, and what two of them have differently."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project
from api.cli.queries import RUN
from api.cli.reading import found_then, project_of, run_named
from api.cli.run.asking import Run
from api.cli.run.drawing import arranged, drawn
from api.cli.run.exporting import collected, stream_events
from api.cli.run.showing import details, document
from api.cli.terminal import Terminal
from api.cli.words import event_words, moment, short
from signalbox.client.asks import status as server_status
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

_OF_RUN: Final = ("pipeline", "version", "status", "reason", "because", "inputs", "outputs", "rollback", "labels")
_OF_PHASE: Final = ("status", "generation", "reason", "arm", "input", "output", "summary", "undo", "consumed")


def at(
    terminal: Terminal,
    run: Run,
    revision: Annotated[int, typer.Argument(min=1, help="Of the run; `run events` tells what each was.")],
    project: Project = None,
) -> None:
    """A run as it stood at one of its revisions, as a graph."""
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    row = _then(client, identifier, revision)
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


def timeline(terminal: Terminal, run: Run, project: Project = None) -> None:
    """Who worked on what, session by session: each attempt at the work of a run and of the runs that it began."""
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    found = collected(client, identifier, integer(client.ask(server_status()), "head"))
    sessions = _by_session(found)
    lines: list[str] = []
    for session, attempts in sessions.items():
        lines.append(session)
        lines += [f"    {_attempt_words(one)}" for one in attempts]
    told = [{"session": session, "attempts": attempts} for session, attempts in sessions.items()]
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
    left = _then(client, first, None if other and since is None else since or 1)
    right = _then(client, second, until)
    changes = _changes(document(left), document(right))
    told = {"from": _side(left), "to": _side(right), "changes": changes}
    words = [_change_words(one) for one in changes]
    terminal.show(told, f"{_side_words(left)} -> {_side_words(right)}", *(words or ["nothing is different"]))


def _then(client: "Client", run: str, revision: int | None) -> Fields:
    """The run at one of its revisions, or as it stands. Raises Refused."""
    point = None if revision is None else f"{run}@{revision}"
    try:
        return found_then(client, RUN, {"id": run, "at": point}, "run", run)
    except Refused as error:
        if error.code != "unknown_thing" or revision is None:
            raise
        advice = f"See its revisions with `signalbox run events {run}`."
        raise Refused(error.code, f"Run {run} has no revision {revision}.", advice, error.data, error.kind) from error


def _side(row: Fields) -> dict[str, object]:
    return {"run": row.get("id"), "revision": row.get("revision")}


def _side_words(row: Fields) -> str:
    return f"{row.get('id')}@{row.get('revision')}"


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[dict[str, object]]:
    """Fields of the runs, then phases in the order of the later one; those of one side only have null on the other."""
    found: list[dict[str, object]] = [
        {"phase": "", "field": name, "before": before.get(name), "after": after.get(name)}
        for name in _OF_RUN
        if before.get(name) != after.get(name)
    ]
    left, right = _phases(before), _phases(after)
    for place in dict.fromkeys((*right, *left)):
        one, other = left.get(place), right.get(place)
        names = _OF_PHASE if one is not None and other is not None else ("status",)
        for name in names:
            was, now = (None if side is None else side.get(name) for side in (one, other))
            if was != now:
                found.append({"phase": place, "field": name, "before": was, "after": now})
    return found


def _phases(told: Mapping[str, object]) -> dict[str, Fields]:
    return {str(one.get("place")): one for one in objects(told, "phases")}


def _change_words(change: Mapping[str, object]) -> str:
    where = f"{change['phase']}.{change['field']}" if change["phase"] else str(change["field"])
    return f"  ~ {where}: {_value(change['before'])} -> {_value(change['after'])}"


def _value(value: object) -> str:
    said = "-" if value in (None, "") else str(value)
    return said if len(said) <= 60 else f"{said[:59]}…"


def _by_session(found: list[Fields]) -> dict[str, list[dict[str, object]]]:
    """Attempts by session, in the order in which they began."""
    places = {str(optional_object(one, "event").get("task")): one for one in found if _names_task(one)}
    sessions: dict[str, list[dict[str, object]]] = {}
    live: dict[str, dict[str, object]] = {}
    for event in found:
        stream, said = str(event.get("stream")), optional_object(event, "event")
        match event.get("type"):
            case "task.claimed.v1":
                offered = places.get(stream, {})
                place = optional_object(offered, "event").get("place")
                attempt: dict[str, object] = {
                    "run": offered.get("stream"),
                    "phase": place,
                    "undo": offered.get("type") == "run.undo_started.v1",
                    "task": stream,
                    "attempt": said.get("attempt"),
                    "began_at": event.get("at"),
                    "ended_at": None,
                    "how": "under way",
                }
                live[stream] = attempt
                sessions.setdefault(str(said.get("session")), []).append(attempt)
            case "task.completed.v1" | "task.attempt_ended.v1" if stream in live:
                how = "completed" if event.get("type") == "task.completed.v1" else said.get("kind")
                live.pop(stream).update({"ended_at": event.get("at"), "how": how})
            case _:
                pass
    return sessions


def _names_task(event: Fields) -> bool:
    return event.get("type") in ("run.phase_offered.v1", "run.undo_started.v1")


def _attempt_words(attempt: Mapping[str, object]) -> str:
    began, ended = attempt["began_at"], attempt["ended_at"]
    seconds = f"{(ended - began) / 1e6:8.1f} s" if isinstance(began, int) and isinstance(ended, int) else "         …"
    what = f"{attempt['phase']}{' (undo)' if attempt['undo'] else ''}"
    return (
        f"{moment(began)} {seconds}  {short(attempt['run'])} {what:24} attempt {attempt['attempt']}: {attempt['how']}"
    )
