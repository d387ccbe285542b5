"""`signalbox plan`: check a plan file, show what it would change, apply it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.command import SERVER, command, group
from api.cli.exits import Exit
from api.cli.files import file_bytes
from api.cli.plan_words import difference_words, figures_of, words_of
from api.cli.terminal import Terminal
from api.cli.words import count
from signalbox.client.errors import Refused
from signalbox.client.fields import integer, objects, optional_object, texts

if TYPE_CHECKING:
    from api.plan.differences import PlanDifferences
    from api.plan.read import Plan
    from signalbox.client.fields import Fields

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="YAML, or JSON where the name ends in .json; - is standard input.")
]


def register(app: typer.Typer) -> None:
    nouns = group("Plans: check, diff, apply, schema.")
    command(nouns, "check", without=(*SERVER, "data_folder"))(check)
    command(nouns, "diff")(diff)
    command(nouns, "apply")(apply)
    command(nouns, "schema", without=(*SERVER, "data_folder"))(schema)
    app.add_typer(nouns, name="plan")


def check(
    terminal: Terminal,
    file: File,
    workers: Annotated[int, typer.Option("--workers", min=1, help="For the bound of the makespan.")] = 8,
    ignores_case: Annotated[
        list[str] | None,
        typer.Option("--ignores-case", metavar="REPOSITORY", help="Its paths are compared so; repeatable."),
    ] = None,
) -> None:
    """Look for mistakes, and say how fast the plan can go; needs no server."""
    from api.plan.analysis import analyse

    plan = read(file)
    analysis = analyse(plan.command.tasks, ignoring_case=frozenset(ignores_case or ()))
    terminal.show(figures_of(plan, analysis, workers), *words_of(plan, analysis, workers))


def diff(terminal: Terminal, file: File) -> None:
    """What applying the plan would change on the server; exit code 1 where the server would refuse it."""
    plan = read(file)
    found = differences(terminal, plan)
    told = {
        "added": list(found.added),
        "unchanged": list(found.unchanged),
        "changed": [{"key": task.key, "fields": [asdict(one) for one in task.fields]} for task in found.changed],
        "only_on_server": list(found.only_on_server),
    }
    terminal.show(told, *difference_words(found))
    if found.changed:
        # What apply would be refused for; said above, in data and in words.
        raise typer.Exit(Exit.REFUSED)


def apply(terminal: Terminal, file: File) -> None:
    """Create the tasks of the plan, all or none, and the project where it is absent; again changes nothing."""
    told = applied(terminal, read(file))
    terminal.show(told, applied_words(told))


def applied_words(told: "Fields") -> str:
    """What came of a plan that was applied."""
    created, unchanged = integer(told, "created"), integer(told, "unchanged")
    return f"{told['project']}: {count(created, 'task')} created, {unchanged} unchanged"


def applied(terminal: Terminal, plan: "Plan") -> dict[str, object]:
    """Apply a plan, to a project that is made where it is absent; what came of it. Raises Refused with a line."""
    from signalbox.client.asks import command as ask_command

    project = plan.command.project
    if not project.startswith("proj_"):
        _ensure_project(terminal, project)
    try:
        accepted = terminal.client.ask(ask_command("apply_plan", plan.command.model_dump(mode="json")))
    except Refused as refused:
        raise _placed(refused, plan) from None
    return {**accepted.answer, "project": project, "position": accepted.position}


def schema(terminal: Terminal) -> None:
    """The JSON Schema of a plan file, for editors."""
    from api.plan.model import plan_schema

    if terminal.as_json:
        terminal.show(plan_schema())
    else:
        print(json.dumps(plan_schema(), indent=2))


def read(file: Path) -> "Plan":
    """The plan of a file. Raises Refused with every fault and its line."""
    return sound(file_bytes(file), "<stdin>" if str(file) == "-" else str(file))


def sound(content: bytes, source: str) -> "Plan":
    """The plan of a text. Raises Refused with every fault and its line."""
    from api.plan.read import read_plan_bytes

    plan = read_plan_bytes(content, source)
    if not isinstance(plan, tuple):
        return plan
    raise Refused(
        "plan_faulty",
        "\n".join(str(fault) for fault in plan),
        f"Mend {count(len(plan), 'fault')}; nothing was applied.",
        {"faults": [asdict(fault) for fault in plan]},
    )


def _ensure_project(terminal: Terminal, project: str) -> None:
    """Create it where it is absent; one that exists is used as it is, whatever its settings."""
    from api.cli.queries import PROJECT
    from api.cli.reading import single

    if single(terminal.client, PROJECT, {"name": project}).get("project") is None:
        terminal.client.command("create_project", name=project)
        terminal.note(f"project {project} created")


def _placed(refused: Refused, plan: "Plan") -> Refused:
    """The server's refusal with the line of the file that it is about."""
    task, need = refused.data.get("task"), refused.data.get("need")
    if not isinstance(task, str):
        return refused
    field = refused.data.get("field")
    place = plan.lines.of(task, field if isinstance(field, str) else None, need if isinstance(need, str) else None)
    data = {**refused.data, "file": plan.source, "line": place.line, "column": place.column}
    lines = [f"{plan.source}:{place.line}: {refused.message}"]
    for one in objects(refused.data, "differences") if "differences" in refused.data else ():
        key = str(one.get("task"))
        names = ", ".join(texts(one, "fields"))
        lines.append(f"  {plan.source}:{plan.lines.of(key).line}: {key}: {names}")
    return Refused(refused.code, "\n".join(lines), refused.next, data, refused.kind)


def differences(terminal: Terminal, plan: "Plan") -> "PlanDifferences":
    """What applying the plan would change on the server."""
    from api.cli.queries import PLANNED, PROJECT, PROJECTS
    from api.cli.reading import ROWS_MAX, listing, single
    from api.plan.differences import differences_of

    if single(terminal.client, PROJECT, {"name": plan.command.project}).get("project") is None:
        return differences_of((), plan.command.tasks)
    rows = listing(terminal.client, PLANNED, {"project": plan.command.project}, ROWS_MAX)
    if rows.more:
        raise Refused(
            "too_many_tasks", f"the project has more than {ROWS_MAX} tasks", "Apply the plan; it refuses what differs."
        )
    projects = {str(row.get("id")): str(row.get("name")) for row in listing(terminal.client, PROJECTS, {}, 1_000).rows}
    return differences_of([optional_object(row, "event") for row in rows.rows], plan.command.tasks, projects)
