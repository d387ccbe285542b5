"""`signalbox import`: other trackers' exports become a plan; each is shown before anything is made of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import plan_commands
from api.cli.command import Project, command, group
from api.cli.files import file_bytes
from api.cli.imports.drafts import list_of
from api.cli.plan_words import difference_totals
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import count
from signalbox.client.errors import Refused, ServerUnavailable

if TYPE_CHECKING:
    from api.cli.imports.drafts import Imported
    from api.plan.read import Plan
    from signalbox.client.fields import Fields

File = Annotated[Path, typer.Argument(metavar="FILE", help="What was exported.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Make the tasks; else only say what would be made.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the plan there as JSON, to be edited and applied.")
]
COLUMNS: Final = (
    Column("KEY", "key"),
    Column("PRIORITY", "priority", right=True),
    Column("NEEDS", "needs", wide=True),
    Column("PART OF", "parent"),
    Column("LOCKS", "scope", wide=True),
    Column("TITLE", "title", wide=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Import tasks of other trackers, shown before they are made.")
    command(nouns, "beads")(beads)
    command(nouns, "taskmaster")(taskmaster)
    command(nouns, "github")(github)
    command(nouns, "queue")(queue)
    app.add_typer(nouns, name="import")


def beads(terminal: Terminal, file: File, yes: Yes = False, output: Output = None, project: Project = None) -> None:
    """Issues of Beads, as `bd export` writes them."""
    from api.cli.imports.beads import read_beads

    _finish(terminal, read_beads(file_bytes(file)), project, output, yes=yes)


def taskmaster(
    terminal: Terminal,
    file: File,
    tag: Annotated[str | None, typer.Option("--tag", help="Which list of tasks; else master, or the only one.")] = None,
    yes: Yes = False,
    output: Output = None,
    project: Project = None,
) -> None:
    """Tasks and subtasks of Task Master, from its tasks.json."""
    from api.cli.imports.taskmaster import read_taskmaster

    _finish(terminal, read_taskmaster(file_bytes(file), tag), project, output, yes=yes)


def github(terminal: Terminal, file: File, yes: Yes = False, output: Output = None, project: Project = None) -> None:
    """Issues of GitHub: `gh issue list --limit 1000 --json number,title,body,state,labels,url`."""
    from api.cli.imports.github import read_github

    _finish(terminal, read_github(file_bytes(file)), project, output, yes=yes)


def queue(
    terminal: Terminal,
    file: File,
    *,
    sessions: Annotated[
        Path | None, typer.Option("--sessions", help="JSON of the active sessions with their files and branches.")
    ] = None,
    repository: Annotated[str | None, typer.Option("--repository", help="What scopes call the code.")] = None,
    root: Annotated[Path, typer.Option("--root", help="Folder of the repository that files are in.")] = Path(),
    with_failed: Annotated[bool, typer.Option("--with-failed", help="Failed prompts, too.")] = False,
    low_first: Annotated[bool, typer.Option("--low-first", help="The smaller number is the more urgent.")] = False,
    yes: Yes = False,
    output: Output = None,
    project: Project = None,
) -> None:
    """Prompts of a queue of one's own, as JSON: id, text, priority, status, retries, target session."""
    from api.cli.imports.home_grown import Choices, read_home_grown

    place = root.resolve()
    choices = Choices(repository or place.name, str(place), with_failed=with_failed, low_first=low_first)
    known = None if sessions is None else file_bytes(sessions)
    _finish(terminal, read_home_grown(file_bytes(file), known, choices), project, output, yes=yes)


def _finish(terminal: Terminal, imported: "Imported", project: str | None, output: Path | None, *, yes: bool) -> None:
    """Show what it comes to; write it down, or make it, where that was asked for."""
    if project is None:
        raise Refused("no_project", "nobody says into which project", "Name it with --project; it is made if absent.")
    if not imported.tasks:
        terminal.show(_told(imported, project, applied=False), "there is nothing to do in it", *_words(imported))
        return
    text = json.dumps({"project": project, "tasks": imported.tasks}, ensure_ascii=False, indent=1)
    plan = plan_commands.sound(text.encode(), "import.json")
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    if not terminal.as_json:
        terminal.table("tasks", [_row(task) for task in imported.tasks], COLUMNS, "")
    if yes:
        told = plan_commands.applied(terminal, plan)
        ending = [plan_commands.applied_words(told)]
    else:
        ending = [*_difference_words(terminal, plan), "nothing was made; --yes makes it"]
    terminal.show(_told(imported, project, applied=yes), *_words(imported), *ending)


def _difference_words(terminal: Terminal, plan: "Plan") -> list[str]:
    """How it stands with what the project has; a server is not needed to look at an export."""
    try:
        return difference_totals(plan_commands.differences(terminal, plan))
    except ServerUnavailable as absent:
        return [f"not compared with a server: {absent.message}"]


def _words(imported: "Imported") -> list[str]:
    lines = [f"note: {note}" for note in imported.notes]
    lines += [f"left out: {total} {why}" for why, total in sorted(imported.left_out.items())]
    return [*lines, f"{count(len(imported.tasks), 'task')} in all"]


def _told(imported: "Imported", project: str, *, applied: bool) -> dict[str, object]:
    return {
        "project": project,
        "tasks": list(imported.tasks),
        "left_out": dict(imported.left_out),
        "notes": list(imported.notes),
        "applied": applied,
    }


def _row(task: "Fields") -> dict[str, object]:
    joined = {name: " ".join(str(one) for one in list_of(task.get(name), name)) for name in ("needs", "scope")}
    return {**task, **joined}
