"""`signalbox project`: the tenants of the server."""

import json
from typing import Annotated, Literal

import typer

from api.cli import project_limits
from api.cli.command import At, command, group
from api.cli.queries import PROJECT, PROJECTS
from api.cli.reading import listing, single
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import moment, short, snake_row
from signalbox.client.errors import Refused
from signalbox.client.fields import optional_object, texts

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.")]
COLUMNS = (
    Column("ID", "short"),
    Column("NAME", "name"),
    Column("FROZEN", "frozen"),
    Column("LOCK DELAY", "delay", right=True),
    Column("CREATED", "created"),
)


def register(app: typer.Typer) -> None:
    nouns = group("Projects: list, create, change settings, grant, freeze.")
    command(nouns, "set")(set_project)
    command(nouns, "grant")(grant)
    command(nouns, "revoke")(revoke)
    command(nouns, "list")(list_projects)
    command(nouns, "show")(show)
    command(nouns, "create")(create)
    command(nouns, "template")(template)
    command(nouns, "freeze")(freeze)
    command(nouns, "unfreeze")(unfreeze)
    command(nouns, "pause")(freeze)
    command(nouns, "resume")(unfreeze)
    command(nouns, "limits")(project_limits.limits)
    command(nouns, "budget")(project_limits.budget)
    app.add_typer(nouns, name="project")


def list_projects(terminal: Terminal, at: At = None) -> None:
    """Projects that the key may see."""
    rows = [
        {
            **row,
            "short": short(row.get("id")),
            "delay": f"{row.get('lockDelaySeconds')}s",
            "created": moment(row.get("createdAt")),
        }
        for row in listing(terminal.client, PROJECTS, {"at": at}, 1_000).rows
    ]
    terminal.table("projects", rows, COLUMNS, "no projects")


def show(terminal: Terminal, project: Name, at: At = None) -> None:
    """A project with all its settings, and whose tasks may need its own."""
    found = optional_object(single(terminal.client, PROJECT, {"name": project, "at": at}), "project")
    if not found:
        there = "is no project {} here" if at is None else "was no project {} then"
        raise Refused("unknown_thing", f"There {there.format(project)}.", "See `signalbox project list`.")
    settings = optional_object(found, "settings")
    state = f"frozen: {found.get('frozenReason') or 'no reason was given'}" if found.get("frozen") else "at work"
    lines = [f"{name:<20} {json.dumps(value)}" for name, value in sorted(settings.items())]
    lines += [f"{'lock_delay_seconds':<20} {found.get('lockDelaySeconds')}"]
    lines += [f"{'needs_granted':<20} {' '.join(texts(found, 'needsGranted')) or 'none'}"]
    told = snake_row({**found, "settings": None}) | {"settings": settings}
    terminal.show(told, f"{found.get('name')} ({found.get('id')}) is {state}", *lines)


def create(
    terminal: Terminal,
    name: Annotated[str, typer.Argument(help="1-63 of a-z, 0-9 and hyphen; taken for ever.")],
    lock_delay: Annotated[
        int | None,
        typer.Option("--lock-delay", min=0, max=600, help="Seconds that a lost session's paths stay shut; else 30."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Project, or template file (.yaml, .json), that it is made like.")
    ] = None,
) -> None:
    """Make a project; doing it again changes nothing."""
    if source is not None:
        _create_like(terminal, name, source, lock_delay)
        return
    seconds = 30 if lock_delay is None else lock_delay
    answer = terminal.client.command("create_project", name=name, lock_delay_seconds=seconds).answer
    state = "created" if answer.get("created") else "was there already"
    terminal.show(answer, f"project {name} {state}")


def _create_like(terminal: Terminal, name: str, source: str, lock_delay: int | None) -> None:
    from api.cli.project_template import make, template_of

    template = template_of(terminal.client, source)
    if lock_delay is not None:
        template = template.model_copy(update={"lock_delay_seconds": lock_delay})
    keys = make(terminal.client, name, template)
    told = {"project": name, "from": source, "pools": [one.name for one in template.pools], "keys": keys}
    secrets = [f"key {one.get('name')} ({one.get('role')}), shown this once: {one.get('secret')}" for one in keys]
    terminal.show(told, f"project {name} is set up like {source}, with {len(template.pools)} pools", *secrets)


def template(terminal: Terminal, project: Name) -> None:
    """Print what a project is set up with, as a template to be edited and used by `create --from`."""
    from api.cli.project_template import template_of

    found = template_of(terminal.client, project).model_dump(mode="json", exclude_defaults=True)
    terminal.show(found, json.dumps(found, ensure_ascii=False, indent=2))


def freeze(
    terminal: Terminal,
    project: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody sees it.")] = "",
) -> None:
    """Hand out nothing new; what is under way may end."""
    answer = terminal.client.command("freeze_project", project=project, reason=reason)
    terminal.show({"project": project, "frozen": True, "position": answer.position}, f"{project} is frozen")


def unfreeze(terminal: Terminal, project: Name) -> None:
    """Hand out work again."""
    answer = terminal.client.command("unfreeze_project", project=project)
    terminal.show({"project": project, "frozen": False, "position": answer.position}, f"{project} is at work again")


def set_project(
    terminal: Terminal,
    project: Name,
    *,
    running_max: Annotated[int | None, typer.Option("--running-max", min=0, help="Attempts at a time; 0: any.")] = None,
    weight: Annotated[int | None, typer.Option("--weight", min=1, max=1_000, help="Share of common sessions.")] = None,
    strategy: Annotated[
        Literal["priority", "optimal", "auction"] | None,
        typer.Option("--strategy", help="Who gives out work, and how."),
    ] = None,
    window: Annotated[
        int | None, typer.Option("--window", min=50, max=10_000, help="Milliseconds that both are gathered for.")
    ] = None,
    autopilot: Annotated[
        Literal["observe", "fix_forward", "auto_staging", "auto_prod"] | None,
        typer.Option("--autopilot", help="Which gates may settle without a person."),
    ] = None,
    protect: Annotated[list[str] | None, typer.Option("--protect", help="Protected branch; repeatable.")] = None,
    repository: Annotated[
        list[str] | None,
        typer.Option("--repository", help="NAME, or NAME:ignores-case; repeatable, in place of all that were set."),
    ] = None,
    soft_tokens: Annotated[int | None, typer.Option("--soft-tokens", min=1, help="Beyond, a person is told.")] = None,
    hard_tokens: Annotated[
        int | None, typer.Option("--hard-tokens", min=1, help="Beyond, nothing is given out.")
    ] = None,
    soft_cost: Annotated[int | None, typer.Option("--soft-cost", min=1, help="The same in micro-dollars.")] = None,
    hard_cost: Annotated[int | None, typer.Option("--hard-cost", min=1, help="The same in micro-dollars.")] = None,
) -> None:
    """Change settings; what is not named stays as it is, but a budget is set with both of its units."""
    said: dict[str, object] = {
        "running_max": running_max,
        "weight": weight,
        "strategy": strategy,
        "window_milliseconds": window,
        "autopilot": autopilot,
        "protected_branches": protect,
        "repositories": None if not repository else [_repository(one) for one in repository],
        "budget_soft": _budget(soft_tokens, soft_cost),
        "budget_hard": _budget(hard_tokens, hard_cost),
    }
    changed = {name: value for name, value in said.items() if value is not None}
    answer = terminal.client.command("update_project", project=project, **changed)
    told = {"project": project, "set": sorted(changed), "position": answer.position}
    terminal.show(told, f"{project}: {', '.join(sorted(changed)) or 'nothing'} set")


def _repository(text: str) -> dict[str, object]:
    name, _, rule = text.partition(":")
    if rule not in ("", "ignores-case"):
        raise typer.BadParameter(f"{text}: write NAME or NAME:ignores-case", param_hint="--repository")
    return {"name": name, "ignores_case": bool(rule)}


def _budget(tokens: int | None, cost: int | None) -> dict[str, int | None] | None:
    return None if tokens is None and cost is None else {"tokens": tokens, "cost_microdollars": cost}


def grant(
    terminal: Terminal,
    project: Name,
    to: Annotated[str, typer.Option("--needs-to", help="Project whose tasks may need tasks of this one.")],
) -> None:
    """Let tasks of another project need tasks of this one."""
    answer = terminal.client.command("grant_needs", project=project, to=to)
    told = {"project": project, "to": to, "position": answer.position}
    terminal.show(told, f"tasks of {to} may need tasks of {project}")


def revoke(
    terminal: Terminal,
    project: Name,
    to: Annotated[str, typer.Option("--needs-to", help="Project whose tasks may no longer need tasks of this one.")],
) -> None:
    """Let no further tasks of another project need tasks of this one; needs that exist stay.

    Its runs hear no further fact of runs of this one.
    """
    answer = terminal.client.command("revoke_needs", project=project, to=to)
    told = {"project": project, "to": to, "position": answer.position}
    terminal.show(told, f"no further tasks of {to} may need tasks of {project}")
