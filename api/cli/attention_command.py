"""`signalbox attention`: what a person has to look at, over all that a project has, and that one has seen it."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import ATTENTION, PROJECTS, STANDSTILLS
from api.cli.reading import ROWS_MAX, listing, project_of, single
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, short, snake_row
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects, optional_object, optional_text

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

COLUMNS = (
    Column("SINCE", "age", right=True),
    Column("TOPIC", "topic"),
    Column("ABOUT", "named"),
    Column("WHY", "why", wide=True, wraps=True),
    Column("WHAT WOULD END IT", "resolve", wide=True, wraps=True),
)
PROJECTS_MAX = 200
SEEN_OF_RUNS: Final = ("revised_fact", "run_budget")
"""What is over once somebody has seen it; tasks judge theirs themselves."""
SUFFIX_MIN: Final = 4


def register(app: typer.Typer) -> None:
    nouns = group("What a person has to look at: list it, or say that one has.")
    command(nouns, "list")(attention)
    command(nouns, "ack")(acknowledge)
    app.add_typer(nouns, name="attention")


def attention(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 200,
    at: At = None,
) -> None:
    """What a person has to look at, the oldest first. Tasks, runs, locks, pools, sessions, quotas, circles of waits."""
    client = terminal.client
    # The server keeps them by kind and id: which are the oldest is known when all are read.
    asked = {"where": {"project": project}, "at": at}
    rows = [shown(row) for row in listing(client, ATTENTION, asked, ROWS_MAX).rows]
    for name in [] if at else _projects(client, project):
        found = single(client, STANDSTILLS, {"project": name})
        rows += [shown_standstill(name, one) for one in objects(found, "standstills")]
        if not found.get("complete"):
            terminal.note(f"{name} has more open work than is looked through for waits that go round")
    if at:
        terminal.note("waits that go round are known of now only")
    rows.sort(key=lambda row: str(row.get("since")).zfill(20))
    if len(rows) > limit:
        terminal.note(f"{len(rows) - limit} more than --limit {limit} shows")
    terminal.table("attention", rows[:limit], COLUMNS, "nothing needs a person")


def _projects(client: "Client", project: str | None) -> list[str]:
    if project is not None:
        return [project]
    return [str(one.get("name")) for one in listing(client, PROJECTS, {}, PROJECTS_MAX).rows]


def acknowledge(
    terminal: Terminal,
    about: Annotated[
        list[str],
        typer.Argument(
            metavar="ABOUT...", help="Key of a task, or id of a task or run or its end; - for standard input."
        ),
    ],
    *,
    topic: Annotated[str | None, typer.Option("--topic", help="Only of this topic.")] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Only what asked just so at that point, such as -5m, and not what is newer."),
    ] = None,
    project: Project = None,
) -> None:
    """Say that a person has seen it. What is asked for by something that still stands ends with that, and stays."""
    client = terminal.client
    chosen = project_of(client, project)
    asked = {"where": {"project": chosen}}
    rows = [shown(row) for row in listing(client, ATTENTION, asked, ROWS_MAX).rows]
    before = listing(client, ATTENTION, {**asked, "at": at}, ROWS_MAX).rows if at else ()
    then = {_asking(shown(row)) for row in before}
    refused = False
    for name in _names(about):
        found = [row for row in rows if _is_meant(row, name) and topic in (None, row["topic"])]
        if not found:
            what = f"nothing of the topic {topic}" if topic else "nothing"
            terminal.line(
                {"about": name, "error": {"code": "unknown_thing"}}, f"{name}: {what} asks for a person there"
            )
            refused = True
        for row in found:
            refused |= not _seen(terminal, chosen, row, is_newer=at is not None and _asking(row) not in then)
    if refused:
        raise typer.Exit(1)


def _asking(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("subject", "about", "topic", "place", "since", "why"))


def _seen(terminal: Terminal, project: str, row: dict[str, object], *, is_newer: bool) -> bool:
    """Whether it is over now."""
    client, topic = terminal.client, str(row["topic"])
    told = {"about": row["about"], "topic": topic, "place": row["place"]}
    try:
        if is_newer:
            why = f"{row['named']} did not ask for {topic} then as it does now: {row['why']}"
            raise Refused("attention_is_newer", why, "Look at it, then say that you have seen it.")
        if row["subject"] == "task":
            client.command("dismiss_attention", project=project, task=row["about"], topic=topic)
        elif row["subject"] == "run" and topic in SEEN_OF_RUNS:
            said = {"run": row["about"], "topic": topic, "phase": row["place"] or None}
            client.command("dismiss_run_attention", project=project, **said)
        else:
            raise Refused(
                "attention_stands", f"{row['named']} asks for {topic} as long as that stands", str(row["resolve"])
            )
    except Refused as error:
        said = {"code": error.code, "message": error.message, "next": error.next, "data": error.data}
        terminal.line({**told, "error": said}, f"{error.message}\n    next: {error.next}")
        return False
    terminal.line(told, f"{row['named']}: {topic} is seen")
    return True


def _names(about: list[str]) -> Iterator[str]:
    for name in about:
        if name == "-":
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield name


def _is_meant(row: dict[str, object], name: str) -> bool:
    about = str(row["about"])
    return name in (about, row["named"]) or (len(name) >= SUFFIX_MIN and about.endswith(name))


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
