"""How runs stand: a list, one with its phases, its graph."""

import json
from typing import Annotated, Final

import typer

from api.cli.command import At, Project, statuses
from api.cli.queries import RUN, RUNS
from api.cli.reading import found_then, listing, project_of, run_named
from api.cli.run.asking import Run
from api.cli.run.budget import budget_words
from api.cli.run.drawing import arranged, drawn, phase_words
from api.cli.tables import Column, Grid
from api.cli.terminal import Terminal
from api.cli.words import age, moment, short, snake_row
from signalbox.client.fields import Fields, integer, objects, texts

_STATUSES: Final = "queued, running, paused, cancelling, compensating, succeeded, failed, cancelled"
COLUMNS: Final = (
    Column("ID", "short"),
    Column("PIPELINE", "pipeline"),
    Column("V", "version", right=True),
    Column("STATUS", "status"),
    Column("PHASES", "phases", right=True),
    Column("CHANGED", "age", right=True),
    Column("WHY", "why", wide=True),
)
PHASE_COLUMNS: Final = (
    Column("PHASE", "place", path=True),
    Column("KIND", "kind"),
    Column("STATUS", "state"),
    Column("GEN", "generation", right=True, spare=True),
    Column("TASK", "task"),
    Column("CHANGED", "age", right=True),
    Column("WHY", "why", wide=True),
)


def list_runs(
    terminal: Terminal,
    project: Project = None,
    *,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help=f"One of {_STATUSES}; repeatable.")] = None,
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="Only of this pipeline.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Runs, the youngest first."""
    asked = statuses(status, _STATUSES)
    chosen = project_of(terminal.client, project)
    where = {"project": chosen, "status": asked, "pipeline": pipeline}
    found = listing(terminal.client, RUNS, {"where": where, "at": at}, limit)
    terminal.table("runs", [_row(row) for row in found.rows], COLUMNS, "no runs")
    if found.more:
        terminal.note(f"there are more than {limit}; ask with a larger --limit")


def show(terminal: Terminal, run: Run, project: Project = None, at: At = None) -> None:
    """One run with its phases."""
    row = _found(terminal, run, project, at)
    terminal.show(document(row), *details(row))
    if not terminal.as_json:
        phases = [_phase_row(one) for one in arranged(objects(row, "phases"))]
        terminal.console().print(Grid(phases, PHASE_COLUMNS))


def graph(terminal: Terminal, run: Run, project: Project = None, at: At = None) -> None:
    """The phases of a run as a graph of text, with how each stands."""
    row = _found(terminal, run, project, at)
    phases = objects(row, "phases")
    terminal.show({"run": row.get("id"), "phases": [_phase_row(one) for one in phases]}, *drawn(arranged(phases)))


def document(row: Fields) -> dict[str, object]:
    """A run with its phases, for programs."""
    return {**_lowered(row), "phases": [_phase_row(one) for one in objects(row, "phases")]}


def _found(terminal: Terminal, run: str, project: str | None, at: str | None) -> Fields:
    client = terminal.client
    identifier = run_named(client, project_of(client, project), run)
    return found_then(client, RUN, {"id": identifier, "at": at}, "run", run)


def _row(row: Fields) -> dict[str, object]:
    return {
        **_lowered(row),
        "short": short(row.get("id")),
        "phases": f"{row.get('phasesSettled')}/{row.get('phasesTotal')}",
        "age": age(row.get("changedAt")),
        "why": _why(row),
    }


def _why(row: Fields) -> str:
    parked = texts(row, "parked")
    return f"{', '.join(parked)} parked" if parked else str(row.get("reason") or "")


def _phase_row(row: Fields) -> dict[str, object]:
    return {
        **_lowered(row),
        "state": phase_words(row),
        "task": short(row.get("taskId") or row.get("childId")),
        "age": age(row.get("changedAt")),
        "why": row.get("reason") or row.get("summary") or "",
    }


def details(row: Fields) -> list[str]:
    """What there is to say of the run as a whole."""
    lines = [
        f"run       {row.get('id')}",
        f"pipeline  {row.get('pipeline')}, version {row.get('version')}",
        f"status    {str(row.get('status')).lower()}, revision {row.get('revision')}",
        f"phases    {row.get('phasesSettled')} of {row.get('phasesTotal')} settled",
        f"queued    {moment(row.get('queuedAt'))} by {row.get('startedBy')}",
    ]
    if row.get("settledAt") is not None:
        lines.append(f"settled   {moment(row.get('settledAt'))}")
    lines += [f"{name:<10}{said}" for name, said in _beside(row) if said]
    if _why(row):
        lines.append(f"why       {_why(row)}")
    because = texts(row, "because")
    if because:
        lines.append(f"because   {', '.join(because)}")
    for one in objects(row, "annotations"):
        where = f"{one.get('place')}: " if one.get("place") else ""
        lines.append(f"remark    {moment(one.get('at'))} {where}{one.get('text')} ({one.get('by')})")
    more = integer(row, "annotationsTotal") - len(objects(row, "annotations"))
    lines += [f"          and {more} before; see `signalbox run events`"] if more > 0 else []
    return lines


def _beside(row: Fields) -> list[tuple[str, str]]:
    """Other runs that it has to do with, and what came of it; empty where there is nothing to say."""
    parent, outputs, key = row.get("parentId"), row.get("outputs"), row.get("concurrencyKey")
    return [
        ("budget", budget_words(row)),
        ("turn", f"{row.get('concurrencyLimit')} at a time of {key}" if key else ""),
        ("parent", f"{parent}, phase {row.get('parentPlace')}" if parent else ""),
        ("forked", str(row.get("forkedFromId") or "")),
        ("takes back", f" {row.get('rollsBackId')}" if row.get("rollsBackId") else ""),
        ("back by", str(row.get("rolledBackById") or "")),
        ("outputs", json.dumps(outputs, ensure_ascii=False) if outputs else ""),
        ("untold", "; ".join(texts(row, "untold"))),
    ]


def _lowered(row: Fields) -> dict[str, object]:
    """As JSON shows it: names in snake_case, words in lower case."""
    return {
        name: value.lower() if name == "status" and isinstance(value, str) else value
        for name, value in snake_row(row).items()
    }
