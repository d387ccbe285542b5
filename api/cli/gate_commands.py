"""`signalbox gate`: questions that runs put to people, and the answers."""

from typing import Annotated, Final, cast

import typer

from api.cli.command import At, Project, command, group
from api.cli.queries import GATES
from api.cli.reading import listing, project_of, run_named
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, moment, short, snake_row
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id, or the last 4 or more characters of it.")]
Place = Annotated[str, typer.Argument(metavar="GATE", help="Key of the gate's phase.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="What you want to say.")]
Evidence = Annotated[
    str, typer.Option("--evidence", help="Digest that `gate show` told; refused where it is another by now.")
]
Session = Annotated[str | None, typer.Option("--session", help="Of the agent that votes; else you vote as a person.")]
COLUMNS: Final = (
    Column("RUN", "short"),
    Column("GATE", "place", path=True),
    Column("PIPELINE", "pipeline", spare=True),
    Column("CLASS", "gate_class", spare=True),
    Column("STATUS", "status"),
    Column("YES", "yes", right=True),
    Column("NO", "no", right=True),
    Column("OPEN", "age", right=True),
    Column("QUESTION", "question", wide=True, wraps=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Gates of runs: what waits for you, and how you answer it.")
    command(nouns, "inbox")(inbox)
    command(nouns, "show")(show)
    command(nouns, "approve")(approve)
    command(nouns, "reject")(reject)
    command(nouns, "request-changes")(request_changes)
    command(nouns, "override")(override)
    app.add_typer(nouns, name="gate")


def inbox(
    terminal: Terminal,
    project: Project = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are decided, closed or not asked yet.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Questions that stand, the oldest runs first."""
    chosen = project_of(terminal.client, project)
    where: dict[str, object] = {"project": chosen, "status": None if every else ["OPEN", "PARKED"]}
    found = listing(terminal.client, GATES, {"where": where, "at": at}, limit)
    terminal.table("gates", [_row(one) for one in found.rows], COLUMNS, "nothing waits for an answer")


def show(terminal: Terminal, run: Run, gate: Place, project: Project = None, at: At = None) -> None:
    """One gate: the question, the evidence, who may answer and who has."""
    row = _found(terminal, run, gate, project, at)
    terminal.show(_lowered(row), *_details(row))


def approve(
    terminal: Terminal,
    run: Run,
    gate: Place,
    *,
    comment: Comment = "",
    evidence: Evidence = "",
    session: Session = None,
    project: Project = None,
) -> None:
    """Vote for it."""
    _vote(terminal, run, gate, project, verdict="approve", comment=comment, evidence=evidence, session=session)


def reject(
    terminal: Terminal,
    run: Run,
    gate: Place,
    *,
    comment: Comment = "",
    evidence: Evidence = "",
    session: Session = None,
    project: Project = None,
) -> None:
    """Vote against it."""
    _vote(terminal, run, gate, project, verdict="reject", comment=comment, evidence=evidence, session=session)


def request_changes(
    terminal: Terminal,
    run: Run,
    gate: Place,
    comment: Annotated[str, typer.Option("--comment", "-m", help="What has to be otherwise; its worker is told.")],
    *,
    evidence: Evidence = "",
    session: Session = None,
    project: Project = None,
) -> None:
    """Have done anew what the gate looks at, with what you say."""
    said = {"comment": comment, "evidence": evidence, "session": session}
    _vote(terminal, run, gate, project, verdict="request_changes", **said)


def override(
    terminal: Terminal,
    run: Run,
    gate: Place,
    reason: Annotated[str, typer.Option("--reason", help="Why the quorum is not waited for; it is shown for ever.")],
    *,
    rejected: Annotated[bool, typer.Option("--rejected", help="Decide against it; else for it.")] = False,
    project: Project = None,
) -> None:
    """Decide past the quorum, for admins."""
    chosen, identifier = _chosen(terminal, run, project)
    decision = "rejected" if rejected else "approved"
    said = {"project": chosen, "run": identifier, "phase": gate, "decision": decision, "reason": reason}
    answer = terminal.client.command("override_gate", **said)
    terminal.show({"run": identifier, "gate": gate, "position": answer.position}, f"{gate} is {decision}")


def _vote(terminal: Terminal, run: str, gate: str, project: str | None, **said: object) -> None:
    chosen, identifier = _chosen(terminal, run, project)
    answer = terminal.client.command("cast_vote", project=chosen, run=identifier, phase=gate, **said)
    told = answer.answer
    counts = f"{told.get('approvals')} of {told.get('needed')} for it, {told.get('rejections')} against"
    words = f"{gate} is {told.get('decision')}" if told.get("decision") else f"{gate} waits: {counts}"
    late = "too late to count; " if told.get("late") else ""
    terminal.show({**told, "run": identifier, "gate": gate, "position": answer.position}, f"{late}{words}")


def _chosen(terminal: Terminal, run: str, project: str | None) -> tuple[str, str]:
    chosen = project_of(terminal.client, project)
    return chosen, run_named(terminal.client, chosen, run)


def _found(terminal: Terminal, run: str, gate: str, project: str | None, at: str | None) -> Fields:
    chosen, identifier = _chosen(terminal, run, project)
    where = {"project": chosen, "run": identifier, "place": gate}
    rows = listing(terminal.client, GATES, {"where": where, "at": at}, 1).rows
    if not rows:
        raise Refused("unknown_thing", f"There is no gate {gate} in {run}.", "See `signalbox gate inbox --all`.")
    return rows[0]


def _row(row: Fields) -> dict[str, object]:
    verdicts = [one.get("verdict") for one in objects(row, "votes")]
    return {
        **_lowered(row),
        "short": short(row.get("runId")),
        "yes": f"{verdicts.count('approve')}/{row.get('approvalsNeeded')}",
        "no": verdicts.count("reject"),
        "age": age(row.get("openedAt")),
    }


def _details(row: Fields) -> list[str]:
    voters = [f"{one.get('who')} {one.get('name')}" for one in _listed(row, "eligible")]
    needed = f"{row.get('approvalsNeeded')} approvals, {row.get('peopleNeeded')} of people"
    lines = [
        f"gate      {row.get('place')} of {row.get('runId')}",
        f"question  {row.get('question')}",
        f"class     {row.get('gateClass')}",
        f"status    {str(row.get('status')).lower()}",
        f"needs     {needed}; {row.get('veto')} rejections end it",
        f"may vote  {', '.join(voters)}",
        f"evidence  {row.get('digest')}",
    ]
    evidence = _listed(row, "evidence")
    lines += [f"          {one.get('name')} ({one.get('subject')}): {one.get('value')}" for one in evidence]
    for one in objects(row, "votes"):
        comment = f": {one.get('comment')}" if one.get("comment") else ""
        kind = "" if one.get("human") else " (agent)"
        lines.append(f"vote      {one.get('voter')}{kind} {one.get('verdict')}{comment}")
    if row.get("openedAt") is not None:
        lines.append(f"opened    {moment(row.get('openedAt'))}")
    if row.get("decision"):
        by = f" by {row.get('decidedBy')}" if row.get("decidedBy") else ""
        lines.append(f"decided   {row.get('decision')}, {row.get('how')}{by}: {row.get('comment')}")
    return lines


def _listed(row: Fields, name: str) -> list[Fields]:
    return cast("list[Fields]", row.get(name) or [])


def _lowered(row: Fields) -> dict[str, object]:
    return {**snake_row(row), "status": str(row.get("status")).lower()}
