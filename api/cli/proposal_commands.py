"""`signalbox proposal`: questions outside of runs, and the choices of people and agents."""

from typing import Annotated, Final, cast

import typer

from api.cli.command import At, Project, command, group
from api.cli.lock_options import Incarnation
from api.cli.queries import PROPOSALS
from api.cli.reading import listing, project_of, proposal_named
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, moment, short, snake_row
from signalbox.client.asks import Accepted
from signalbox.client.fields import Fields, objects

Name = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Id, or the last 4 or more characters of it.")]
Session = Annotated[
    str | None, typer.Option("--session", envvar="SIGNALBOX_SESSION", help="Of the agent; else you speak as a person.")
]
Eligible = Annotated[
    list[str] | None,
    typer.Option("--eligible", help="Who may vote: role:NAME, principal:ID or capability:NAME; repeatable."),
]
COLUMNS: Final = (
    Column("PROPOSAL", "short"),
    Column("STATUS", "status"),
    Column("VOTES", "counts"),
    Column("CHOSEN", "choice"),
    Column("OPEN", "age", right=True),
    Column("QUESTION", "question", wide=True, wraps=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Questions with options: open, list, show, vote, withdraw.")
    command(nouns, "open")(open_proposal)
    command(nouns, "list")(list_proposals)
    command(nouns, "show")(show)
    command(nouns, "vote")(vote)
    command(nouns, "withdraw")(withdraw)
    app.add_typer(nouns, name="proposal")


def open_proposal(
    terminal: Terminal,
    question: Annotated[str, typer.Argument(help="What is asked.")],
    option: Annotated[list[str], typer.Option("--option", "-o", help="NAME or NAME=TEXT; repeatable.")],
    *,
    eligible: Eligible = None,
    votes: Annotated[int, typer.Option("--votes", min=1, max=1_000, help="That one option needs.")] = 1,
    people: Annotated[int, typer.Option("--people", min=0, max=1_000, help="Of them so many from people.")] = 1,
    veto: Annotated[int, typer.Option("--veto", min=0, max=1_000, help="Votes for none that end it; 0: never.")] = 0,
    exclude_opener: Annotated[bool, typer.Option("--exclude-opener", help="Whoever asks may not vote.")] = False,
    exclude_tree: Annotated[bool, typer.Option("--exclude-tree", help="Nor its session's family.")] = False,
    closes_after: Annotated[
        float | None, typer.Option("--closes-after", help="Seconds until it ends undecided; else it waits for ever.")
    ] = None,
    session: Session = None,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Ask people and agents to choose one of several options."""
    chosen = project_of(terminal.client, project)
    names = [one.partition("=") for one in option]
    fields: dict[str, object] = {
        "project": chosen,
        "question": question,
        "options": [{"name": name, "text": text} for name, _, text in names],
        "quorum": {"approvals": votes, "people_min": people},
        "veto": veto,
        "exclude": [word for word, on in (("opener", exclude_opener), ("session_tree", exclude_tree)) if on],
        "closes_after_seconds": closes_after,
        "session": session,
        "incarnation": incarnation,
    }
    if eligible:
        fields["eligible"] = [_voter(one) for one in eligible]
    answer = terminal.client.command("open_proposal", **fields)
    terminal.show({**answer.answer, "position": answer.position}, f"{answer.answer.get('proposal')} is open")


def _voter(said: str) -> dict[str, str]:
    who, colon, name = said.partition(":")
    if not colon or who not in ("role", "principal", "capability") or not name:
        raise typer.BadParameter(f"{said} is not role:NAME, principal:ID or capability:NAME", param_hint="--eligible")
    return {"who": who, "name": name}


def list_proposals(
    terminal: Terminal,
    project: Project = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Questions that stand, the youngest first."""
    chosen = project_of(terminal.client, project)
    where: dict[str, object] = {"project": chosen, "status": None if every else ["OPEN"]}
    found = listing(terminal.client, PROPOSALS, {"where": where, "at": at}, limit)
    terminal.table("proposals", [_row(one) for one in found.rows], COLUMNS, "nothing is asked")


def show(terminal: Terminal, proposal: Name, project: Project = None, at: At = None) -> None:
    """One proposal: the question, the options, who may vote and who has."""
    chosen = project_of(terminal.client, project)
    identifier = proposal_named(terminal.client, chosen, proposal)
    where = {"project": chosen, "idSuffix": identifier}
    row = listing(terminal.client, PROPOSALS, {"where": where, "at": at}, 1).rows[0]
    terminal.show(_lowered(row), *_details(row))


def vote(
    terminal: Terminal,
    proposal: Name,
    choice: Annotated[str | None, typer.Argument(metavar="[OPTION]", help="Name of an option.")] = None,
    *,
    none: Annotated[bool, typer.Option("--none", help="For none of them.")] = False,
    comment: Annotated[str, typer.Option("--comment", "-m", help="What you want to say.")] = "",
    session: Session = None,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Choose an option; a further vote takes the place of the one before."""
    if none == (choice is not None):
        raise typer.BadParameter("name an option, or say --none", param_hint="OPTION")
    said = {"choice": choice, "comment": comment, "session": session, "incarnation": incarnation}
    answer = _ask(terminal, "vote_on_proposal", proposal, project, **said)
    told = answer.answer
    words = f"{told.get('votes')} of {told.get('needed')} for {choice or 'none of them'}"
    over = f"it is {told.get('outcome')}" + (f": {told.get('choice')}" if told.get("choice") else "")
    late = "too late to count; " if told.get("late") else ""
    terminal.show({**told, "position": answer.position}, f"{late}{over if told.get('outcome') else words}")


def withdraw(
    terminal: Terminal,
    proposal: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    *,
    session: Session = None,
    incarnation: Incarnation = 1,
    project: Project = None,
) -> None:
    """Ask no longer."""
    said = {"reason": reason, "session": session, "incarnation": incarnation}
    answer = _ask(terminal, "withdraw_proposal", proposal, project, **said)
    terminal.show({"position": answer.position}, f"{proposal} is withdrawn")


def _ask(terminal: Terminal, verb: str, proposal: str, project: str | None, **said: object) -> Accepted:
    chosen = project_of(terminal.client, project)
    identifier = proposal_named(terminal.client, chosen, proposal)
    return terminal.client.command(verb, project=chosen, proposal=identifier, **said)


def _row(row: Fields) -> dict[str, object]:
    votes = [str(one.get("choice")) for one in objects(row, "votes")]
    names = [str(one.get("name")) for one in _listed(row, "options")]
    counts = ", ".join(f"{name} {votes.count(name)}" for name in names)
    return {**_lowered(row), "short": short(row.get("id")), "counts": counts, "age": age(row.get("openedAt"))}


def _details(row: Fields) -> list[str]:
    voters = [f"{one.get('who')} {one.get('name')}" for one in _listed(row, "eligible")]
    ends = f"; {row.get('veto')} for none of them end it" if row.get("veto") else ""
    lines = [
        f"proposal  {row.get('id')}",
        f"question  {row.get('question')}",
        f"status    {str(row.get('status')).lower()}",
        f"needs     {row.get('votesNeeded')} votes for one option, {row.get('peopleNeeded')} of people{ends}",
        f"may vote  {', '.join(voters)}",
        f"opened    {moment(row.get('openedAt'))} by {row.get('session') or row.get('openedBy')}",
    ]
    lines += [f"option    {one.get('name')}  {one.get('text')}".rstrip() for one in _listed(row, "options")]
    if row.get("closesAt") is not None:
        lines.append(f"closes    {moment(row.get('closesAt'))}")
    for one in objects(row, "votes"):
        comment = f": {one.get('comment')}" if one.get("comment") else ""
        kind = "" if one.get("human") else " (agent)"
        lines.append(f"vote      {one.get('voter')}{kind} {one.get('choice') or 'none of them'}{comment}")
    if row.get("how"):
        lines.append(f"decided   {row.get('choice') or 'nothing'}, by {row.get('how')}: {row.get('reason')}")
    return lines


def _listed(row: Fields, name: str) -> list[Fields]:
    return cast("list[Fields]", row.get(name) or [])


def _lowered(row: Fields) -> dict[str, object]:
    return {**snake_row(row), "status": str(row.get("status")).lower()}
