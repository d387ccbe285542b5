"""`signalbox fact`: what a project publishes for runs of its own and of others, beside how its runs end."""

import json
from typing import Annotated, Final, Literal

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import FACTS
from api.cli.reading import listing, project_of
from api.cli.run.starting import INPUT_HELP, inputs_of
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, short, snake_row
from signalbox.client.fields import Fields

Artefact = Annotated[str, typer.Argument(metavar="ARTEFACT", help="Name of the result.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Numbers with dots, such as 1.4.2.")]

Kind = Literal["outcome", "signal", "artefact"]
COLUMNS: Final = (
    Column("KIND", "kind"),
    Column("NAME", "name"),
    Column("WHICH", "which"),
    Column("SINCE", "age", right=True),
    Column("SAYS", "says", wide=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Facts for other projects: list, signal, publish, withdraw.")
    command(nouns, "list")(list_facts)
    command(nouns, "signal")(signal)
    command(nouns, "publish")(publish)
    command(nouns, "withdraw")(withdraw)
    app.add_typer(nouns, name="fact")


def list_facts(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of a pipeline, signal or result.")] = None,
    *,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 200,
    project: Project = None,
    at: At = None,
) -> None:
    """What the project tells runs of others: how its runs ended last, signals, results in versions."""
    where = {"project": project_of(terminal.client, project), "name": name, "kind": kind and [kind.upper()]}
    found = listing(terminal.client, FACTS, {"where": where, "at": at}, limit)
    terminal.table("facts", [_row(one) for one in found.rows], COLUMNS, "nothing is published")


def signal(
    terminal: Terminal,
    name: Annotated[str, typer.Argument(metavar="SIGNAL", help="Name of the signal.")],
    content: Annotated[list[str] | None, typer.Option("--input", "-i", help=INPUT_HELP)] = None,
    project: Project = None,
) -> None:
    """Send out a signal; runs that wait for it go on, here and in projects that may need what this one does."""
    said = json.dumps(inputs_of(None, content or []))
    _ask(terminal, "publish_signal", f"signal {name} is sent out", project, name=name, content=said)


def publish(
    terminal: Terminal,
    name: Artefact,
    version: Version,
    uri: Annotated[str, typer.Option("--uri", help="Where it is.")] = "",
    digest: Annotated[str, typer.Option("--digest", help="Of what is there, such as sha256:….")] = "",
    project: Project = None,
) -> None:
    """Publish a result in a version, which stays what it is; the same again changes nothing."""
    said = {"name": name, "version": version, "uri": uri, "digest": digest}
    _ask(terminal, "publish_artefact", f"{name} {version} is published", project, **said)


def withdraw(
    terminal: Terminal,
    name: Artefact,
    version: Version,
    reason: Annotated[str, typer.Option("--reason", help="Why it does not hold any more.")],
    project: Project = None,
) -> None:
    """Take back a version; runs that have taken it are told, and no further one takes it."""
    said = {"name": name, "version": version, "reason": reason}
    _ask(terminal, "withdraw_artefact", f"{name} {version} is withdrawn", project, **said)


def _ask(terminal: Terminal, verb: str, done: str, project: str | None, **said: object) -> None:
    answer = terminal.client.command(verb, project=project_of(terminal.client, project), **said)
    terminal.show({"position": answer.position}, done)


def _row(row: Fields) -> dict[str, object]:
    kind = str(row.get("kind")).lower()
    told = {**snake_row(row), "kind": kind, "age": age(row.get("publishedAt"))}
    content = "" if row.get("content") is None else json.dumps(row.get("content"), ensure_ascii=False)
    match kind:
        case "outcome":
            which = str(row.get("correlationKey") or "")
            says = " ".join(one for one in (short(row.get("runId")), str(row.get("outcome")), content) if one)
        case "signal":
            which, says = f"number {row.get('number')}", content
        case _:
            which = str(row.get("version"))
            says = " ".join(str(row.get(one)) for one in ("uri", "digest") if row.get(one))
    gone = f"withdrawn: {row.get('reason')}" if row.get("reason") else "taken back"
    return {**told, "which": which, "says": says if row.get("holds") else f"{gone}; {says}"}
