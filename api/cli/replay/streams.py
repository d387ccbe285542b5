"""`signalbox replay show`, `step` and `blame`: one stream, as it was and how it came to be so."""

from itertools import islice
from typing import Annotated

import typer

from api.cli.command import At
from api.cli.replay.source import Bundle, Progress, Store, Stream, past
from api.cli.replay.telling import change_document, change_line, event_document, event_line, tree_lines, value
from api.cli.terminal import Terminal
from domain.kernel.past.trees import path_of, path_text
from signalbox.client.errors import Refused


def show(
    terminal: Terminal,
    stream: Stream,
    at: At = None,
    events: Annotated[bool, typer.Option("--events", help="Also the events that made it.")] = False,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """The folded state of a stream at a point, as decisions saw it."""
    with past(terminal, store, bundle) as replay:
        stood = replay.state(stream, replay.position(at, replay.head()))
        told: dict[str, object] = {
            "stream": stood.stream,
            "version": stood.version,
            "position": stood.position,
            "at": stood.at,
            "state": stood.tree,
        }
        lines = [f"{stood.stream} at @{stood.at}: version {stood.version}, last changed by @{stood.position}"]
        lines += tree_lines(stood.tree, "  ")
        if events:
            made = [step.recorded for step in replay.steps(stream, stood.at)]
            told["events"] = [event_document(one) for one in made]
            lines += ["events:", *(event_line(one, indent="  ") for one in made)]
        terminal.show(told, *lines)


def step(
    terminal: Terminal,
    stream: Stream,
    since: Annotated[str | None, typer.Option("--since", help="Point after which to begin.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Point at which to end; else now.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Events at most.")] = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """A stream event by event: the event, what it changed, and with --json the state before and after."""
    with past(terminal, store, bundle) as replay:
        after, end = replay.stretch(since, until)
        for one in islice(replay.steps(stream, end, after=after), limit):
            changes = one.changes()
            document = {
                **event_document(one.recorded),
                "before": one.before,
                "after": one.after,
                "changes": [change_document(change) for change in changes],
            }
            lines = [event_line(one.recorded), *(change_line(change, "    ") for change in changes)]
            terminal.line(document, "\n".join(lines))


def blame(
    terminal: Terminal,
    stream: Stream,
    field: Annotated[str | None, typer.Argument(help="Field, such as phase or plan.priority; else all.")] = None,
    at: At = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Which event last set each field of a stream's state, by whom and why."""
    with past(terminal, store, bundle) as replay:
        position = replay.position(at, replay.head())
        progress = Progress(terminal, "looked back through", position)
        fields = replay.blame(stream, position, path_of(field or ""), progress).found()
        progress.done()
    if field and not fields:
        raise Refused("unknown_thing", f"no event has set {field}", "See the fields with `signalbox replay show`.")
    for path, (tree, event) in fields.items():
        document = {"field": list(path), "value": tree, "set_by": event_document(event)}
        why = event.causation_id or event.command_id
        words = f"@{event.position:<8} {type(event.event).TYPE:28} {event.actor:32} {path_text(path)} = {value(tree)}"
        terminal.line(document, f"{words}   (because of {why})")
