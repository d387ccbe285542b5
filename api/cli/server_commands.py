"""`signalbox up`, `demo` and `status`: a server here, a show of one, and how one is."""

import shutil
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from api.cli.command import SERVER, command
from api.cli.exits import Exit
from api.cli.terminal import Terminal
from signalbox.client.asks import status as ask_status
from signalbox.client.endpoint import DATA_FOLDER
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, items, optional_object


def register(app: typer.Typer) -> None:
    command(app, "up", without=SERVER)(up)
    command(app, "demo", without=(*SERVER, "data_folder"))(demo)
    command(app, "status")(status)


def up(
    terminal: Terminal,
    bind: Annotated[
        str | None, typer.Option("--bind", help="HOST:PORT; 127.0.0.1:8420; port 0 takes a free one.")
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="sqlite, sqlite:///PATH, postgresql://… or memory.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option("--allowed-host", help="Further name that clients call it by; repeatable.")
    ] = None,
    allow_exposed: Annotated[
        bool, typer.Option("--allow-exposed", help="Let other machines connect; put TLS in front.")
    ] = False,
    allow_unsafe_durability: Annotated[
        bool, typer.Option("--allow-unsafe-durability", help="Start on a store that may lose acknowledged work.")
    ] = False,
    *,
    restored: Annotated[
        bool,
        typer.Option("--restored", help="The store is an earlier copy: new tokens begin, sessions end. Say it once."),
    ] = False,
    log_level: Annotated[str | None, typer.Option("--log-level", help="debug, info, warning or error.")] = None,
    log_format: Annotated[str | None, typer.Option("--log-format", help="console or json.")] = None,
) -> None:
    """Start a server here and serve until interrupted. What is not said comes from SIGNALBOX_… or is as it is."""
    from api.composition.start import CannotStartError, start

    said: dict[str, object] = {
        "data": terminal.data,
        "bind": bind,
        "store": store,
        "allowed_hosts": tuple(allowed_host) if allowed_host else None,
        "allow_exposed": allow_exposed or None,
        "allow_unsafe_durability": allow_unsafe_durability or None,
        "restored": restored or None,
        "log_level": log_level,
        "log_format": log_format,
    }

    def started(url: str, store_kind: str, data: Path) -> None:
        terminal.line({"url": url, "store": store_kind, "data": str(data)}, _welcome(url, store_kind, data))

    try:
        start(said, started)
    except CannotStartError as error:
        raise Refused("cannot_start", str(error), error.advice) from error


def demo(
    terminal: Terminal,
    tasks: Annotated[int, typer.Option("--tasks", help="Tasks of the plan.")] = 300,
    workers: Annotated[int, typer.Option("--workers", help="Worker processes.")] = 8,
    kills: Annotated[int, typer.Option("--kills", help="How many of them are killed on the way.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="Another one makes another plan.")] = 1,
    without_locks: Annotated[
        bool, typer.Option("--without-locks", help="The same work unguarded; see what it costs.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="New folder for everything; else a temporary one.")
    ] = None,
) -> None:
    """Show a fleet at work, judged by its git repository. It gets a server of its own."""
    from api.cli.demo.show import DemoSettings, show

    settings = DemoSettings(
        tasks=tasks,
        workers=workers,
        kills=kills,
        seed=seed,
        without_locks=without_locks,
        keep=keep,
        as_json=terminal.as_json,
    )
    ended = show(settings)
    if ended is not Exit.OK:
        raise typer.Exit(ended)


def status(terminal: Terminal) -> None:
    """How the server is, and as whom it knows you. Exit code 3 where none answers or it is not ready."""
    found = terminal.client.ask(ask_status())
    terminal.show({**found, "url": terminal.endpoint.url}, *_status_words(terminal.endpoint.url, found))
    if found.get("ready") is not True:
        raise typer.Exit(Exit.UNAVAILABLE)


def _welcome(url: str, store_kind: str, data: Path) -> str:
    """What to do next, in commands that work as they are printed."""
    here = data.resolve() == Path(DATA_FOLDER).resolve()
    return "\n".join(
        (
            f"Signalbox serves at {url} (store: {store_kind}, data: {data})",
            "",
            "In another terminal, in this folder:" if here else "In another terminal:",
            *_path_first(),
            *(() if here else (f"  export SIGNALBOX_DATA={quote(str(data.resolve()))}",)),
            "  signalbox plan apply plan.yaml                     create tasks",
            "  signalbox worker --exec 'CMD' --project PROJECT    do them",
            "  signalbox watch                                    see it happen",
            "",
            f"In a browser: {url}/query asks it, with the key in {data / 'local.key'}.",
            "Press ctrl-c to stop; what is acknowledged stays.",
        )
    )


def _path_first() -> tuple[str, ...]:
    """How a shell comes to know the program, where it does not yet."""
    activate = Path(sys.prefix) / "bin" / "activate"
    if shutil.which("signalbox") or not activate.is_file():
        return ()
    near = activate.relative_to(Path.cwd()) if activate.is_relative_to(Path.cwd()) else activate
    return (f"  . {quote(str(near))}",)


def _status_words(url: str, found: Fields) -> list[str]:
    who = optional_object(found, "principal")
    projects = ", ".join(map(str, items(who, "projects"))) if who.get("projects") is not None else "all"
    lines = [
        f"{'ready' if found.get('ready') is True else 'NOT READY'}  {url}",
        f"  version   {found.get('version')}",
        f"  node      {found.get('node')}, store {found.get('store')}",
        f"  log       head {found.get('head')}, projected {found.get('projected')}",
        f"  you are   {who.get('role')}, key {who.get('id')}",
        f"  projects  {projects}",
    ]
    return [*lines, *(f"  WARNING   {warning}" for warning in items(found, "warnings"))]
