"""`signalbox key`: who may speak to the server."""

from typing import Annotated

import typer

from api.cli.command import command, group
from api.cli.queries import KEYS
from api.cli.reading import listing
from api.cli.terminal import Column, Terminal
from api.cli.words import moment
from signalbox.client.asks import new_key
from signalbox.client.fields import texts

COLUMNS = (
    Column("KEY", "id"),
    Column("NAME", "name"),
    Column("ROLE", "role"),
    Column("STATE", "state"),
    Column("EXPIRES", "expires"),
    Column("PROJECTS", "projects", wide=True),
)
_DAY_SECONDS = 86_400


def register(app: typer.Typer) -> None:
    nouns = group("API keys: issue, list, revoke.")
    command(nouns, "issue")(issue)
    command(nouns, "list")(list_keys)
    command(nouns, "revoke")(revoke)
    app.add_typer(nouns, name="key")


def issue(
    terminal: Terminal,
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[str, typer.Option("--role", help="admin, operator, viewer or worker.")],
    project: Annotated[
        list[str] | None, typer.Option("--project", "-p", help="Project that it opens; repeatable; none: all.")
    ] = None,
    days: Annotated[float | None, typer.Option("--days", min=0.001, max=3_650, help="Until it expires.")] = None,
) -> None:
    """Make a key; its secret is shown this once and kept nowhere."""
    if role not in ("admin", "operator", "viewer", "worker"):
        raise typer.BadParameter(f"{role} is none of admin, operator, viewer, worker", param_hint="--role")
    lifetime_seconds = None if days is None else max(1, round(days * _DAY_SECONDS))
    answer = terminal.client.ask(new_key(name, role, project or [], lifetime_seconds)).answer
    terminal.note(f"key {answer.get('key')} for {name}; its secret is shown this once:")
    terminal.show(answer, str(answer.get("secret")))


def list_keys(terminal: Terminal) -> None:
    """Keys without their secrets."""
    rows = [
        {
            **row,
            "role": str(row.get("role")).lower(),
            "state": "revoked" if row.get("revoked") else "good",
            "expires": moment(row.get("expiresAt")) or "never",
            "projects": " ".join(texts(row, "projectNames")) or "all",
        }
        for row in listing(terminal.client, KEYS, {}, 1_000).rows
    ]
    terminal.table("keys", rows, COLUMNS, "no keys")


def revoke(terminal: Terminal, key: Annotated[str, typer.Argument(help="Id of the key, key_…")]) -> None:
    """Refuse a key from now on."""
    answer = terminal.client.command("revoke_key", key=key)
    terminal.show({"key": key, "revoked": True, "position": answer.position}, f"{key} opens nothing any more")
