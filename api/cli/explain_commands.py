"""`signalbox explain`: why something does not move, and what would unblock it."""

from typing import Annotated

import typer

from api.cli.command import Project, command, group
from api.cli.queries import EXPLAIN
from api.cli.reading import project_of, run_named, session_named, task_named
from api.cli.terminal import Terminal
from api.cli.words import indented, moment
from signalbox.client.fields import Fields, objects, optional_object


def register(app: typer.Typer) -> None:
    nouns = group("Why a task, session, lock or run does not move.")
    command(nouns, "task")(explain_task)
    command(nouns, "session")(explain_session)
    command(nouns, "lock")(explain_lock)
    command(nouns, "run")(explain_run)
    app.add_typer(nouns, name="explain")


def explain_task(
    terminal: Terminal,
    task: Annotated[str, typer.Argument(help="Key, id, or the last 4 or more characters of an id.")],
    project: Project = None,
) -> None:
    """Needs, time, capable sessions, locks in the way, its place."""
    chosen = project_of(terminal.client, project)
    _explain(terminal, project=chosen, task=task_named(terminal.client, chosen, task))


def explain_session(
    terminal: Terminal,
    session: Annotated[str, typer.Argument(help="Id, or its last 4 or more characters.")],
) -> None:
    """What its next claim would get, or what keeps it from every task."""
    _explain(terminal, session=session_named(terminal.client, session))


def explain_lock(
    terminal: Terminal,
    token: Annotated[str, typer.Argument(help="Token under which the locks were granted.")],
    project: Project = None,
) -> None:
    """Who holds it, what for, and what would free it."""
    _explain(terminal, project=project_of(terminal.client, project), lock=token)


def explain_run(
    terminal: Terminal,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id, or the last 4 or more characters of it.")],
    phase: Annotated[str, typer.Argument(metavar="PHASE", help="One of its phases; the whole run without.")] = "",
    project: Project = None,
) -> None:
    """What its open phases wait for, and what would make it go on."""
    chosen = project_of(terminal.client, project)
    named = {"run": run_named(terminal.client, chosen, run)} | ({"phase": phase} if phase else {})
    _explain(terminal, project=chosen, **named)


def _explain(terminal: Terminal, **named: str) -> None:
    found = optional_object(terminal.client.graphql(EXPLAIN, named), "found")
    told = {**found, "kind": str(found.get("kind")).lower()}
    terminal.show(told, *_lines(found))


def _lines(found: Fields) -> list[str]:
    name, identifier = found.get("name") or found.get("id"), found.get("id")
    lines = [f"{name}: {found.get('status')}" + ("" if found.get("moving") else ", blocked")]
    lines += [f"  {identifier}"] if name != identifier else []
    for reason in objects(found, "reasons"):
        until = f" (until {moment(reason.get('until'))})" if reason.get("until") else ""
        lines.append(f"  - {indented(reason.get('words'))}{until}")
        lines.append(f"    next: {indented(reason.get('unblock'))}")
    if found.get("omitted"):
        lines.append(f"  and {found.get('omitted')} further reasons")
    return lines
