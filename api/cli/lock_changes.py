"""`signalbox lock upgrade …`: changing modes and hands of locks that are held, breaking and checking them."""

from enum import Enum
from typing import Annotated

import typer

from api.cli.command import Project, command
from api.cli.lock_options import Incarnation, Session, Token
from api.cli.reading import project_of
from api.cli.tables import Column
from api.cli.terminal import Terminal
from signalbox.client.fields import Fields, objects, optional_object

CHECKED = (Column("RESOURCE", "resource", wide=True), Column("STATE", "state"), Column("HOLDER", "holder"))


class Weaker(Enum):
    """Modes to go down to."""

    INTENT = "intent"
    SHARED = "shared"
    UPDATE = "update"


class Stronger(Enum):
    """Modes to go up to."""

    SHARED = "shared"
    UPDATE = "update"
    EXCLUSIVE = "exclusive"


Reason = Annotated[str, typer.Option("--reason", help="Stays on record.")]


def register(nouns: typer.Typer) -> None:
    command(nouns, "upgrade")(upgrade)
    command(nouns, "downgrade")(downgrade)
    command(nouns, "transfer")(transfer)
    command(nouns, "accept")(accept)
    command(nouns, "break")(break_locks)
    command(nouns, "lift")(lift)
    command(nouns, "check")(check)


def upgrade(
    terminal: Terminal,
    token: Token,
    session: Session,
    incarnation: Incarnation = 1,
    mode: Annotated[Stronger, typer.Option("--mode", help="What to hold the claims in.")] = Stronger.EXCLUSIVE,
    waits: Annotated[bool, typer.Option("--wait", help="Join the queue; `lock wait` tells when it is done.")] = False,
    project: Project = None,
) -> None:
    """Hold the claims of a token in a stronger mode, under a new token."""
    wait = "queue" if waits else "none"
    answer = _asked(terminal, "upgrade_locks", project, token, session, incarnation, mode=mode.value, wait=wait)
    if answer.get("outcome") == "waiting":
        terminal.show(answer, f"waiting as {answer.get('request')}; token {token} holds meanwhile")
    else:
        terminal.show(answer, f"granted, token {answer.get('token')} in place of {token}")


def downgrade(
    terminal: Terminal,
    token: Token,
    session: Session,
    incarnation: Incarnation = 1,
    mode: Annotated[Weaker, typer.Option("--mode", help="What to hold the claims in.")] = Weaker.SHARED,
    project: Project = None,
) -> None:
    """Hold the claims of a token in a weaker mode, under the same token."""
    answer = _asked(terminal, "downgrade_locks", project, token, session, incarnation, mode=mode.value)
    terminal.show(answer, f"token {token} holds no more than {mode.value}")


def transfer(
    terminal: Terminal,
    token: Token,
    receiver: Annotated[str, typer.Option("--to", help="Id of the session that gets them.")],
    session: Session,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Give locks to another session, which has 60 s to accept them."""
    answer = _asked(terminal, "transfer_locks", project, token, session, incarnation, receiver=receiver)
    terminal.show(answer, f"offered to {receiver} as token {answer.get('token')}; {token} is fenced")


def accept(
    terminal: Terminal, token: Token, session: Session, incarnation: Incarnation = 1, project: Project = None
) -> None:
    """Keep locks that were transferred to the session."""
    answer = _asked(terminal, "accept_locks", project, token, session, incarnation)
    terminal.show(answer, f"token {token} is yours")


def break_locks(terminal: Terminal, token: Token, reason: Reason, project: Project = None) -> None:
    """Free the locks of somebody else; for people, and on record."""
    chosen = project_of(terminal.client, project)
    accepted = terminal.client.command("break_locks", project=chosen, token=token, reason=reason)
    terminal.show({"token": token, "position": accepted.position}, f"the locks of {token} are broken")


def lift(terminal: Terminal, token: Token, project: Project = None) -> None:
    """Free locks in quarantine, once you have seen to what was left behind."""
    chosen = project_of(terminal.client, project)
    accepted = terminal.client.command("lift_quarantine", project=chosen, token=token)
    terminal.show({"token": token, "position": accepted.position}, f"the locks of {token} are free")


def check(
    terminal: Terminal,
    token: Token,
    resource: Annotated[list[str], typer.Argument(help="Such as path:repo//src/a.py.")],
    session: Session,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Say for each resource whether the token covers it, nobody holds it, or who does."""
    answer = _asked(terminal, "check_locks", project, token, session, incarnation, resources=resource)
    found = [_checked(row) for row in objects(answer, "resources")]
    terminal.table("resources", found, CHECKED, "nothing asked")


def _checked(row: Fields) -> dict[str, object]:
    blocker = optional_object(row, "blocker")
    return {**row, "holder": blocker.get("session") or blocker.get("task")}


def _asked(
    terminal: Terminal, name: str, project: str | None, token: str, session: str, incarnation: int, **more: object
) -> Fields:
    chosen = project_of(terminal.client, project)
    return terminal.client.command(
        name, project=chosen, session=session, incarnation=incarnation, token=token, **more
    ).answer
