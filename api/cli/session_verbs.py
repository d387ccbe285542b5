"""What `signalbox session` does to a session: drain, end, move, say what it does."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

import typer

from api.cli.queries import SESSION
from api.cli.reading import session_named, single
from api.cli.terminal import Terminal
from signalbox.client.fields import integer, optional_object

Session = Annotated[str, typer.Argument(help="Id, or the last 4 or more characters of it.")]
Cascade = Annotated[bool, typer.Option("--cascade", help="The sessions below, too.")]


def drain(
    terminal: Terminal,
    session: Session,
    reason: Annotated[str, typer.Option("--reason", help="Why; others see it.")] = "",
    cascade: Cascade = False,
) -> None:
    """Give it no new tasks; it ends with the last one that it has."""
    _done(terminal, "drain_session", session, "takes nothing new", reason=reason, cascade=cascade)


def undrain(terminal: Terminal, session: Session) -> None:
    """Let a draining session take tasks again."""
    _done(terminal, "undrain_session", session, "takes work again")


def end(terminal: Terminal, session: Session, cascade: Cascade = False) -> None:
    """End it now; what it still holds follows the loss rule."""
    identifier = session_named(terminal.client, session)
    _done(terminal, "end_session", identifier, "ended", incarnation=_life(terminal, identifier), cascade=cascade)


def reparent(
    terminal: Terminal,
    session: Session,
    parent: Annotated[str | None, typer.Argument(help="Session above it; left out, it stands below nobody.")] = None,
) -> None:
    """Put it below another session, or below nobody."""
    above = None if parent is None else session_named(terminal.client, parent)
    _done(terminal, "reparent_session", session, f"stands below {above or 'nobody'}", parent=above)


def signal(
    terminal: Terminal,
    session: Session,
    said: Annotated[str, typer.Argument(metavar="SIGNAL", help="tool_started, tool_ended, progress, …")],
    tool: Annotated[str, typer.Option("--tool", help="The tool that started or ended.")] = "",
    seconds: Annotated[int | None, typer.Option("--seconds", min=1, max=86_400, help="How long it takes.")] = None,
    note: Annotated[str, typer.Option("--note", help="A few words; others see them.")] = "",
) -> None:
    """Say what it does now."""
    identifier = session_named(terminal.client, session)
    fields: dict[str, object] = {"signal": said, "tool": tool, "seconds": seconds, "note": note}
    _done(terminal, "signal_session", identifier, said, incarnation=_life(terminal, identifier), **fields)


def _life(terminal: Terminal, session: str) -> int:
    return integer(optional_object(single(terminal.client, SESSION, {"id": session}), "session"), "incarnation")


def _done(terminal: Terminal, name: str, session: str, words: str, **fields: object) -> None:
    identifier = session_named(terminal.client, session)
    position = terminal.client.command(name, session=identifier, **fields).position
    terminal.show({"session": identifier, "position": position}, f"{identifier}: {words}")


VERBS: Final[Mapping[str, Callable[..., None]]] = {
    "drain": drain,
    "undrain": undrain,
    "end": end,
    "reparent": reparent,
    "signal": signal,
}
