"""Asks for builds of read models and watches them: a bar for people, a line of JSON for programs."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import typer

from api.cli.exits import Exit
from api.cli.queries import READ_MODELS, operation_on_models
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object, text

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

LOOK_SECONDS: Final = 0.25
ENDS: Final = frozenset({"promoted", "verified", "level"})
BAD_ENDS: Final = frozenset({"differs", "failed", "abandoned"})


def models(client: "Client") -> tuple[Fields, ...]:
    """Every read model as of now."""
    return objects(optional_object(client.graphql(READ_MODELS, {}), "projections"), "models")


def named(client: "Client", name: str) -> Fields:
    """One read model. Raises Refused."""
    found = next((one for one in models(client) if one.get("name") == name), None)
    if found is None:
        raise Refused("unknown_thing", f"There is no projection {name} here.", "See `signalbox projections list`.")
    return found


def picked(names: Sequence[str] | None, *, every: bool) -> list[str]:
    """What was named; none stands for all of them, which has to be said."""
    if every == bool(names):
        raise typer.BadParameter("name read models, or say --all", param_hint="NAMES")
    return list(names or ())


def ask(client: "Client", field: str, kinds: Mapping[str, str], **said: object) -> Fields:
    """Ask for one operation. Raises Refused."""
    done = optional_object(client.graphql(operation_on_models(field, **kinds), said), "done")
    if done.get("__typename") == "Rejected":
        raise Refused(
            text(done, "code"), text(done, "message"), text(done, "next"), dict(optional_object(done, "data"))
        )
    return done


def watch(terminal: Terminal, names: Sequence[str], *, wait: bool) -> None:
    """Follow the builds to their ends; exit code 1 where one of them did not come to a good one."""
    plain = terminal.as_json or not wait or not sys.stdout.isatty()
    ended = _lines(terminal, names, wait=wait) if plain else _bars(terminal, names)
    bad = [one for one in ended if _phase(one) in BAD_ENDS]
    for one in ended if not plain else ():
        terminal.note(_told(one))
    if bad:
        raise typer.Exit(Exit.REFUSED)


def _lines(terminal: Terminal, names: Sequence[str], *, wait: bool) -> list[Fields]:
    seen: dict[object, object] = {}
    while True:
        found = _built(terminal, names)
        for one in found:
            build = optional_object(one, "build")
            if seen.get(one["name"]) != build:
                seen[one["name"]] = build
                words = _told(one) if _phase(one) in ENDS | BAD_ENDS else f"{one['name']}: {_phase(one)}"
                terminal.line({"name": one["name"], "head": one["head"], **build}, words)
        if not wait or all(_phase(one) in ENDS | BAD_ENDS for one in found):
            return [] if not wait else found
        time.sleep(LOOK_SECONDS)


def _bars(terminal: Terminal, names: Sequence[str]) -> list[Fields]:
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    columns = (TextColumn("{task.description:16}"), BarColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=terminal.console(), transient=True) as progress:
        bars: dict[str, TaskID] = {}
        while True:
            found = _built(terminal, names)
            for one in found:
                name = str(one["name"])
                if name not in bars:
                    bars[name] = progress.add_task(name, total=1, words="")
                build, head = optional_object(one, "build"), max(1, integer(one, "head"))
                progress.update(bars[name], total=head, completed=integer(build, "checkpoint"), words=_speed(build))
            if all(_phase(one) in ENDS | BAD_ENDS for one in found):
                return found
            time.sleep(LOOK_SECONDS)


def _built(terminal: Terminal, names: Sequence[str]) -> list[Fields]:
    answer = optional_object(terminal.client.graphql(READ_MODELS, {}), "projections")
    wanted: Iterable[Fields] = (
        one for one in objects(answer, "models") if (not names or one.get("name") in names) and one.get("build")
    )
    return [{**one, "head": answer["head"]} for one in wanted]


def _phase(found: Fields) -> str:
    return str(optional_object(found, "build").get("phase"))


def _speed(build: Fields) -> str:
    speed, eta = build.get("eventsPerSecond"), build.get("etaSeconds")
    words = f"{build.get('phase')}"
    if isinstance(speed, int | float) and speed:
        words += f"  {speed:,.0f} events/s"
    return words + (f"  {eta:.0f} s left" if isinstance(eta, int | float) else "")


def _told(found: Fields) -> str:
    build = optional_object(found, "build")
    name, phase, error = found["name"], build.get("phase"), build.get("error")
    differing = optional_object(build, "comparison").get("differing")
    match phase:
        case "differs":
            return f"{name}: {differing} versions differ; see `signalbox projections show {name}`"
        case "level":
            return f"{name}: equal, and held; `signalbox projections promote {name}` lets it take over"
        case "failed" | "abandoned":
            return f"{name}: {phase} {error}".rstrip()
        case _:
            return f"{name}: {phase}, generation {build.get('generation')}"
