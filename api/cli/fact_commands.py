"""`signalbox fact`: what a project publishes for runs of its own and of others, beside how its runs end."""

import json
from typing import Annotated

import typer

from api.cli.command import Project, command, group
from api.cli.reading import project_of
from api.cli.run.starting import INPUT_HELP, inputs_of
from api.cli.terminal import Terminal

Artefact = Annotated[str, typer.Argument(metavar="ARTEFACT", help="Name of the result.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Numbers with dots, such as 1.4.2.")]


def register(app: typer.Typer) -> None:
    nouns = group("Facts for runs of other projects: signals, results in versions.")
    command(nouns, "signal")(signal)
    command(nouns, "publish")(publish)
    command(nouns, "withdraw")(withdraw)
    app.add_typer(nouns, name="fact")


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
