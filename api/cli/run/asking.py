"""What is asked of runs that are there: pause, go on, end, and settle a phase by hand."""

import json
from typing import Annotated

import typer

from api.cli.command import Project
from api.cli.run.bulk import Done, for_each
from api.cli.run.starting import INPUT_HELP, inputs_of
from api.cli.terminal import Terminal
from signalbox.client.fields import texts

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id, or the last 4 or more characters of it.")]
Runs = Annotated[
    str, typer.Argument(metavar="RUN", help="Id, or its last 4 or more characters; - for those on standard input.")
]
Phase = Annotated[str, typer.Argument(metavar="PHASE", help="Key of a phase.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen, or why it would be refused.")]
Revision = Annotated[
    int | None,
    typer.Option("--expected-revision", min=1, help="Refuse where the run is at another one; `run show` tells it."),
]


def pause(
    terminal: Terminal,
    run: Runs,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Begin nothing new; what is under way may end and is recorded."""
    ask_runs(
        terminal,
        "pause_run",
        run,
        "is paused",
        project,
        reason=reason,
        expected_revision=expected_revision,
        dry_run=dry_run,
    )


def resume(
    terminal: Terminal,
    run: Runs,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Go on where it was."""
    ask_runs(terminal, "resume_run", run, "goes on", project, expected_revision=expected_revision, dry_run=dry_run)


def cancel(
    terminal: Terminal,
    run: Runs,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why it is not wanted any more.")] = "",
    grace: Annotated[
        int, typer.Option("--grace", min=0, max=3_600, help="Seconds for whoever works for it; 0 ends that at once.")
    ] = 30,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Settle a run as cancelled; whoever works for it is told, and loses the work after the grace."""
    said = {"reason": reason, "grace_seconds": grace, "expected_revision": expected_revision, "dry_run": dry_run}
    ask_runs(terminal, "cancel_run", run, "is cancelled", project, **said)


def skip(
    terminal: Terminal,
    run: Runs,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    *,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Settle a phase that has not begun, or that is parked, as skipped."""
    said = {"phase": phase, "reason": reason, "expected_revision": expected_revision, "dry_run": dry_run}
    ask_runs(terminal, "skip_phase", run, f"goes on without {phase}", project, **said)


def resolve(
    terminal: Terminal,
    run: Runs,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="What was done by hand.")],
    *,
    output: Annotated[str, typer.Option("--output", help="JSON: what came of it.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="It has failed; else it has succeeded.")] = False,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Settle a parked phase by hand."""
    said = {
        "phase": phase,
        "reason": reason,
        "output": output,
        "expected_revision": expected_revision,
        "dry_run": dry_run,
    }
    outcome = "failed" if failed else "succeeded"
    ask_runs(terminal, "resolve_phase", run, f"takes {phase} as {outcome}", project, outcome=outcome, **said)


def ask_runs(terminal: Terminal, verb: str, run: str, done: str, project: str | None, **said: object) -> None:
    """Ask it of the run, or of each that standard input names."""

    def ask(chosen: str, identifier: str) -> Done:
        answer = terminal.client.command(verb, project=chosen, run=identifier, **said)
        told = {**answer.answer, "run": identifier, "position": answer.position}
        if said.get("dry_run"):
            return told, [f"{identifier} would have:", *(f"    {one}" for one in texts(answer.answer, "would"))]
        return told, [f"{identifier} {done}"]

    for_each(terminal, run, project, ask)


def signal(
    terminal: Terminal,
    run: Runs,
    name: Annotated[str, typer.Argument(metavar="SIGNAL", help="Name of the signal.")],
    content: Annotated[list[str] | None, typer.Option("--input", "-i", help=INPUT_HELP)] = None,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Send the run a signal; a phase that waits for it goes on, or the first that will."""
    said = {
        "name": name,
        "content": json.dumps(inputs_of(None, content or [])),
        "expected_revision": expected_revision,
        "dry_run": dry_run,
    }
    ask_runs(terminal, "send_signal", run, f"has the signal {name}", project, **said)


def retry(
    terminal: Terminal,
    run: Runs,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Try a parked phase, or failed work, once more in the same generation."""
    said = {"phase": phase, "reason": reason, "expected_revision": expected_revision, "dry_run": dry_run}
    ask_runs(terminal, "retry_phase", run, f"tries {phase} once more", project, **said)


def rework(
    terminal: Terminal,
    run: Runs,
    phases: Annotated[list[str], typer.Argument(metavar="PHASE...", help="Keys of phases.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    accept_repeat: Annotated[
        str, typer.Option("--accept-repeat", help="Why work that may change the world may do so once more.")
    ] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take back first what they did, the latest first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done anew.")] = False,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Do phases anew, even such that succeeded, with all that took from them; the rest is kept."""

    def ask(chosen: str, identifier: str) -> Done:
        answer = terminal.client.command(
            "rework_phases",
            project=chosen,
            run=identifier,
            phases=phases,
            reason=reason,
            accept_repeat=accept_repeat,
            undo=undo,
            dry_run=dry_run,
            expected_revision=expected_revision,
        )
        told = answer.answer
        lines = [f"anew     {', '.join(texts(told, 'redone'))}", f"kept     {', '.join(texts(told, 'kept')) or '-'}"]
        lines += [f"back     {', '.join(texts(told, 'undone'))}"] if undo else []
        lines += [f"refused  {why}" for why in texts(told, "refused")]
        return {**told, "run": identifier, "position": answer.position}, lines

    for_each(terminal, run, project, ask)


def fork(
    terminal: Terminal,
    run: Runs,
    *,
    phases: Annotated[
        list[str] | None, typer.Option("--from", help="Done anew with all that took from it; repeatable.")
    ] = None,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Else the one that RUN keeps to.")] = None,
    inputs: Annotated[list[str] | None, typer.Option("--input", "-i", help=INPUT_HELP)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be taken over.")] = False,
    expected_revision: Revision = None,
    project: Project = None,
) -> None:
    """Begin a run that takes over what still holds of RUN, and does the rest anew; RUN stays as it is."""

    def ask(chosen: str, identifier: str) -> Done:
        answer = terminal.client.command(
            "fork_run",
            project=chosen,
            run=identifier,
            phases=phases or [],
            version=version,
            inputs=json.dumps(inputs_of(None, inputs)) if inputs else "",
            dry_run=dry_run,
            expected_revision=expected_revision,
        )
        told = answer.answer
        lines = [f"forked   {told.get('run') or 'nothing yet'}", f"kept     {', '.join(texts(told, 'adopted')) or '-'}"]
        lines += [f"anew     {one}" for one in texts(told, "anew")]
        return {**told, "source": identifier, "position": answer.position}, [f"source   {identifier}", *lines]

    for_each(terminal, run, project, ask)


def rollback(
    terminal: Terminal,
    run: Runs,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    *,
    grace: Annotated[
        int, typer.Option("--grace", min=0, max=3_600, help="Seconds for whoever works for it; 0 ends that at once.")
    ] = 30,
    force: Annotated[bool, typer.Option("--force", help="Also behind a point of no return.")] = False,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """End what is under way, and take back all effects, the latest first."""
    said = {
        "reason": reason,
        "grace_seconds": grace,
        "force": force,
        "expected_revision": expected_revision,
        "dry_run": dry_run,
    }
    ask_runs(terminal, "rollback_run", run, "is rolled back", project, **said)


def resolve_undo(
    terminal: Terminal,
    run: Runs,
    phase: Phase,
    reason: Annotated[str, typer.Option("--reason", help="What was done, or why it is left.")],
    *,
    done: Annotated[bool, typer.Option("--done", help="It was taken back by hand.")] = False,
    left: Annotated[bool, typer.Option("--skip", help="It is left as it is; the rollback is partial.")] = False,
    expected_revision: Revision = None,
    dry_run: DryRun = False,
    project: Project = None,
) -> None:
    """Decide about an undo that failed: try it once more, unless it is said to be done or left."""
    if done and left:
        raise typer.BadParameter("it is done or left, not both", param_hint="--done")
    how = "done" if done else "skip" if left else "retry"
    said = {"phase": phase, "how": how, "reason": reason, "expected_revision": expected_revision, "dry_run": dry_run}
    ask_runs(terminal, "resolve_undo", run, f"takes back {phase}: {how}", project, **said)
