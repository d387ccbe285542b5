"""`signalbox attention`: what a person has to look at, over all that a project has."""

from typing import Annotated

import typer

from api.cli.command import Project, command
from api.cli.queries import ATTENTION, PROJECTS, STANDSTILLS
from api.cli.reading import ROWS_MAX, listing, single
from api.cli.terminal import Column, Terminal
from api.cli.words import age, short, snake_row
from signalbox.client.fields import Fields, objects, optional_object, optional_text

COLUMNS = (
    Column("SINCE", "age", right=True),
    Column("TOPIC", "topic"),
    Column("ABOUT", "named"),
    Column("WHY", "why", wide=True),
    Column("WHAT WOULD END IT", "resolve", wide=True),
)
PROJECTS_MAX = 200


def register(app: typer.Typer) -> None:
    command(app, "attention")(attention)


def attention(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 200,
) -> None:
    """What a person has to look at, the oldest first. Tasks, locks, pools, sessions, quotas, waits that go round."""
    client = terminal.client
    names = [project] if project else [str(one.get("name")) for one in listing(client, PROJECTS, {}, PROJECTS_MAX).rows]
    # The server keeps them by kind and id: which are the oldest is known when all are read.
    rows = [shown(row) for row in listing(client, ATTENTION, {"where": {"project": project}}, ROWS_MAX).rows]
    for name in names:
        found = single(client, STANDSTILLS, {"project": name})
        rows += [shown_standstill(name, one) for one in objects(found, "standstills")]
        if not found.get("complete"):
            terminal.note(f"{name} has more open work than is looked through for waits that go round")
    rows.sort(key=lambda row: str(row.get("since")).zfill(20))
    if len(rows) > limit:
        terminal.note(f"{len(rows) - limit} more than --limit {limit} shows")
    terminal.table("attention", rows[:limit], COLUMNS, "nothing needs a person")


def shown(row: Fields) -> dict[str, object]:
    """A row as lists show it."""
    task, about = optional_object(row, "task"), str(row.get("about"))
    key = optional_text(task, "key")
    told = snake_row(row)
    words = {name: str(row.get(name)).lower() for name in ("topic", "subject")}
    named = key or (short(about) if "_" in about else about)
    return {**told, **words, "named": named, "age": age(row.get("since"))}


def shown_standstill(project: str, found: Fields) -> dict[str, object]:
    """A circle of waits, among the rest."""
    told = {"topic": "standstill", "subject": "project", "about": project, "named": project}
    why = {"since": found.get("since"), "why": found.get("summary"), "resolve": found.get("resolve")}
    steps = [snake_row(one) for one in objects(found, "steps")]
    return {**told, **why, "steps": steps, "age": age(found.get("since"))}
