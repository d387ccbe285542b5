"""`signalbox audit archive` and `audit archives`: moving the beginning of the log into bundles."""

import time
from typing import Annotated, Final

import typer

from api.cli.command import command
from api.cli.progress import Bar
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import count, moment
from signalbox.client import audit
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object, text

LOOK_SECONDS: Final = 0.25
PATIENCE_LOOKS: Final = 8
"""Who waits for the same as long as that is told what it is."""
COLUMNS: Final = (
    Column("FROM", "first"),
    Column("TO", "last"),
    Column("ARCHIVED", "at"),
    Column("STATE", "state"),
    Column("BUNDLE", "name"),
    Column("DIGEST", "digest", wide=True),
)


def register(nouns: typer.Typer) -> None:
    """Below `signalbox audit`."""
    command(nouns, "archive")(archive)
    command(nouns, "archives")(archives)


def archive(
    terminal: Terminal,
    until: Annotated[str, typer.Option("--until", help="@1234, an instant, -90d or STREAM@VERSION.")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until the database is pruned.")] = True,
) -> None:
    """Move the log from its beginning up to a point into bundles of the server; verified there, then pruned here."""
    asked = terminal.client.ask(audit.archive(until))
    goal = integer(asked, "until")
    now, just_asked = asked, True
    waits_for, looks = "", 0
    with Bar(terminal, "archived") as bar:
        while wait and not _is_done(now, goal):
            if trouble := text(now, "trouble"):
                raise Refused("cannot_archive", trouble, "Mend what it names, and ask again: it goes on from there.")
            under_way = optional_object(now, "under_way")
            if under_way:
                bar.move(integer(under_way, "done"), integer(under_way, "last") - integer(under_way, "first") + 1)
            former, waits_for = waits_for, text(under_way, "waits_for") if under_way else ""
            looks = looks + 1 if waits_for and waits_for == former else 0
            if looks == PATIENCE_LOOKS:
                terminal.note(f"waits: {waits_for}")
            time.sleep(LOOK_SECONDS)
            # A server that began anew knows only of what is recorded: it is asked again to go on with the rest.
            just_asked = not under_way and not just_asked
            now = terminal.client.ask(audit.archive(f"@{goal}") if just_asked else audit.archives())
    there = [one for one in objects(now, "archives") if integer(one, "last") <= goal]
    if not _is_done(now, goal):
        terminal.show({**now, "until": goal}, f"archiving up to @{goal}; see `signalbox audit archives`")
        return
    last = max((integer(one, "last") for one in there), default=0)
    said = f"@1 to @{last} is archived in {count(len(there), 'bundle')} in {text(now, 'folder')}"
    if goal == 0:
        said = "nothing is archived: the log begins later than that"
    terminal.show({**now, "until": goal}, said)


def archives(terminal: Terminal) -> None:
    """The archived ranges with the digests of their bundles, and what is under way."""
    now = terminal.client.ask(audit.archives())
    if terminal.as_json:
        terminal.show(now)
        return
    rows = [{**one, "at": moment(one.get("at")), "state": _state(one)} for one in objects(now, "archives")]
    terminal.table("archives", rows, COLUMNS, "nothing is archived")
    under_way = optional_object(now, "under_way")
    if under_way:
        waits = f", waits: {under_way['waits_for']}" if under_way.get("waits_for") else ""
        terminal.note(f"@{under_way['first']} to @{under_way['last']}: {under_way['step']}{waits}")
    for one in objects(now, "leftovers"):
        terminal.note(f"not on record: {one.get('name')}, {_leftover(one)}")
    if trouble := text(now, "trouble"):
        terminal.note(f"not gone on with: {trouble}")


def _is_done(now: Fields, goal: int) -> bool:
    ranges = objects(now, "archives")
    reached = any(integer(one, "last") >= goal for one in ranges)
    return (reached or goal == 0) and all(one.get("pruned") for one in ranges)


def _leftover(one: Fields) -> str:
    if one.get("whole"):
        return "a finished bundle: it is taken when the same range is asked for, and never removed"
    return "begun and not finished: gone on with when the same range is asked for, removed when another one is"


def _state(one: Fields) -> str:
    pruned = "pruned" if one.get("pruned") else "not pruned yet"
    return pruned if one.get("here") else f"{pruned}, bundle not here"
