"""`signalbox lock pool`: setting up pools of units, and taking single ones out of service."""

from typing import Annotated

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import POOLS
from api.cli.reading import listing, project_of
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import short, snake_row
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects, texts

Pool = Annotated[str, typer.Argument(help="Name of the pool.")]
Member = Annotated[str, typer.Argument(help="Name of the member.")]
COLUMNS = (
    Column("MEMBER", "name"),
    Column("STATE", "state"),
    Column("TOKEN", "token"),
    Column("SESSION", "holder"),
    Column("TASK", "work"),
    Column("LABELS", "labels", wide=True),
)
POOL_COLUMNS = (
    Column("POOL", "name"),
    Column("UNITS", "quantity", right=True),
    Column("FREE", "free", right=True),
    Column("HELD", "taken", right=True),
    Column("QUARANTINED", "quarantined", right=True),
    Column("DRAINING", "draining", right=True, spare=True),
    Column("WAITING", "waiting", right=True),
    Column("QUOTA", "quota", right=True),
)


def register(nouns: typer.Typer) -> None:
    pools = group("Pools of units: claim them as pool:name;label=…;quantity=….")
    command(pools, "list")(list_pools)
    command(pools, "set")(set_pool)
    command(pools, "show")(show)
    command(pools, "quarantine")(quarantine)
    command(pools, "return")(give_back)
    nouns.add_typer(pools, name="pool")


def list_pools(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """The pools of a project: how many units are free, held, out of service, and waited for."""
    where = {"project": project_of(terminal.client, project)}
    rows = listing(terminal.client, POOLS, {"where": where, "at": at}, limit).rows
    terminal.table("pools", [snake_row(row) for row in rows], POOL_COLUMNS, "no pools")


def set_pool(
    terminal: Terminal,
    pool: Pool,
    count: Annotated[int | None, typer.Option("--count", min=0, max=256, help="So many units, named 1 to n.")] = None,
    member: Annotated[list[str] | None, typer.Option("--member", help="A member: name or name=label,label.")] = None,
    quota: Annotated[int | None, typer.Option("--quota", min=1, help="Units that one owner may hold.")] = None,
    project: Project = None,
) -> None:
    """Define a pool. What is left out of a smaller one is given to nobody again; nothing is taken away."""
    members = [
        {"name": name, "labels": _labels(rest)} for name, _, rest in (one.partition("=") for one in member or ())
    ]
    _told(terminal, "set_pool", project, pool, count=count, members=members, quota=quota)


def show(terminal: Terminal, pool: Pool, project: Project = None, at: At = None) -> None:
    """A pool with its units: which are free, and who has the others."""
    chosen = project_of(terminal.client, project)
    asked = {"where": {"project": chosen, "name": pool}, "at": at}
    rows = listing(terminal.client, POOLS, asked, 1).rows
    if not rows:
        raise Refused(
            "pool_unknown",
            f"There {'is' if at is None else 'was'} no pool {pool} in the project.",
            "See `signalbox lock pool list`.",
        )
    found = snake_row(rows[0])
    if terminal.as_json:
        terminal.show(found)
        return
    units = f"{found['free']} of {found['quantity']} units free, {found['waiting']} requests wait"
    terminal.show(found, f"{pool}: {units} for {found['waiting_units']}")
    terminal.table("members", [_shown(row) for row in objects(found, "members")], COLUMNS, "no members")


def quarantine(
    terminal: Terminal,
    pool: Pool,
    member: Member,
    reason: Annotated[str, typer.Option("--reason", help="Stays on record.")],
    project: Project = None,
) -> None:
    """Give a member to nobody until a person returns it."""
    _told(terminal, "quarantine_member", project, pool, member=member, reason=reason)


def give_back(terminal: Terminal, pool: Pool, member: Member, project: Project = None) -> None:
    """Give a member out again."""
    _told(terminal, "return_member", project, pool, member=member)


def _labels(text: str) -> list[str]:
    return [label for label in text.split(",") if label]


def _told(terminal: Terminal, name: str, project: str | None, pool: str, **more: object) -> None:
    chosen = project_of(terminal.client, project)
    answer = terminal.client.command(name, project=chosen, pool=pool, **more).answer
    terminal.table("members", [_shown(row) for row in objects(answer, "members")], COLUMNS, "no members")


def _shown(row: Fields) -> dict[str, object]:
    holder, work = short(row.get("session_id")), short(row.get("task_id"))
    return {**row, "labels": ", ".join(texts(row, "labels")), "holder": holder, "work": work}
