"""`signalbox audit erase`: destroys the key of what was said of a task, a run, a proposal or a session."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.command import Project, command
from api.cli.reading import project_of, proposal_named, run_named, session_named, task_named
from api.cli.terminal import Terminal
from api.cli.words import count
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, texts

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

_KINDS: Final[tuple[tuple[str, Callable[["Client", str, str], str]], ...]] = (
    ("run_", run_named),
    ("proposal_", proposal_named),
    ("sess_", lambda client, _, name: session_named(client, name)),
)
"""How the ids of other subjects than tasks begin, and how they are looked up."""
_READABLE: Final = (
    "began before words of its kind were kept under keys: the log, its copies, exports and what is folded from it keep"
    " them readable"
)


def register(nouns: typer.Typer) -> None:
    command(nouns, "erase")(erase)


def erase(
    terminal: Terminal,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="Key, id, or last 4 or more characters of the id of a task; id of a run, proposal or session.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays readable for ever.")],
    project: Project = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Erase without asking.")] = False,
) -> None:
    """Destroy the key of everything that was said of a settled task, of a run with all that is inside of it, of a
    proposal, or of a session and to it. Nothing brings it back."""
    chosen = project_of(terminal.client, project)
    identifier = _named(terminal, chosen, subject)
    if not dry_run:
        _confirm(terminal, subject, yes=yes)
    asked = {"project": chosen, "subject": identifier, "reason": reason, "dry_run": dry_run}
    answer = terminal.client.command("erase_subject", **asked)
    fields = {**answer.answer, "position": answer.position}
    if answer.answer["stays_readable"]:
        terminal.note(f"{subject} {_READABLE}")
    told = would_words(answer.answer) if dry_run else erasure_words(answer.answer)
    terminal.show(fields, f"{subject}: {told}")


def _named(terminal: Terminal, project: str, subject: str) -> str:
    for beginning, named in _KINDS:
        if subject.startswith(beginning):
            return named(terminal.client, project, subject)
    return task_named(terminal.client, project, subject)


def erasure_words(answer: Fields) -> str:
    """What came of an erasure that was asked for."""
    if not answer["erased"]:
        return "asked for; it is erased when another administrator asks for it, too"
    where = " as far as it was under a key" if answer["stays_readable"] else ""
    return f"what was said of it{_with(answer)} is erased{where}"


def would_words(answer: Fields) -> str:
    """What an erasure would do."""
    if answer["erased"]:
        return "it is erased already"
    others = ", ".join(texts(answer, "with_it"))
    return f"what was said of it{_with(answer)} would be erased" + (f": {others}" if others else "")


def _with(answer: Fields) -> str:
    total = int(str(answer["with_it_total"]))
    return f" and of {count(total, 'subject')} that it has inside" if total else ""


def _confirm(terminal: Terminal, subject: str, *, yes: bool) -> None:
    if yes:
        return
    if terminal.as_json or not sys.stdin.isatty():
        raise Refused("not_confirmed", "Nothing was erased.", "Say --yes: it cannot be undone.", {"subject": subject})
    if not typer.confirm(f"Erase what was said of {subject} for ever?"):
        raise Refused("not_confirmed", "Nothing was erased.", "Ask again when you want it.")
