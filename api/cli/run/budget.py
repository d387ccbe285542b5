"""What a run may spend and has spent: raised by hand, and shown as a tree of what it was spent for."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, cast

import typer

from api.cli.command import At, Project
from api.cli.queries import RUN
from api.cli.reading import found_then, project_of, run_named
from api.cli.run.asking import DryRun, Revision, Run, Runs
from api.cli.run.bulk import Done, for_each
from api.cli.terminal import Terminal
from signalbox.client import Client
from signalbox.client.fields import Fields, integer, objects, texts

DEPTH_MAX: Final = 8
"""Runs inside each other."""
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
    """What a run has cost as a tree: its phases as they stand, and the runs inside of it with theirs."""
    client, chosen = terminal.client, project_of(terminal.client, project)
    found = _costs(client, run_named(client, chosen, run), at, 0)
    terminal.show(found, *_drawn(found, 0))


def _costs(client: Client, identifier: str, at: str | None, depth: int) -> Fields:
    row = found_then(client, RUN, {"id": identifier, "at": at}, "run", identifier)
    phases: list[Fields] = []
    total: dict[str, float] = {}
    bounds = row.get("budget")
    left_out, counts = False, bool(bounds or row.get("rollsBackId"))
    for phase in objects(row, "phases"):
        child = phase.get("childId")
        inside = _costs(client, str(child), at, depth + 1) if child and depth < DEPTH_MAX else None
        spent = _usage(phase) if inside is None else cast("dict[str, float]", inside["spent"])
        total = _added(total, spent)
        gone = integer(phase, "generation") > 1 or bool(phase.get("undoTaskId"))
        left_out = left_out or gone or bool(inside and inside["former_left_out"])
        if spent or inside is not None:
            phases.append({"place": phase.get("place"), "spent": spent, "run": inside})
    return {
        "run": identifier,
        "pipeline": row.get("pipeline"),
        "status": str(row.get("status")).lower(),
        "budget": bounds,
        "reserved": row.get("reserved") if bounds else None,
        "spent": row.get("spent") if counts else total,
        "former_left_out": left_out and not counts,
        "phases": phases,
    }


def _usage(phase: Fields) -> dict[str, float]:
    """What the attempts of its task said that they spent, the live one included."""
    task = cast("Fields", phase.get("task") or {})
    found: dict[str, float] = {}
    for name in ("usage", "usageLive"):
        said = cast("Fields", task.get(name) or {})
        if said:
            tokens = integer(said, "input_tokens") + integer(said, "output_tokens")
            amounts = {"tokens": tokens, "cost_microdollars": integer(said, "cost_microdollars")}
            found = _added(found, amounts)
    return found


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def _drawn(found: Fields, depth: int) -> Iterator[str]:
    pad = "  " * depth
    bounds = f" (of {_words(cast('Fields', found['budget']))})" if found["budget"] else ""
    aside = _words(cast("Fields", found["reserved"] or {}))
    waits = f", {aside} set aside" if found["budget"] and aside != NOTHING else ""
    spent = _words(cast("Fields", found["spent"]))
    less = ", former generations and what was taken back not counted" if found["former_left_out"] else ""
    yield f"{pad}{found['pipeline']} {found['run']} {found['status']}: {spent}{bounds}{waits}{less}"
    for phase in objects(found, "phases"):
        if phase["run"] is None:
            yield f"{pad}  {phase['place']}: {_words(cast('Fields', phase['spent']))}"
        else:
            yield f"{pad}  {phase['place']}:"
            yield from _drawn(cast("Fields", phase["run"]), depth + 2)


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
