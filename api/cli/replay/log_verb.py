"""`signalbox replay log`: the events that fit, in order, and as they arise."""

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from api.cli.replay.source import Bundle, Progress, Store, past
from api.cli.replay.telling import line
from api.cli.terminal import Terminal

if TYPE_CHECKING:
    from api.composition.replay import Filter, LogRow

FOLLOW_SECONDS: Final = 0.5


def log(
    terminal: Terminal,
    *,
    project: Annotated[str | None, typer.Option("--project", "-p", help="Slug or id.")] = None,
    stream: Annotated[str | None, typer.Option("--stream", help="One stream, such as task_….")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", "-t", help="Stored name, such as task.claimed.v1 or task.*; repeatable."),
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Key or policy whose command wrote it.")] = None,
    session: Annotated[
        str | None, typer.Option("--session", help="Events of this session and those that name it.")
    ] = None,
    correlation: Annotated[str | None, typer.Option("--correlation", help="Correlation id.")] = None,
    command_id: Annotated[str | None, typer.Option("--command", help="Command id.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Point after which to begin, such as -1h or @1234.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Point at which to end; else now.")] = None,
    where: Annotated[str | None, typer.Option("--where", help="CEL, such as 'event.priority > 3'.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they arise, until interrupted.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Events at most.")] = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Events that fit every condition, in order; the whole log where none is given."""
    from api.composition.replay import Filter

    if follow and until is not None:
        raise typer.BadParameter("what goes on has no end", param_hint="--until")
    with past(terminal, store, bundle) as replay:
        after, end = replay.stretch(since, until)
        if follow and since is None:
            after = end
        wanted = Filter(
            project=project,
            stream=stream,
            types=replay.types(kind or []),
            actor=actor,
            session=session,
            correlation=correlation,
            command=command_id,
        )
        _tell(terminal, replay, wanted, where, after, end, limit, follow=follow)


def _tell(
    terminal: Terminal,
    replay: Any,
    wanted: "Filter",
    where: str | None,
    after: int,
    end: int,
    limit: int | None,
    *,
    follow: bool,
) -> None:
    left = limit
    while True:
        progress = Progress(terminal, "looked through", end)
        for row in replay.log(wanted, where, after=after, until=end, progress=progress):
            progress.done()
            _show(terminal, row)
            if left is not None:
                left -= 1
                if left == 0:
                    return
        progress.done()
        if not follow:
            return
        after = end
        while end <= after:
            time.sleep(FOLLOW_SECONDS)
            end = replay.head()


def _show(terminal: Terminal, row: "LogRow") -> None:
    content = orjson.loads(row.state)
    document = {
        "position": row.position,
        "stream": row.stream,
        "version": row.version,
        "type": row.type,
        "at": row.recorded_at,
        "project": row.project,
        "actor": row.actor,
        "command_id": row.command_id,
        "correlation_id": row.correlation_id,
        "causation_id": row.causation_id,
        "event": content,
    }
    words = line(row.position, row.recorded_at, row.stream, row.version, row.type, content)
    terminal.line(document, words)
