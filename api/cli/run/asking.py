"""What is asked of runs: begin, pause, go on, end, and settle a phase by hand."""

from typing import Annotated

import typer

from api.cli.command import Project
from api.cli.reading import project_of, run_named
from api.cli.terminal import Terminal

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id, or the last 4 or more characters of it.")]
Phase = Annotated[str, typer.Argument(metavar="PHASE", help="Key of a phase.")]
Revision = Annotated[
    int | None,
    typer.Option("--expected-revision", min=1, help="Refuse where the run is at another one; `run show` tells it."),
]


def pause(
    terminal: Terminal,
    run: Run,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Begin nothing new; what is under way may end and is recorded."""
    _ask(terminal, "pause_run", run, "is paused", project, reason=reason, expected_revision=expected_revision)


def resume(terminal: Terminal, run: Run, expected_revision: Revision = None, project: Project = None) -> None:
    """Go on where it was."""
    _ask(terminal, "resume_run", run, "goes on", project, expected_revision=expected_revision)


def cancel(
    terminal: Terminal,
    run: Run,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why it is not wanted any more.")] = "",
    grace: Annotated[
        int, typer.Option("--grace", min=0, max=3_600, help="Seconds for whoever works for it; 0 ends that at once.")
    ] = 30,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Settle a run as cancelled; whoever works for it is told, and loses the work after the grace."""
    said = {"reason": reason, "grace_seconds": grace, "expected_revision": expected_revision}
    _ask(terminal, "cancel_run", run, "is cancelled", project, **said)


def skip(
    terminal: Terminal,
    run: Run,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    *,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Settle a phase that has not begun, or that is parked, as skipped."""
    said = {"phase": phase, "reason": reason, "expected_revision": expected_revision}
    _ask(terminal, "skip_phase", run, f"goes on without {phase}", project, **said)


def resolve(
    terminal: Terminal,
    run: Run,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="What was done by hand.")],
    *,
    output: Annotated[str, typer.Option("--output", help="JSON: what came of it.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="It has failed; else it has succeeded.")] = False,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Settle a parked phase by hand."""
    said = {"phase": phase, "reason": reason, "output": output, "expected_revision": expected_revision}
    outcome = "failed" if failed else "succeeded"
    _ask(terminal, "resolve_phase", run, f"takes {phase} as {outcome}", project, outcome=outcome, **said)


def _ask(terminal: Terminal, name: str, run: str, done: str, project: str | None, **said: object) -> None:
    chosen = project_of(terminal.client, project)
    identifier = run_named(terminal.client, chosen, run)
    answer = terminal.client.command(name, project=chosen, run=identifier, **said)
    terminal.show({"run": identifier, "position": answer.position}, f"{identifier} {done}")
