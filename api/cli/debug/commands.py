"""`signalbox debug`: opens the screen on a store or a bundle."""

from typing import Annotated

import typer

from api.cli.command import At, command
from api.cli.replay.source import Bundle, Store, past
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused


def register(app: typer.Typer) -> None:
    command(app, "debug", without=("as_json",))(debug)


def debug(
    terminal: Terminal,
    at: At = None,
    live: Annotated[bool, typer.Option("--live", help="Follow the log as it grows.")] = False,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Step through the past on the screen, event by event.

    ? tells the keys, q ends it.

    The server, if there is one, is asked for nothing but to keep a bookmark.
    """
    with past(terminal, store, bundle) as replay:
        from api.cli.debug.screen import DebugApp
        from api.composition.debugging import Debugger

        def keep(name: str, position: int) -> None:
            if bundle is not None:
                raise Refused("bundle_is_closed", "a bundle is not written", "Set bookmarks in the log it came from.")
            project, _, mark = name.partition("/")
            if not project or not mark:
                raise Refused("no_bookmark", f"{name} names no bookmark", "Write PROJECT/NAME.")
            terminal.client.command("set_bookmark", project=project, name=mark, position=position)

        source = str(bundle or store or terminal.data or ".signalbox")
        cursor = replay.position(at, replay.head())
        DebugApp(Debugger(replay), source=source, cursor=cursor, live=live, keep=keep).run()
