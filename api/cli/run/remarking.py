"""What is said of a run beside steering it."""

from typing import Annotated

import typer

from api.cli.command import Project
from api.cli.run.asking import DryRun, Revision, Runs, ask_runs
from api.cli.terminal import Terminal


def annotate(
    terminal: Terminal,
    run: Runs,
    phase: Annotated[str | None, typer.Argument(metavar="[PHASE]", help="Key of a phase; else the whole.")] = None,
    *,
    text: Annotated[str, typer.Option("--message", "-m", help="What there is to say, 1,000 characters at most.")],
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Say something of a run for whoever reads it later; nothing follows from it."""
    said = {"phase": phase, "text": text, "expected_revision": expected_revision, "dry_run": dry_run}
    ask_runs(terminal, "annotate_run", run, "has the remark", project, **said)
