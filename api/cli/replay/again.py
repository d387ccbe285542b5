"""`signalbox replay redecide` and `explain-refusal`: recorded commands asked once more."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.exits import Exit
from api.cli.replay.source import Bundle, Progress, Store, past
from api.cli.replay.telling import event_document, event_line, tree_lines, value
from api.cli.terminal import Terminal
from domain.kernel.past.trees import Trees

if TYPE_CHECKING:
    from api.composition.replay import Explained, Verdict


def redecide(
    terminal: Terminal,
    first: Annotated[str | None, typer.Option("--from", help="Point after which to begin; else the beginning.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Point to end at; else now.")] = None,
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Ask the recorded commands of today's rules and compare the events; code 1 where one is decided differently.

    Receipts hold what was asked and are kept for 8 days; what is older is counted and passed over.
    """
    counts: Counter[str] = Counter()
    with past(terminal, store, bundle) as replay:
        after, until = replay.stretch(first, last)
        progress = Progress(terminal, "decided again", until)
        for one in replay.redecide(after=after, until=until, progress=progress):
            counts[one.kind] += 1
            if one.kind in ("different", "not_decidable"):
                progress.done()
                terminal.line(_document(one), "\n".join(_lines(one)))
        progress.done()
    kinds = ("same", "same_choice", "different", "not_decidable", "no_receipt", "erased")
    summary: dict[str, Any] = {"from": after, "to": until, **{kind: counts[kind] for kind in kinds}}
    words = f"{sum(counts.values())} commands from @{after} to @{until}: {counts['same']} decided the same"
    words += f", {counts['same_choice']} the same of what was chosen, {counts['different']} differently"
    words += f", {counts['not_decidable']} not decidable, {counts['no_receipt']} without a receipt"
    words += f", {counts['erased']} that were erased" if counts["erased"] else ""
    terminal.show(summary, words)
    if counts["different"] or counts["not_decidable"]:
        raise typer.Exit(Exit.REFUSED)


def explain_refusal(
    terminal: Terminal,
    command_id: Annotated[str, typer.Argument(metavar="COMMAND", help="Id of the refused command.")],
    store: Store = None,
    bundle: Bundle = None,
) -> None:
    """Why a command was refused: what it asked, the states that the decision saw, the rule and its witness.

    Only refusals that matter for audit are on record; what was asked is known for 8 days.
    """
    with past(terminal, store, bundle) as replay:
        found = replay.refusal(command_id)
    document: dict[str, Any] = {
        "record": event_document(found.event),
        "name": found.name,
        "command": found.command,
        "rule": found.rule,
        "witness": None if found.rejection is None else found.rejection.model_dump(mode="json"),
        "states": {stream: {"version": version, "state": tree} for stream, (version, tree) in found.states.items()},
        "note": found.note,
    }
    terminal.show(document, *_explained(found))


def _explained(found: "Explained") -> list[str]:
    lines = [event_line(found.event)]
    if found.command is not None:
        lines += [f"asked   {found.name}", *tree_lines(found.command, "  ")]
    if found.rule:
        lines.append(f"rule    {found.rule}")
    if found.rejection is not None:
        lines += [
            f"refused {found.rejection.code()}: {found.rejection.message()}",
            f"next    {found.rejection.advice()}",
        ]
        lines += [f"witness {name} = {value(Trees().of(told))}" for name, told in found.rejection]
    for stream, (version, tree) in found.states.items():
        lines += [f"saw     {stream} at version {version}", *tree_lines(tree, "  ")]
    return [*lines, *([f"note    {found.note}"] if found.note else [])]


def _document(one: "Verdict") -> dict[str, Any]:
    return {
        "kind": one.kind,
        "command_id": one.command_id,
        "name": one.name,
        "position": one.position,
        "recorded": list(one.recorded),
        "decided": list(one.decided),
        "why": one.why,
    }


def _lines(one: "Verdict") -> list[str]:
    lines = [
        f"@{one.position} {one.name} {one.command_id}: {one.kind.replace('_', ' ')}{': ' + one.why if one.why else ''}"
    ]
    for mark, events in (("-", one.recorded), ("+", one.decided)):
        lines += [
            f"  {mark} {each['stream']}@{each['version']} {each['type']} {value(each['event'])}" for each in events
        ]
    return lines
