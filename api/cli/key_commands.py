"""`signalbox key`: who may speak to the server."""

from typing import Annotated

import typer

from api.cli.command import At, command, group
from api.cli.queries import KEYS
from api.cli.reading import SUFFIX_CHARACTERS_MIN, listing
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import moment, snake_row
from signalbox.client.asks import new_key
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, text, texts

COLUMNS = (
    Column("KEY", "id", wide=True, path=True),
    Column("NAME", "name"),
    Column("ROLE", "role"),
    Column("STATE", "state"),
    Column("EXPIRES", "expires", spare=True),
    Column("PROJECTS", "projects", wide=True),
)
KEYS_MAX = 20_000
_DAY_SECONDS = 86_400
Named = Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, the end of it, or its name.")]


def register(app: typer.Typer) -> None:
    nouns = group("API keys: issue, list, show, revoke.")
    command(nouns, "issue")(issue)
    command(nouns, "list")(list_keys)
    command(nouns, "show")(show)
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


def list_keys(terminal: Terminal, at: At = None) -> None:
    """Keys without their secrets."""
    rows = [_shown(row) for row in listing(terminal.client, KEYS, {"at": at}, KEYS_MAX).rows]
    terminal.table("keys", rows, COLUMNS, "no keys")


def show(terminal: Terminal, key: Named, at: At = None) -> None:
    """One key without its secret."""
    shown = _shown(_named(terminal, key, at))
    words = [f"{column.title.lower():<10} {shown.get(column.name)}" for column in COLUMNS]
    terminal.show(snake_row(shown), *words)


def _named(terminal: Terminal, name: str, at: str | None = None) -> Fields:
    """The key of an id, of the end of one, or of a name that only one key has. Raises Refused."""
    rows = listing(terminal.client, KEYS, {"at": at}, KEYS_MAX).rows
    found = [row for row in rows if name in (row.get("id"), row.get("name"))]
    if not found and len(name) >= SUFFIX_CHARACTERS_MIN:
        found = [row for row in rows if str(row.get("id")).endswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = [str(row.get("id")) for row in found]
        raise Refused("ambiguous", f"{len(found)} keys are called {name}", "Name one by its id.", {"ids": ids})
    raise Refused(
        "unknown_thing",
        f"There {'is' if at is None else 'was'} no key {name} {'here' if at is None else 'then'}.",
        "See `signalbox key list`.",
    )


def _shown(row: Fields) -> dict[str, object]:
    return {
        **row,
        "role": str(row.get("role")).lower(),
        "state": "revoked" if row.get("revoked") else "good",
        "expires": moment(row.get("expiresAt")) or "never",
        "projects": " ".join(texts(row, "projectNames")) or "all",
    }


def revoke(terminal: Terminal, key: Named) -> None:
    """Refuse a key from now on."""
    identifier = text(_named(terminal, key), "id")
    answer = terminal.client.command("revoke_key", key=identifier)
    terminal.show({"key": identifier, "revoked": True, "position": answer.position}, f"{key} opens nothing any more")
