"""What `signalbox session` does to a session: open, drain, end, move, say what it does."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

import typer

from api.cli.command import Project
from api.cli.queries import SESSION
from api.cli.reading import project_of, session_named, single
from api.cli.terminal import Terminal
from signalbox.client.fields import integer, optional_object, text

Session = Annotated[str, typer.Argument(help="Id, or the last 4 or more characters of it.")]
Cascade = Annotated[bool, typer.Option("--cascade", help="The sessions below, too.")]


def begin(
    terminal: Terminal,
    project: Project = None,
    also: Annotated[list[str] | None, typer.Option("--also", help="Further project; repeatable.")] = None,
    *,
    name: Annotated[str, typer.Option("--name", help="Shown in lists.")] = "",
    tool: Annotated[str, typer.Option("--tool", help="What works.")] = "human",
    model: Annotated[str, typer.Option("--model", help="The model behind it.")] = "",
    host: Annotated[str, typer.Option("--host", help="Where it runs.")] = "",
    worktree: Annotated[str, typer.Option("--worktree", help="Folder that it works in.")] = "",
    role: Annotated[str, typer.Option("--role", help="Label of its part in the work.")] = "",
    pool: Annotated[str | None, typer.Option("--pool", help="Credentials whose quota it spends.")] = None,
    capability: Annotated[list[str] | None, typer.Option("--capability", help="KEY=VALUE; repeatable.")] = None,
    capacity: Annotated[int, typer.Option("--capacity", min=1, max=256, help="Tasks at a time.")] = 1,
    ttl: Annotated[int, typer.Option("--ttl", min=10, max=86_400, help="Seconds without a call until it is lost.")] = (
        1_800
    ),
    parent: Annotated[str | None, typer.Option("--parent", help="Session above it.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", help="Session whose next life it is.")] = None,
) -> None:
    """Begin a session of yours, to lock and work by hand; what you ask for it keeps it alive."""
    from api.cli.worker.settings import BadCapabilityError, capabilities_of

    try:
        capabilities = capabilities_of(capability or ())
    except BadCapabilityError as error:
        raise typer.BadParameter(str(error), param_hint="--capability") from error
    client = terminal.client
    said: dict[str, object] = {
        "projects": list(dict.fromkeys([project_of(client, project), *(also or ())])),
        "parent": None if parent is None else session_named(client, parent),
        "resume": None if resume is None else session_named(client, resume),
        "credential_pool": pool,
        "renewed_by": "calls",
        "ttl_seconds": ttl,
        "capacity": capacity,
        "capabilities": capabilities,
    }
    labels = {"name": name, "tool": tool, "model": model, "host": host, "worktree": worktree, "role": role}
    answer = client.command("open_session", **said, **labels)
    session, life = text(answer.answer, "session"), integer(answer.answer, "incarnation")
    terminal.show(
        {**answer.answer, "position": answer.position},
        f"{session} is open, incarnation {life}; it is lost when nothing is asked for it for {ttl} s",
        f"export SIGNALBOX_SESSION={session} SIGNALBOX_INCARNATION={life}",
    )


def drain(
    terminal: Terminal,
    session: Session,
    reason: Annotated[str, typer.Option("--reason", help="Why; others see it.")] = "",
    cascade: Cascade = False,
) -> None:
    """Give it no new tasks; it ends with the last one that it has."""
    _done(
        terminal, "drain_session", session, "takes nothing new, ends with what it has", reason=reason, cascade=cascade
    )


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
    "open": begin,
    "drain": drain,
    "undrain": undrain,
    "end": end,
    "reparent": reparent,
    "signal": signal,
}
