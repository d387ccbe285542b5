"""`signalbox projections`: read models listed, built anew, compared, promoted, taken back, mended."""

from typing import Annotated, Final

import typer

from api.cli.command import command, group
from api.cli.projection_builds import ask, models, named, picked, watch
from api.cli.queries import READ_MODELS
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import span
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects, optional_object, texts

COLUMNS: Final = (
    Column("NAME", "name"),
    Column("STATE", "state"),
    Column("GEN", "generation", right=True),
    Column("CHECKPOINT", "checkpoint", right=True, spare=True),
    Column("LAG", "lagEvents", right=True),
    Column("SECONDS", "lag", right=True, spare=True),
    Column("PARKED", "parkedStreams", right=True),
    Column("CODE", "code"),
    Column("BUILD", "doing"),
    Column("ERROR", "error", wide=True),
)
PARKED: Final = (
    Column("NAME", "projection"),
    Column("STREAM", "stream", wide=True, path=True),
    Column("POSITION", "position", right=True),
    Column("TYPE", "type"),
    Column("ERROR", "error", wide=True),
)
Names = Annotated[list[str] | None, typer.Argument(help="Names of read models.")]
Name = Annotated[str, typer.Argument(help="Name of a read model, such as task_board.")]
Stream = Annotated[str, typer.Argument(help="Id of the stream.")]
All = Annotated[bool, typer.Option("--all", help="Every read model.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end; `projections list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who look later.")]


def register(app: typer.Typer) -> None:
    nouns = group("Read models: state, rebuilds, comparisons, repairs.")
    command(nouns, "list")(list_projections)
    command(nouns, "show")(show)
    command(nouns, "rebuild")(rebuild)
    command(nouns, "verify")(verify)
    command(nouns, "promote")(promote)
    command(nouns, "rollback")(rollback)
    command(nouns, "abandon")(abandon)
    command(nouns, "pause")(pause)
    command(nouns, "resume")(resume)
    command(nouns, "prune")(prune)
    parked = group("Streams that stand still in a read model: list, show, retry, skip.")
    command(parked, "list")(list_parked)
    command(parked, "show")(show_parked)
    command(parked, "retry")(retry_parked)
    command(parked, "skip")(skip_parked)
    nouns.add_typer(parked, name="parked")
    app.add_typer(nouns, name="projections")


def list_projections(terminal: Terminal) -> None:
    """Every read model: how far it is, what is built beside it, what is wrong with it."""
    rows = [_row(one) for one in models(terminal.client)]
    terminal.table("projections", rows, COLUMNS, "no read models")


def show(terminal: Terminal, name: Name) -> None:
    """One read model with its generations and its latest build, differences included."""
    found = named(terminal.client, name)
    build = optional_object(found, "build")
    lines = [f"{found['name']}: {found['state']}, generation {found['generation']} @{found['checkpoint']}"]
    lines += [
        f"  {one['number']:>4}  {one['state']:9} @{one['checkpoint']}  {one['table']}  code {_short(one)}"
        for one in objects(found, "generations")
    ]
    if build:
        lines.append(f"  {build['purpose']} of generation {build['generation']}: {build['phase']} {build['error']}")
        lines += _compared(optional_object(build, "comparison"))
    terminal.show(found, *lines)


def rebuild(
    terminal: Terminal,
    names: Names = None,
    every: All = False,
    hold: Annotated[bool, typer.Option("--hold", help="Wait for `promote` even where nothing differs.")] = False,
    no_wait: NoWait = False,
) -> None:
    """Build read models anew beside the live ones, compare them, and let them take over; work goes on meanwhile."""
    chosen = picked(names, every=every)
    ask(terminal.client, "rebuildProjections", {"names": "[String!]!", "hold": "Boolean"}, names=chosen, hold=hold)
    watch(terminal, chosen, wait=not no_wait)


def verify(terminal: Terminal, names: Names = None, every: All = False, no_wait: NoWait = False) -> None:
    """Compare read models with a fresh fold of the log; code 1 and the first differences where they are not equal."""
    chosen = picked(names, every=every)
    ask(terminal.client, "verifyProjections", {"names": "[String!]!"}, names=chosen)
    watch(terminal, chosen, wait=not no_wait)


def promote(
    terminal: Terminal,
    name: Name,
    accept: Annotated[bool, typer.Option("--accept-differences", help="Although it is not equal.")] = False,
    no_wait: NoWait = False,
) -> None:
    """Let the built generation take over."""
    kinds = {"name": "String!", "acceptDifferences": "Boolean"}
    ask(terminal.client, "promoteProjection", kinds, name=name, acceptDifferences=accept)
    watch(terminal, [name], wait=not no_wait)


def rollback(terminal: Terminal, name: Name, no_wait: NoWait = False) -> None:
    """Bring the generation that was live before up to date and let it take over again."""
    ask(terminal.client, "rollbackProjection", {"name": "String!"}, name=name)
    watch(terminal, [name], wait=not no_wait)


def abandon(terminal: Terminal, name: Name) -> None:
    """Give up what is being built; the live generation is asked as before."""
    ask(terminal.client, "abandonProjection", {"name": "String!"}, name=name)
    terminal.show({"name": name}, f"{name}: the build is given up")


def pause(terminal: Terminal, name: Name, reason: Reason) -> None:
    """The live rows stand still, and say how old they are."""
    ask(terminal.client, "pauseProjection", {"name": "String!", "reason": "String!"}, name=name, reason=reason)
    terminal.show({"name": name}, f"{name} stands still until `signalbox projections resume {name}`")


def resume(terminal: Terminal, name: Name) -> None:
    """The live rows follow again."""
    ask(terminal.client, "resumeProjection", {"name": "String!"}, name=name)
    terminal.show({"name": name}, f"{name} follows again")


def prune(
    terminal: Terminal,
    names: Names = None,
    every: All = False,
    keep: Annotated[int, typer.Option("--keep", min=0, max=100, help="Retired generations of each that stay.")] = 1,
) -> None:
    """Drop retired generations; what is dropped cannot be rolled back to."""
    chosen = picked(names, every=every)
    kinds = {"names": "[String!]!", "keep": "Int"}
    gone = texts(ask(terminal.client, "pruneProjections", kinds, names=chosen, keep=keep), "dropped")
    terminal.show({"dropped": list(gone)}, *(gone or ("nothing to drop",)))


def list_parked(terminal: Terminal) -> None:
    """Streams that stand still because an event of them could not be folded."""
    terminal.table("parked", _parked(terminal), PARKED, "nothing stands still")


def show_parked(terminal: Terminal, name: Name, stream: Stream) -> None:
    """One of them, with its whole error."""
    found = [one for one in _parked(terminal) if (one.get("projection"), one.get("stream")) == (name, stream)]
    if not found:
        raise Refused(
            "stream_not_parked", f"{stream} does not stand still in {name}.", "See `projections parked list`."
        )
    one = found[0]
    terminal.show(one, f"{name}: {stream} stands still @{one['position']} ({one['type']})", f"  {one['error']}")


def retry_parked(terminal: Terminal, name: Name, stream: Stream) -> None:
    """Fold a stream again from the event that did it, after the projection was mended."""
    ask(terminal.client, "retryParked", {"name": "String!", "stream": "String!"}, name=name, stream=stream)
    terminal.show({"name": name, "stream": stream}, f"{stream} goes on in {name}")


def skip_parked(terminal: Terminal, name: Name, stream: Stream, reason: Reason) -> None:
    """Fold a stream without the event that did it; the reason is kept."""
    kinds = {"name": "String!", "stream": "String!", "reason": "String!"}
    ask(terminal.client, "skipParked", kinds, name=name, stream=stream, reason=reason)
    terminal.show({"name": name, "stream": stream}, f"{stream} goes on in {name} without the event")


def _parked(terminal: Terminal) -> tuple[Fields, ...]:
    return objects(optional_object(terminal.client.graphql(READ_MODELS, {}), "projections"), "parked")


def _row(found: Fields) -> dict[str, object]:
    build = optional_object(found, "build")
    lag = found.get("lagSeconds")
    return {
        **found,
        "lag": span(lag if isinstance(lag, int | float) else 0.0),
        "code": "other" if found.get("drifted") is True else "same",
        "doing": f"{build.get('purpose')} {build.get('phase')}" if build else "",
    }


def _short(generation: Fields) -> str:
    return str(generation.get("fingerprint"))[:12]


def _compared(comparison: Fields) -> list[str]:
    if not comparison:
        return []
    same = "the same code" if comparison.get("same_code") is True else "other code"
    versions, differing = comparison.get("versions"), comparison.get("differing")
    lines = [f"  compared @{comparison.get('position')} with {same}: {versions} versions, {differing} differ"]
    for one in objects(comparison, "differences"):
        cells = [f"{cell['column']}: {cell['live']!r} -> {cell['built']!r}" for cell in objects(one, "cells")]
        told = "; ".join(cells) or f"lacking in {one.get('lacking')}"
        lines.append(f"    {one.get('key')} @{one.get('since')} {told}")
    return lines
