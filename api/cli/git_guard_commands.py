"""`signalbox git-guard`: lets git take only commits and pushes whose session holds what they touch."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.command import SERVER, Project, command, group
from api.cli.reading import project_of
from api.cli.terminal import Terminal

if TYPE_CHECKING:
    from signalbox.git_guard.changes import Change


class Mode(StrEnum):
    """What becomes of a refusal."""

    STRICT = "strict"
    OBSERVE = "observe"


AnyMode = Annotated[
    Mode, typer.Option("--mode", help="strict stops git, also where no server answers; observe only warns.")
]


def register(app: typer.Typer) -> None:
    nouns = group("Let a git repository take only what is locked.")
    command(nouns, "install")(install)
    command(nouns, "uninstall", without=SERVER)(uninstall)
    command(nouns, "check", without=SERVER)(check)
    app.add_typer(nouns, name="git-guard")


def install(
    terminal: Terminal,
    *,
    project: Project = None,
    repository: Annotated[
        str | None, typer.Option("--repository", help="What scopes call it; else the name of its folder.")
    ] = None,
    mode: AnyMode = Mode.STRICT,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="File with the key that the guard of a bare repository asks with.")
    ] = None,
    pusher_variable: Annotated[
        str | None, typer.Option("--pusher-variable", help="Variable in which the git host tells the pusher's key id.")
    ] = None,
) -> None:
    """Write the hooks of this repository: pre-commit and pre-push, or pre-receive where it is a bare one."""
    from signalbox.client.endpoint import find_data_folder
    from signalbox.git_guard import installing
    from signalbox.git_guard.git import Git

    git = Git()
    data = find_data_folder(data=terminal.data)
    settings = {
        "project": project_of(terminal.client, project),
        "repository": repository or installing.repository_name(git),
        "url": None if data is not None else terminal.endpoint.url,
        "data": None if data is None else str(data.absolute()),
        "keyfile": None if key_file is None else str(key_file.absolute()),
        "pushervariable": pusher_variable,
    }
    done = installing.install(git, mode.value, settings)
    told = {**settings, "mode": mode.value, "hooks": list(done.hooks), "folder": str(done.folder)}
    words = f"{', '.join(done.hooks)} of {settings['repository']} ask project {settings['project']}, {mode.value}"
    terminal.show(told, words, f"in {done.folder}")


def uninstall(terminal: Terminal) -> None:
    """Take the hooks away and put back those that were there before."""
    from signalbox.git_guard import installing
    from signalbox.git_guard.git import Git

    done = installing.uninstall(Git())
    told = {"hooks": list(done.hooks), "folder": str(done.folder)}
    terminal.show(told, f"{', '.join(done.hooks) or 'nothing of ours'} taken away from {done.folder}")


def check(
    terminal: Terminal,
    staged: Annotated[bool, typer.Option("--staged", help="Only what is staged for the next commit.")] = False,
) -> None:
    """Say what a commit of everything that differs here would be refused for."""
    from signalbox.git_guard import hooks, installing
    from signalbox.git_guard.git import Git

    git = Git()
    in_force = installing.installed(git).hooks
    change = hooks.staged(git) if staged else hooks.unstaged(git)
    if change is not None:
        hooks.ask(hooks.guarded(git, os.environ, receiving=False), (change,))
    told = {"hooks": list(in_force), "files": _files(change)}
    terminal.show(told, f"{len(_files(change))} files differ, all held; hooks: {', '.join(in_force) or 'none'}")


def _files(change: "Change | None") -> list[str]:
    return [] if change is None else list(change.paths)
