"""`signalbox quota`: credentials that sessions share, and whether their quota is used up."""

from typing import Annotated

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import QUOTAS
from api.cli.reading import listing
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, moment

COLUMNS = (
    Column("POOL", "name"),
    Column("STATE", "state"),
    Column("WHY", "kind"),
    Column("UNTIL", "due"),
    Column("SESSIONS", "sessionsLive", right=True),
    Column("SINCE", "age", right=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Credential pools: list, reset.")
    command(nouns, "list")(list_quotas)
    command(nouns, "reset")(reset)
    app.add_typer(nouns, name="quota")


def list_quotas(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Pools that sessions named, and whether work is given to them."""
    found = listing(terminal.client, QUOTAS, {"project": project, "at": at}, limit)
    rows = [
        {**row, "due": moment(row.get("dueAt")) if row.get("dueAt") else "", "age": age(row.get("changedAt"))}
        for row in found.rows
    ]
    terminal.table("quotas", rows, COLUMNS, "no credential pools")


def reset(terminal: Terminal, pool: Annotated[str, typer.Argument(help="Name of the pool.")]) -> None:
    """Give out work again, whatever was reported."""
    position = terminal.client.command("reset_quota", pool=pool).position
    terminal.show({"pool": pool, "position": position}, f"work is given to {pool} again")
