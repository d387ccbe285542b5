"""`signalbox lock`: who holds what, and taking and giving back locks by hand."""

from enum import Enum
from typing import Annotated, Final

import typer

from api.cli import lock_changes, lock_pool_commands
from api.cli.command import At, Project, command, group
from api.cli.lock_options import Incarnation, Session, Token
from api.cli.queries import LOCK_REQUESTS, LOCKS
from api.cli.reading import listing, project_of
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, claims, moment, short
from signalbox.client.asks import command as command_of
from signalbox.client.fields import Fields, objects

COLUMNS = (
    Column("TOKEN", "token"),
    Column("SESSION", "holder"),
    Column("TASK", "work"),
    Column("AGE", "age", right=True),
    Column("STATE", "state"),
    Column("CLAIMS", "resources", wide=True),
    Column("PURPOSE", "purpose", wide=True, spare=True),
)


class Mode(Enum):
    """What the holder may do."""

    INTENT = "intent"
    SHARED = "shared"
    UPDATE = "update"
    EXCLUSIVE = "exclusive"


class Priority(Enum):
    """How much earlier than it came a request counts as queued."""

    NORMAL = "normal"
    RAISED = "raised"
    URGENT = "urgent"
    PERSON = "person"


AnyMode = Annotated[Mode, typer.Option("--mode", help="What the holder may do.")]
Claims = Annotated[list[str], typer.Argument(help="Such as path:repo//src/**; all of them or none.")]
WAIT_SECONDS: Final = 20.0
"""How long one question waits for its answer; then it is asked again."""


def register(app: typer.Typer) -> None:
    nouns = group("Locks: list, take, wait for, give back, hand over, check.")
    command(nouns, "list")(list_locks)
    command(nouns, "acquire")(acquire)
    command(nouns, "preview")(preview)
    command(nouns, "wait")(wait_for)
    command(nouns, "withdraw")(withdraw)
    command(nouns, "release")(release)
    lock_changes.register(nouns)
    lock_pool_commands.register(nouns)
    app.add_typer(nouns, name="lock")


def list_locks(
    terminal: Terminal,
    project: Project = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Live locks, one row for all that one token holds, and then the requests that wait, the next one first."""
    chosen = project_of(terminal.client, project)
    wanted: dict[str, object] = {"project": chosen, "at": at}
    held = [shown(row) for row in listing(terminal.client, LOCKS, wanted, limit).rows]
    waiting = [shown_request(row) for row in listing(terminal.client, LOCK_REQUESTS, wanted, limit).rows]
    terminal.table("locks", [*held, *waiting], COLUMNS, "no locks")


def acquire(
    terminal: Terminal,
    claim: Claims,
    session: Session,
    *,
    incarnation: Incarnation = 1,
    mode: AnyMode = Mode.EXCLUSIVE,
    shared: Annotated[bool, typer.Option("--shared", help="The same as --mode shared.")] = False,
    purpose: Annotated[str, typer.Option("--purpose", help="What for; others see it.")] = "",
    waits: Annotated[bool, typer.Option("--wait", help="Wait in the queue for what is not free.")] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="Seconds to wait; else for ever.")] = None,
    priority: Annotated[Priority, typer.Option("--priority", help="Place in the queue.")] = Priority.NORMAL,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Stay shut for a person if I am lost.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Change nothing, say what would be.")] = False,
    attempt: Annotated[
        str | None, typer.Option("--attempt", help="Token of the attempt that they are for, and end with.")
    ] = None,
    project: Project = None,
) -> None:
    """Take locks for a session, all or nothing; a conflict names the holder."""
    fields: Fields = {
        "project": project_of(terminal.client, project),
        "session": session,
        "incarnation": incarnation,
        "claims": [{"claim": one, "mode": Mode.SHARED.value if shared else mode.value} for one in claim],
        "purpose": purpose,
        "wait": "preview" if preview else "queue" if waits else "none",
        "wait_timeout_seconds": timeout if waits else None,
        "priority": priority.value,
        "on_loss": "quarantine" if quarantine else None,
        "attempt": attempt,
    }
    answer = terminal.client.command("acquire_locks", **fields).answer
    if answer.get("outcome") == "waiting":
        terminal.note(place(answer))
        answer = granted(terminal, fields, str(answer.get("request")))
    terminal.show(answer, outcome(answer))


def preview(
    terminal: Terminal,
    claim: Claims,
    session: Session,
    incarnation: Incarnation = 1,
    mode: AnyMode = Mode.EXCLUSIVE,
    project: Project = None,
) -> None:
    """Say what acquiring would lead to, and change nothing."""
    acquire(terminal, claim, session, incarnation=incarnation, mode=mode, preview=True, project=project)


def wait_for(
    terminal: Terminal,
    request: Annotated[str, typer.Argument(help="Number of the request that waits.")],
    session: Session,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Wait until a request is granted; a refusal tells why it never will be."""
    chosen = project_of(terminal.client, project)
    fields: Fields = {"project": chosen, "session": session, "incarnation": incarnation}
    answer = granted(terminal, fields, request)
    terminal.show(answer, outcome(answer))


def withdraw(
    terminal: Terminal,
    request: Annotated[str, typer.Argument(help="Number of the request that waits.")],
    session: Session,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Leave the queue."""
    accepted = terminal.client.command(
        "withdraw_lock_request",
        project=project_of(terminal.client, project),
        session=session,
        incarnation=incarnation,
        request=request,
    )
    terminal.show({"request": request, "position": accepted.position}, f"request {request} waits no longer")


def granted(terminal: Terminal, asked: Fields, request: str) -> Fields:
    """The answer once the request waits no longer."""
    while True:
        fields = {name: asked[name] for name in ("project", "session", "incarnation")} | {"request": request}
        found = terminal.client.ask(command_of("await_locks", fields, wait_seconds=WAIT_SECONDS))
        if found.answer.get("outcome") != "waiting":
            return found.answer


def release(
    terminal: Terminal,
    token: Token,
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


def outcome(answer: Fields) -> str:
    """What became of a request, in a few words."""
    token = answer.get("token")
    return f"{answer.get('outcome')}" + (f", token {token}" if token else "")


def place(answer: Fields) -> str:
    """Where a request stands and behind whom."""
    estimate = answer.get("estimate_seconds")
    likely = "" if estimate is None else f", about {estimate} s"
    blockers = objects(answer, "blockers")
    first: Fields = blockers[0] if blockers else {}
    behind = f", behind {first.get('session') or first.get('task')} at {first.get('witness')}" if first else ""
    return f"waiting as {answer.get('request')}, place {answer.get('place')}{likely}{behind}"


def shown(row: Fields) -> dict[str, object]:
    """A row as lists show it."""
    return {
        **row,
        "holder": short(row.get("sessionId")),
        "work": short(row.get("taskId")),
        "age": age(row.get("grantedAt")),
        "state": _state(row),
        "resources": claims(row),
    }


def shown_request(row: Fields) -> dict[str, object]:
    """A request that waits as lists show it, beside what is held."""
    expires = row.get("expiresAt")
    return {
        **row,
        "holder": short(row.get("sessionId")),
        "work": short(row.get("taskId")),
        "age": age(row.get("requestedAt")),
        "state": f"waits as {row.get('request')}" + (f" until {moment(expires)}" if expires else ""),
        "resources": claims(row),
    }


def _state(row: Fields) -> str:
    because, lingers, offered = row.get("lingersBecause"), row.get("lingersUntil"), row.get("acceptUntil")
    if lingers:
        return f"{because}, shut until {moment(lingers)}"
    if because:
        return f"{because}, in quarantine"
    if offered:
        return f"offered until {moment(offered)}"
    leaves = row.get("leavesAt")
    return f"to leave by {moment(leaves)}" if leaves else "held"
