"""`signalbox connect` and `disconnect`: our entries in a coding client's settings, shown before they are written."""

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.command import Project, command
from api.cli.connect.changes import Change, planned, take_back, undone, write
from api.cli.connect.clients import CODING_CLIENTS, hook_command
from api.cli.connect.documents import documents_of, mcp_server
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused, ServerUnavailable
from signalbox.hook.options import SECONDS_MAX
from signalbox.hook.places import repository_of

TRUST: Final = {
    "claude": "Claude Code runs hooks in folders that it was told to trust: accept its question.",
    "codex": "Codex skips new hooks without a word: run `codex`, enter /hooks and trust them.",
    "gemini": "Gemini CLI asks about new hooks of a project when it starts: accept them.",
}


class Client(Enum):
    """A coding client."""

    CLAUDE = "claude"
    CODEX = "codex"
    GEMINI = "gemini"


class Where(Enum):
    """Whose settings."""

    PROJECT = "project"
    USER = "user"


AnyClient = Annotated[Client, typer.Argument(help="The coding client.")]
Scope = Annotated[Where, typer.Option("--scope", help="Settings in this repository, or those of the user.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]


def register(app: typer.Typer) -> None:
    command(app, "connect")(connect)
    command(app, "disconnect", without=("server_url", "api_key", "data_folder"))(disconnect)


def connect(
    terminal: Terminal,
    client: AnyClient,
    *,
    scope: Scope = Where.PROJECT,
    observe: Annotated[bool, typer.Option("--observe", help="Refuse nothing, only tell.")] = False,
    project: Project = None,
    repository: Annotated[str | None, typer.Option("--repository", help="Name of the repository in claims.")] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Credentials whose quota its sessions share.")] = None,
    portable: Annotated[
        bool, typer.Option("--portable", help="Call `signalbox` by name, for shared settings.")
    ] = False,
    seconds: Annotated[
        int | None, typer.Option("--seconds", min=1, max=SECONDS_MAX, help="One event may take so long (3).")
    ] = None,
    worktrees: Annotated[
        str | None, typer.Option("--worktrees", help="Pool whose units are the worktrees that Claude Code works in.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Let a coding client ask before it edits."""
    chosen, environment = CODING_CLIENTS[client.value], dict(os.environ)
    if worktrees and not chosen.worktree_groups:
        raise Refused("no_worktrees", f"{chosen.title} does not ask for worktrees", "Leave --worktrees out.")
    options = ["--observe"] if observe else []
    named, data = _project(terminal, project, scope), _data(terminal)
    said = {"--project": named, "--repository": repository, "--pool": pool, "--data": data, "--seconds": seconds}
    said["--worktrees"] = worktrees
    options += [f"{name}={value}" for name, value in said.items() if value]
    line = hook_command(client.value, options, portable=portable)
    server = mcp_server(data, named, portable=portable)
    documents = documents_of(chosen, scope.value, _root(), environment, line, server)
    changes = [one for one in (planned(document, environment) for document in documents) if not one.is_nothing]
    _confirm(terminal, changes, yes=yes)
    for change in changes:
        write(change, environment)
    files = [str(document.file) for document in documents]
    state = "connected" if changes else "is connected"
    words = [f"{chosen.title} {state}: {', '.join(files)}", TRUST[client.value]]
    if changes and client is Client.CLAUDE and scope is Where.USER:
        words.append(
            "Claude Code sessions that run now write the second file themselves: end them, and connect again if"
        )
        words.append("`claude mcp list` does not show signalbox then.")
    told = {"client": client.value, "files": files, "changed": bool(changes)}
    terminal.show(told, *words, "next: signalbox doctor")


def disconnect(terminal: Terminal, client: AnyClient, scope: Scope = Where.PROJECT, yes: Yes = False) -> None:
    """Take our entries out of a client's settings."""
    chosen, environment = CODING_CLIENTS[client.value], dict(os.environ)
    documents = documents_of(chosen, scope.value, _root(), environment, "", {})
    # The other way round than they were written: folders that were made for the first of them go last.
    changes = [undone(document, environment) for document in reversed(documents)]
    changed = [one for one in changes if not one.is_nothing]
    _confirm(terminal, changed, yes=yes)
    for change in changes:
        take_back(change, environment)
    files = [str(document.file) for document in documents]
    told = {"client": client.value, "files": files, "changed": bool(changed)}
    terminal.show(told, f"{chosen.title} {'disconnected' if changed else 'was not connected'}: {', '.join(files)}")


def _project(terminal: Terminal, named: str | None, scope: Where) -> str | None:
    """In a repository the one that is meant; for a user whatever each repository's server has."""
    if named or scope is Where.USER:
        return named
    try:
        return project_of(terminal.client, None)
    except ServerUnavailable as error:
        raise Refused(
            "no_project", "no server can be asked which project this is", "Name it with --project."
        ) from error


def _data(terminal: Terminal) -> str | None:
    return None if terminal.data is None else str(terminal.data.resolve())


def _root() -> Path:
    """The checkout that one is in, else the folder."""
    here = Path.cwd()
    found = repository_of(os.path.realpath(here))
    return here if found is None else Path(found.top)


def _confirm(terminal: Terminal, changes: list[Change], *, yes: bool) -> None:
    """Show what changes; a person is asked, a program has to say so."""
    diff = "\n".join(change.diff() for change in changes)
    if changes and not terminal.as_json:
        print(diff)
    if yes or not changes:
        return
    if terminal.as_json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "Nothing was written.", "Say --yes to write this.", {"diff": diff})
    if not typer.confirm("Write this?"):
        raise Refused("not_confirmed", "Nothing was written.", "Ask again when you want it.")
