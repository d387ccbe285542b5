"""`signalbox bookmark`: names for positions of the log, which every `--at` takes."""

from typing import Annotated

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import BOOKMARKS, POSITION
from api.cli.reading import project_of, single
from api.cli.tables import Column
from api.cli.terminal import Terminal
from signalbox.client.fields import integer, objects

Name = Annotated[str, typer.Argument(help="1 to 63 of a-z, 0-9 and _ . -, beginning with a letter.")]
COLUMNS = (Column("NAME", "name"), Column("POSITION", "position", right=True), Column("POINT", "point"))


def register(app: typer.Typer) -> None:
    nouns = group("Names of positions: set, list, remove. A point names one as PROJECT/NAME.")
    command(nouns, "set")(set_bookmark)
    command(nouns, "list")(list_bookmarks)
    command(nouns, "remove")(remove)
    app.add_typer(nouns, name="bookmark")


def set_bookmark(
    terminal: Terminal,
    name: Name,
    at: Annotated[str | None, typer.Option("--at", help="The point that gets the name; else now.")] = None,
    project: Project = None,
) -> None:
    """Give the position of a point a name, in place of what had it before."""
    chosen = project_of(terminal.client, project)
    position = integer(single(terminal.client, POSITION, {"at": at}), "position")
    answer = terminal.client.command("set_bookmark", project=chosen, name=name, position=position)
    told = {"name": name, "bookmarked": position, "point": f"{chosen}/{name}", "position": answer.position}
    terminal.show(told, f"{chosen}/{name} is @{position}")


def list_bookmarks(terminal: Terminal, project: Project = None, at: At = None) -> None:
    """Names of positions in a project."""
    chosen = project_of(terminal.client, project)
    found = objects(single(terminal.client, BOOKMARKS, {"project": chosen, "at": at}), "bookmarks")
    rows = [
        {"name": one.get("name"), "position": one.get("bookmarked"), "point": f"{chosen}/{one.get('name')}"}
        for one in found
    ]
    terminal.table("bookmarks", rows, COLUMNS, "no bookmarks")


def remove(terminal: Terminal, name: Name, project: Project = None) -> None:
    """Let a name stand for nothing."""
    chosen = project_of(terminal.client, project)
    answer = terminal.client.command("remove_bookmark", project=chosen, name=name)
    terminal.show({"name": name, "position": answer.position}, f"{chosen}/{name} is removed")
