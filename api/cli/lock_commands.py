"""`signalbox lock`: who holds what, and taking and giving back locks by hand."""

from typing import Annotated

import typer

from api.cli.command import Project, command, group
from api.cli.queries import LOCKS
from api.cli.reading import listing, project_of
from api.cli.terminal import Column, Terminal
from api.cli.words import age, claims, moment, short
from signalbox.client.fields import Fields

Session = Annotated[str, typer.Option("--session", envvar="SIGNALBOX_SESSION", help="Id of the session that holds.")]
Incarnation = Annotated[int, typer.Option("--incarnation", min=1, help="Which of its lives.")]
COLUMNS = (
    Column("TOKEN", "token"),
    Column("SESSION", "holder"),
    Column("TASK", "work"),
    Column("AGE", "age", right=True),
    Column("STATE", "state"),
    Column("CLAIMS", "resources", wide=True),
    Column("PURPOSE", "purpose"),
)


def register(app: typer.Typer) -> None:
    nouns = group("Locks: list, acquire, release.")
    command(nouns, "list")(list_locks)
    command(nouns, "acquire")(acquire)
    command(nouns, "release")(release)
    app.add_typer(nouns, name="lock")


def list_locks(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
) -> None:
    """Live locks, one row for all that one token holds."""
    chosen = project_of(terminal.client, project)
    found = listing(terminal.client, LOCKS, {"project": chosen}, limit)
    terminal.table("locks", [shown(row) for row in found.rows], COLUMNS, "no locks")


def acquire(
    terminal: Terminal,
    claim: Annotated[list[str], typer.Argument(help="Such as path:repo//src/**; all of them or none.")],
    session: Session,
    incarnation: Incarnation = 1,
    shared: Annotated[bool, typer.Option("--shared", help="Shared with others that share; else exclusive.")] = False,
    purpose: Annotated[str, typer.Option("--purpose", help="What for; others see it.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Change nothing, say what would be.")] = False,
    project: Project = None,
) -> None:
    """Take locks for a session, all or nothing; a conflict names the holder."""
    mode = "shared" if shared else "exclusive"
    answer = terminal.client.command(
        "acquire_locks",
        project=project_of(terminal.client, project),
        session=session,
        incarnation=incarnation,
        claims=[{"claim": one, "mode": mode} for one in claim],
        purpose=purpose,
        wait="preview" if preview else "none",
    ).answer
    token = answer.get("token")
    terminal.show(answer, f"{answer.get('outcome')}" + (f", token {token}" if token else ""))


def release(
    terminal: Terminal,
    token: Annotated[str, typer.Argument(help="Token under which the locks were granted.")],
    session: Session,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Give back the locks of one token that the session took by itself."""
    answer = terminal.client.command(
        "release_locks",
        project=project_of(terminal.client, project),
        session=session,
        incarnation=incarnation,
        token=token,
    )
    terminal.show({"token": token, "position": answer.position}, f"the locks of {token} are free")


def shown(row: Fields) -> dict[str, object]:
    """A row as lists show it."""
    lingers = row.get("lingersUntil")
    state = f"{row.get('lingersBecause')}, shut until {moment(lingers)}" if lingers else "held"
    return {
        **row,
        "holder": short(row.get("sessionId")),
        "work": short(row.get("taskId")),
        "age": age(row.get("grantedAt")),
        "state": state,
        "resources": claims(row),
    }
