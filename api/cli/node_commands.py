"""`signalbox node`: the servers of a store, and how each is."""

from typing import Annotated

import typer

from api.cli.command import At, command, group
from api.cli.queries import NODES
from api.cli.reading import listing
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, snake_row
from signalbox.client.fields import Fields, items, optional_object

COLUMNS = (
    Column("NODE", "id", wide=True, path=True),
    Column("STATUS", "status"),
    Column("URL", "url"),
    Column("WHY", "why", wide=True),
    Column("DUTIES", "does"),
    Column("LOG LAG", "log_lag", right=True),
    Column("ROWS LAG", "rows_lag", right=True, spare=True),
    Column("WAITING", "waiting", right=True),
    Column("VERSION", "version", spare=True),
    Column("SEEN", "seen", right=True),
    Column("SINCE", "age", right=True, spare=True),
)
PRESENT = ["HEALTHY", "UNHEALTHY", "LOST"]


def register(app: typer.Typer) -> None:
    nouns = group("Servers of this store: list.")
    command(nouns, "list")(list_nodes)
    app.add_typer(nouns, name="node")


def list_nodes(
    terminal: Terminal,
    everything: Annotated[bool, typer.Option("--all", help="Those that were stopped, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Servers that are there or were lost, the latest started first, and how each is."""
    found = listing(terminal.client, NODES, {"status": None if everything else PRESENT, "at": at}, limit)
    terminal.table("nodes", [_shown(row) for row in found.rows], COLUMNS, "no servers")


def _shown(row: Fields) -> dict[str, object]:
    now = optional_object(row, "now")
    gone = row.get("status") in ("LOST", "LEFT")
    return {
        **snake_row(row),
        "now": snake_row(now),
        "status": str(row.get("status")).lower(),
        "why": ", ".join(map(str, items(row, "troubles"))),
        "does": ", ".join(map(str, items(row, "duties"))),
        "log_lag": "" if gone else now.get("logLagEvents", ""),
        "rows_lag": "" if gone else now.get("projectorLagEvents", ""),
        "waiting": "" if gone else now.get("commandsWaiting", ""),
        "seen": age(now.get("at")),
        "age": age(row.get("changedAt")),
    }
