"""`signalbox project`: the tenants of the server."""

from typing import Annotated

import typer

from api.cli.command import command, group
from api.cli.queries import PROJECTS
from api.cli.reading import listing
from api.cli.terminal import Column, Terminal
from api.cli.words import moment, short

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.")]
COLUMNS = (
    Column("ID", "short"),
    Column("NAME", "name"),
    Column("FROZEN", "frozen"),
    Column("LOCK DELAY", "delay", right=True),
    Column("CREATED", "created"),
)


def register(app: typer.Typer) -> None:
    nouns = group("Projects: list, create, freeze, unfreeze.")
    command(nouns, "list")(list_projects)
    command(nouns, "create")(create)
    command(nouns, "freeze")(freeze)
    command(nouns, "unfreeze")(unfreeze)
    app.add_typer(nouns, name="project")


def list_projects(terminal: Terminal) -> None:
    """Projects that the key may see."""
    rows = [
        {
            **row,
            "short": short(row.get("id")),
            "delay": f"{row.get('lockDelaySeconds')}s",
            "created": moment(row.get("createdAt")),
        }
        for row in listing(terminal.client, PROJECTS, {}, 1_000).rows
    ]
    terminal.table("projects", rows, COLUMNS, "no projects")


def create(
    terminal: Terminal,
    name: Annotated[str, typer.Argument(help="1-63 of a-z, 0-9 and hyphen; taken for ever.")],
    lock_delay: Annotated[
        int, typer.Option("--lock-delay", min=0, max=600, help="Seconds that a lost session's paths stay shut.")
    ] = 30,
) -> None:
    """Make a project; doing it again changes nothing."""
    answer = terminal.client.command("create_project", name=name, lock_delay_seconds=lock_delay).answer
    state = "created" if answer.get("created") else "was there already"
    terminal.show(answer, f"project {name} {state}")


def freeze(
    terminal: Terminal,
    project: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody sees it.")] = "",
) -> None:
    """Hand out nothing new; what is under way may end."""
    answer = terminal.client.command("freeze_project", project=project, reason=reason)
    terminal.show({"project": project, "frozen": True, "position": answer.position}, f"{project} is frozen")


def unfreeze(terminal: Terminal, project: Name) -> None:
    """Hand out work again."""
    answer = terminal.client.command("unfreeze_project", project=project)
    terminal.show({"project": project, "frozen": False, "position": answer.position}, f"{project} is at work again")
