"""What whoever works on a task says of the attempt; inside a worker's command task and token are known."""

from typing import Annotated

import typer

from api.cli.command import Project
from api.cli.reading import project_of
from api.cli.terminal import Terminal
from signalbox.client.fields import Fields


def progress(
    terminal: Terminal,
    task: Annotated[str, typer.Argument(metavar="TASK", envvar="SIGNALBOX_TASK_ID", help="Key or id.")],
    percent: Annotated[float | None, typer.Option("--percent", min=0, max=100, help="How far it is.")] = None,
    note: Annotated[str, typer.Option("--note", help="In words.")] = "",
    checkpoint: Annotated[str | None, typer.Option("--checkpoint", help="Handed to the next attempt.")] = None,
    token: Annotated[str, typer.Option("--token", envvar="SIGNALBOX_TOKEN", help="Of the attempt.")] = "",
    project: Project = None,
) -> None:
    """Report on the attempt that one works on; inside a worker's command task and token are known."""
    if not token:
        raise typer.BadParameter("a report has to carry the attempt's token", param_hint="--token")
    fields: dict[str, object] = {"percent": percent, "note": note, "checkpoint": checkpoint}
    said = {name: value for name, value in fields.items() if value is not None}
    answer = terminal.client.command(
        "report_progress", project=project_of(terminal.client, project), task=task, token=token, **said
    )
    terminal.show({"task": task, "position": answer.position}, "reported")


def extend(
    terminal: Terminal,
    task: Annotated[str, typer.Argument(metavar="TASK", envvar="SIGNALBOX_TASK_ID", help="Key or id.")],
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="On top of the timeout, with what was before.")],
    token: Annotated[str, typer.Option("--token", envvar="SIGNALBOX_TOKEN", help="Of the attempt.")] = "",
    project: Project = None,
) -> None:
    """Ask for more time for the attempt that one works on, as far as the plan allows (`extend_max`)."""
    if not token:
        raise typer.BadParameter("a report has to carry the attempt's token", param_hint="--token")
    chosen = project_of(terminal.client, project)
    answer = terminal.client.command("extend_attempt", project=chosen, task=task, token=token, seconds=seconds)
    fields = {"task": task, **answer.answer, "position": answer.position}
    terminal.show(fields, f"{task} {extension_words(answer.answer)}")


def extension_words(answer: Fields) -> str:
    """How much time the attempt has, whether that is more than before or not."""
    if answer["until"] is None:
        return "has no timeout that could be prolonged"
    return f"has {answer['extended_seconds']:g} s on top of its timeout"
