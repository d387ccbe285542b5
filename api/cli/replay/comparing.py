"""`signalbox replay diff` and `bisect`: what changed between two points, and when something became true."""

from typing import Annotated, Any

import typer

from api.cli.replay.source import Bundle, Progress, Store, past
from api.cli.replay.telling import change_document, change_line, event_document, event_line
from api.cli.terminal import Terminal
from domain.kernel.past.trees import differences
from signalbox.client.errors import Refused

Model = Annotated[str | None, typer.Option("--model", "-m", help="Read model, such as task_board.")]


def diff(
    terminal: Terminal,
    first: Annotated[str, typer.Argument(metavar="A", help="Earlier point.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Later point.")],
    stream: Annotated[str | None, typer.Option("--stream", help="One stream's state.")] = None,
    model: Model = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """What two points have differently, field by field: in one stream, one read model, or all read models but the
    timeline."""
    if stream is not None and model is not None:
        raise typer.BadParameter("a stream or a read model", param_hint="--model")
    with past(terminal, store, bundle) as replay:
        after, until = replay.stretch(first, second)
        if stream is not None:
            before, now = replay.state(stream, after), replay.state(stream, until)
            changes = list(differences(before.tree, now.tree))
            document: dict[str, Any] = {
                "stream": stream,
                "versions": [before.version, now.version],
                "changes": [change_document(one) for one in changes],
            }
            words = f"{stream}: version {before.version} at @{after}, {now.version} at @{until}"
            terminal.show(document, words, *(change_line(one, "  ") for one in changes))
            return
        for row in replay.changed_rows(() if model is None else (replay.model(model).name,), after, until):
            changes = list(differences(row.before, row.after))
            mark = "+" if row.before is None else "-" if row.after is None else "~"
            kind = {"+": "added", "-": "removed", "~": "changed"}[mark]
            told = [change_document(one) for one in changes] if kind == "changed" else []
            row_document: dict[str, Any] = {"model": row.model, "key": row.key, "kind": kind, "changes": told}
            row_document |= {"before": row.before} if kind == "removed" else {}
            row_document |= {"after": row.after} if kind == "added" else {}
            lines = [f"{mark} {row.model} {row.key}"]
            lines += [change_line(one, "    ") for one in changes] if kind == "changed" else []
            terminal.line(row_document, "\n".join(lines))


def bisect(
    terminal: Terminal,
    *,
    until: Annotated[str, typer.Option("--until", help="CEL over `state` of a stream, or `row` of a read model.")],
    stream: Annotated[str | None, typer.Option("--stream", help="The stream whose state is asked.")] = None,
    model: Model = None,
    key: Annotated[str | None, typer.Option("--key", help="Only this row of the read model.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="Point to begin at; else the beginning.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Point to end at; else now.")] = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """The first event at which a condition became true, with its command, actor and causes; code 1 where none."""
    if (stream is None) == (model is None):
        raise typer.BadParameter("name a stream or a read model", param_hint="--stream")
    with past(terminal, store, bundle) as replay:
        after, end = replay.stretch(first, last)
        progress = Progress(terminal, "looked through", end)
        if stream is not None:
            turn = replay.bisect_stream(stream, until, after=after, until=end, progress=progress)
        else:
            turn = replay.bisect_rows(model or "", until, key=key, after=after, until=end, progress=progress)
        progress.done()
        if turn is None:
            raise Refused("never_true", f"it was never true from @{after} to @{end}", "Widen --from and --to.")
        document: dict[str, Any] = {"position": turn.position, "key": turn.key, "already": turn.already}
        row = "" if turn.key is None else f" ({turn.key})"
        if turn.already:
            terminal.show(document, f"it was true at @{turn.position} already{row}")
            return
        causes = replay.causes(replay.event(f"@{turn.position}"))
        kept = replay.command(causes.event)
        document["event"] = event_document(causes.event)
        document["command"] = kept
        document["causes"] = [event_document(one) for one in causes.chain]
        lines = [f"true since @{turn.position}{row}", event_line(causes.event, indent="  ")]
        lines.append(f"  by {causes.event.actor}, command {causes.event.command_id}{_named(kept)}")
        lines += [event_line(one, indent="  because of ") for one in causes.chain]
        terminal.show(document, *lines)


def _named(kept: dict[str, Any] | None) -> str:
    return f": {kept['name']}" if kept and kept.get("name") else ""
