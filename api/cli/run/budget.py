"""What a run may spend and has spent: raised by hand, and shown as a tree of what it was spent for."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, cast

import typer

from api.cli.command import At, Project
from api.cli.queries import RUN_COSTS
from api.cli.reading import ROWS_MAX, listing, project_of, run_named
from api.cli.run.asking import DryRun, Revision, Run, Runs
from api.cli.run.bulk import Done, for_each
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, texts

UNITS: Final = (("tokens", "tokens"), ("cost_microdollars", "micro-dollars"), ("wall_seconds", "s of work"))


def adjust(
    terminal: Terminal,
    run: Runs,
    *,
    tokens: Annotated[int | None, typer.Option("--tokens", min=1, help="In and out.")] = None,
    cost: Annotated[int | None, typer.Option("--cost-microdollars", min=1, help="Millionths of a dollar.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--wall-seconds", min=0.001, help="Of all attempts together, at most 30 days.")
    ] = None,
    loop: Annotated[str | None, typer.Option("--loop", help="Of this loop, in place of the whole run.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    dry_run: DryRun = False,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Give a run other bounds; what was parked because all was spent goes on as far as they reach."""
    bounds = {"tokens": tokens, "cost_microdollars": cost, "wall_seconds": seconds}
    if not any(bounds.values()):
        raise typer.BadParameter("say at least one bound", param_hint="--tokens")

    def ask(chosen: str, identifier: str) -> Done:
        answer = terminal.client.command(
            "adjust_budget",
            project=chosen,
            run=identifier,
            phase=loop,
            budget=bounds,
            reason=reason,
            dry_run=dry_run,
            expected_revision=expected_revision,
        )
        told = {**answer.answer, "run": identifier, "position": answer.position}
        return told, [_adjusted(identifier, answer.answer, dry_run)]

    for_each(terminal, run, project, ask)


def _adjusted(run: str, told: Fields, dry_run: bool) -> str:
    released = texts(told, "released")
    goes_on = f"; {', '.join(released)} goes on" if released else ""
    may = "would be allowed to" if dry_run else "may"
    return f"{run} {may} spend {_words(cast('Fields', told.get('budget') or {}))}{goes_on}"


def cost(terminal: Terminal, run: Run, project: Project = None, at: At = None) -> None:
    """What a run has cost as a tree: every task that it ever made, and the runs inside of it with theirs."""
    client, chosen = terminal.client, project_of(terminal.client, project)
    identifier = run_named(client, chosen, run)
    found = listing(client, RUN_COSTS, {"id": identifier, "at": at or "now"}, ROWS_MAX).rows
    if not found:
        raise Refused("unknown_thing", f"There was no run {identifier} then.", "Ask for a later point with --at.")
    terminal.show(_tree(found), *_drawn(found))


def _tree(entries: Sequence[Fields]) -> dict[str, object]:
    """The runs inside of each other, each with its tasks that spent something, from entries in that order."""
    around: list[dict[str, Any]] = []
    for entry in entries:
        depth = integer(entry, "depth")
        if entry.get("taskId") is None:
            whole = {name: entry.get(name) for name in ("pipeline", "status", "budget", "reserved", "spent")}
            node: dict[str, Any] = {"run": entry.get("runId"), **whole, "phases": []}
            if depth:
                inside = {**_place(entry), "spent": entry.get("spent"), "run": node}
                around[depth - 1]["phases"].append(inside)
            around[depth:] = [node]
        elif entry.get("spent"):
            around[depth]["phases"].append({**_place(entry), "spent": entry.get("spent"), "run": None})
    return around[0]


def _place(entry: Fields) -> dict[str, object]:
    return {
        "place": entry.get("place"),
        "generation": entry.get("generation"),
        "undo": entry.get("purpose") == "UNDO",
    }


def _drawn(entries: Sequence[Fields]) -> Iterator[str]:
    for entry in entries:
        pad, spent = "    " * integer(entry, "depth"), _words(_amounts(entry, "spent"))
        again = f" ({entry['generation']})" if entry.get("generation") not in (None, 1) else ""
        place = f"{entry.get('place')}{again}{' (undo)' if entry.get('purpose') == 'UNDO' else ''}"
        if entry.get("taskId") is not None:
            if entry.get("spent"):
                yield f"{pad}  {place}: {spent}"
            continue
        if entry.get("depth"):
            yield f"{pad.removesuffix('  ')}{place}:"
        budget, aside = entry.get("budget"), _words(_amounts(entry, "reserved"))
        bounds = f" (of {_words(_amounts(entry, 'budget'))})" if budget else ""
        waits = f", {aside} set aside" if budget and aside != NOTHING else ""
        yield f"{pad}{entry.get('pipeline')} {entry.get('runId')} {entry.get('status')}: {spent}{bounds}{waits}"


def _amounts(entry: Fields, name: str) -> Fields:
    return cast("Fields", entry.get(name) or {})


NOTHING: Final = "nothing"


def _words(amounts: Fields) -> str:
    said = [f"{_number(float(cast('float', amounts[name])))} {unit}" for name, unit in UNITS if amounts.get(name)]
    return ", ".join(said) or NOTHING


def _number(amount: float) -> str:
    """All of its digits, to the thousandth."""
    return f"{amount:.3f}".rstrip("0").removesuffix(".")


def budget_words(row: Fields) -> str:
    """The budget of a run in one line; empty where it has none."""
    if not row.get("budget"):
        return ""
    spent, aside = _words(cast("Fields", row.get("spent") or {})), _words(cast("Fields", row.get("reserved") or {}))
    return f"{_words(cast('Fields', row['budget']))}: {spent} spent, {aside} set aside"
