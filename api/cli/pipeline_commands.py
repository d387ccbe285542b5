"""`signalbox pipeline`: publish, lint, draw and compare definitions of pipelines."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.command import SERVER, At, Project, command, group
from api.cli.exits import Exit
from api.cli.pipeline_reading import faulty, read_definition, read_file
from api.cli.queries import DEFINITIONS
from api.cli.reading import listing, project_of
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, count
from signalbox.client.fields import integer, text

if TYPE_CHECKING:
    from api.pipeline.differences import DefinitionDifferences

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="YAML, or JSON where the name ends in .json; - is standard input.")
]
Source = Annotated[str, typer.Argument(metavar="FILE|NAME[@VERSION]", help="A file, or what was published.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the pipeline.")]
Number = Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Number of the version.")]
COLUMNS = (
    Column("NAME", "name"),
    Column("VERSION", "version", right=True),
    Column("STATE", "state"),
    Column("PHASES", "phases", right=True),
    Column("DIGEST", "short"),
    Column("TITLE", "title", wide=True),
    Column("SINCE", "age", right=True, spare=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Pipelines: publish, lint, graph, diff, versions, and more.")
    command(nouns, "publish")(publish)
    command(nouns, "lint", without=(*SERVER, "data_folder"))(lint)
    command(nouns, "graph")(graph)
    command(nouns, "diff")(diff)
    command(nouns, "versions")(versions)
    command(nouns, "deprecate")(deprecate)
    command(nouns, "retire")(retire)
    command(nouns, "schema", without=(*SERVER, "data_folder"))(schema)
    app.add_typer(nouns, name="pipeline")


def publish(
    terminal: Terminal,
    file: File,
    project: Project = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Keep it for a look; it is started by its number only.")
    ] = False,
) -> None:
    """Give the definition the next version number of its name; the same content again is the same version."""
    from api.composition.expressions import expressions
    from api.pipeline.lint import lint as look

    found = read_file(file)
    seen = look(found, expressions())
    if seen.faults:
        raise faulty(seen.faults)
    for one in seen.warnings:
        terminal.note(str(one))
    chosen = project_of(terminal.client, project)
    definition = found.definition.model_dump(mode="json")
    accepted = terminal.client.command("publish_definition", project=chosen, definition=definition, as_draft=draft)
    version, state = integer(accepted.answer, "version"), text(accepted.answer, "state")
    told = {**accepted.answer, "project": chosen, "name": found.definition.name, "position": accepted.position}
    known = "" if accepted.answer.get("created") else ", which was there already"
    terminal.show(told, f"{chosen}/{found.definition.name} version {version} is {state}{known}")


def lint(terminal: Terminal, file: File) -> None:
    """Look for mistakes, each with its line and what mends it; needs no server. Exit code 1 where there is a fault."""
    from dataclasses import asdict

    from api.composition.expressions import expressions
    from api.pipeline.lint import lint as look

    seen = look(read_file(file), expressions())
    findings = [asdict(one) for one in seen.everything]
    words = [str(one) for one in seen.everything]
    counted = f"{file}: {count(len(seen.faults), 'fault')} and {count(len(seen.warnings), 'warning')}"
    terminal.show({"findings": findings}, *words, counted)
    if seen.faults:
        raise typer.Exit(Exit.REFUSED)


def graph(
    terminal: Terminal,
    source: Source,
    project: Project = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Draw it into a file.")] = None,
) -> None:
    """The phases in the order in which they could begin, and what each comes after; or a drawing."""
    from api.pipeline.graph_words import graph_lines
    from api.pipeline.svg import svg_of

    definition = read_definition(terminal, source, project)
    if svg is not None:
        svg.write_text(svg_of(definition), encoding="utf-8")
        terminal.show({"name": definition.name, "svg": str(svg)}, f"drawn into {svg}")
        return
    lines = graph_lines(definition)
    terminal.show({"name": definition.name, "lines": lines}, *lines)


def diff(
    terminal: Terminal,
    source: Source,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|NAME[@VERSION]]", help="What to compare with; else the latest of that name."),
    ] = None,
    project: Project = None,
) -> None:
    """What two definitions have differently, phase by phase; the second one is the older where only one is named."""
    from dataclasses import asdict

    from api.pipeline.differences import differences_of

    one = read_definition(terminal, source, project)
    before, after = (read_definition(terminal, one.name, project), one) if other is None else (one, None)
    if after is None:
        after = read_definition(terminal, str(other), project)
    found = differences_of(before, after)
    terminal.show(asdict(found), *_difference_words(found))


def _difference_words(found: "DefinitionDifferences") -> list[str]:
    lines = [f"~ {change.field}: {_json(change.before)} -> {_json(change.after)}" for change in found.whole]
    lines += [f"+ {key}" for key in found.added] + [f"- {key}" for key in found.removed]
    for phase in found.changed:
        lines.append(f"{'!' if phase.does_other else '~'} {phase.key}")
        lines += [f"    {one.field}: {_json(one.before)} -> {_json(one.after)}" for one in phase.fields]
    moved = sum(not phase.does_other for phase in found.changed)
    lines.append(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed) - moved} do something else (!), "
        f"{moved} only stand elsewhere (~), {len(found.unchanged)} unchanged"
    )
    return lines


def _json(value: object) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= 60 else f"{said[:59]}…"


def versions(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of one pipeline only.")] = None,
    project: Project = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="draft, published, deprecated, retired.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """What was published, the newest version of each first."""
    where = {"project": project_of(terminal.client, project), "name": name, "states": state or None}
    found = listing(terminal.client, DEFINITIONS, {"where": where, "at": at}, limit)
    rows = [{**row, "short": str(row.get("digest"))[7:19], "age": age(row.get("changedAt"))} for row in found.rows]
    terminal.table("versions", rows, COLUMNS, "no pipelines")


def deprecate(terminal: Terminal, name: Name, version: Number, project: Project = None) -> None:
    """Start no further runs of a version; those that there are go on."""
    _turn(terminal, "deprecate_definition", name, version, project, "is deprecated: no further runs of it")


def retire(terminal: Terminal, name: Name, version: Number, project: Project = None) -> None:
    """Put a version away for good."""
    _turn(terminal, "retire_definition", name, version, project, "is retired")


def _turn(terminal: Terminal, verb: str, name: str, version: int, project: str | None, words: str) -> None:
    chosen = project_of(terminal.client, project)
    position = terminal.client.command(verb, project=chosen, pipeline=name, version=version).position
    told = {"project": chosen, "name": name, "version": version, "position": position}
    terminal.show(told, f"{chosen}/{name} version {version} {words}")


def schema(terminal: Terminal) -> None:
    """The JSON Schema of a pipeline file, for editors."""
    from api.pipeline.forms import pipeline_schema

    if terminal.as_json:
        terminal.show(pipeline_schema())
    else:
        print(json.dumps(pipeline_schema(), indent=2))
