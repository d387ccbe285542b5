"""`signalbox run migrate`: a paused run goes on by another version of its pipeline."""

from typing import Annotated, Final

import typer

from api.cli.command import Project
from api.cli.run.asking import Revision, Runs
from api.cli.run.bulk import Done, for_each
from api.cli.terminal import Terminal
from signalbox.client.fields import Fields, texts

_LISTS: Final = (
    ("kept", "kept"),
    ("moved", "moved"),
    ("anew", "anew"),
    ("new", "new"),
    ("skipped", "skipped"),
    ("gone", "gone"),
    ("dropped", "dropped"),
    ("drift", "drifted"),
    ("refused", "refused"),
)
"""Word and field of what is told."""


def migrate(
    terminal: Terminal,
    run: Runs,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    version: Annotated[
        int | None, typer.Option("--to", min=1, help="Version of its pipeline; else the latest that is published.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="OLD=NEW: a settled phase that has another key there; repeatable."),
    ] = None,
    accept_drift: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-drift", help="PHASE=WHY: a settled phase counts although it is another there; repeatable."
        ),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option("--skip", help="A phase that is skipped, as new ones before settled ones have to be; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what becomes of each phase.")] = False,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Go on by another version: what has settled stays, and can be taken back. The run has to be paused."""
    names, drifts = _pairs(mapping, "--map"), _pairs(accept_drift, "--accept-drift")

    def ask(chosen: str, identifier: str) -> Done:
        answer = terminal.client.command(
            "migrate_run",
            project=chosen,
            run=identifier,
            version=version,
            reason=reason,
            mapping=[{"before": old, "after": new} for old, new in names],
            accept_drift=[{"phase": phase, "reason": why} for phase, why in drifts],
            skip=skip or [],
            dry_run=dry_run,
            expected_revision=expected_revision,
        )
        told = answer.answer
        return {**told, "run": identifier, "position": answer.position}, _lines(told)

    for_each(terminal, run, project, ask)


def _pairs(said: list[str] | None, option: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in said or []:
        before, equals, after = one.partition("=")
        if not (before and equals and after):
            raise typer.BadParameter(f"{one} is not NAME=VALUE", param_hint=option)
        found.append((before, after))
    return found


def _lines(told: Fields) -> list[str]:
    lines = [f"version  {told.get('version')}"]
    for word, name in _LISTS:
        found = texts(told, name)
        lines += [f"{word:8} {one}" for one in found] if word in ("drift", "refused") else []
        lines += [f"{word:8} {', '.join(found)}"] if found and word not in ("drift", "refused") else []
    return lines
