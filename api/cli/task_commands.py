"""`signalbox task`: what is to be done, and how it stands."""

from typing import Annotated, Literal, cast

import typer

from api.cli import task_reports
from api.cli.command import At, Project, command, group, statuses
from api.cli.queries import TASK, TASKS
from api.cli.reading import found_then, listing, project_of, session_named, task_named
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import age, claims, indented, moment, short, snake_row
from signalbox.client.fields import Fields, integer, objects, texts

Name = Annotated[str, typer.Argument(metavar="TASK", help="Key, id, or the last 4 or more characters of an id.")]
_STATUSES = "pending, ready, assigned, running, backoff, parked, completed, failed, cancelled"
COLUMNS = (
    Column("ID", "short"),
    Column("KEY", "key", path=True),
    Column("STATUS", "status"),
    Column("KIND", "kind", spare=True),
    Column("PRIO", "priority", right=True, spare=True),
    Column("TRY", "attempt", right=True),
    Column("%", "percent", right=True),
    Column("SESSION", "holder"),
    Column("CHANGED", "age", right=True),
    Column("WANTS", "wants"),
    Column("TITLE", "title", wide=True),
)


def register(app: typer.Typer) -> None:
    nouns = group("Tasks: find, create, give, cancel, retry, report progress.")
    command(nouns, "list")(list_tasks)
    command(nouns, "create")(create)
    command(nouns, "reassign")(reassign)
    command(nouns, "assign")(assign)
    command(nouns, "bid")(bid)
    command(nouns, "dismiss")(dismiss)
    command(nouns, "show")(show)
    command(nouns, "cancel")(cancel)
    command(nouns, "retry")(retry)
    command(nouns, "progress")(task_reports.progress)
    command(nouns, "extend")(task_reports.extend)
    app.add_typer(nouns, name="task")


def list_tasks(
    terminal: Terminal,
    project: Project = None,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help=f"One of {_STATUSES}; repeatable.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only tasks of this kind.")] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Only tasks that need a person.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=20_000, help="Rows at most.")] = 100,
    at: At = None,
) -> None:
    """Tasks, the most urgent first."""
    asked = statuses(status, _STATUSES)
    chosen = project_of(terminal.client, project)
    where: dict[str, object] = {"project": chosen, "status": asked, "kind": kind}
    where["needsPerson"] = True if attention else None
    found = listing(terminal.client, TASKS, {"where": where, "at": at}, limit)
    terminal.table("tasks", [shown(row) for row in found.rows], COLUMNS, "no tasks")
    if found.more:
        terminal.note(f"there are more than {limit}; ask with a larger --limit")


def show(terminal: Terminal, task: Name, project: Project = None, at: At = None) -> None:
    """One task with what it needs, who works on it and why it stands as it does."""
    client = terminal.client
    identifier = task_named(client, project_of(client, project), task)
    row = found_then(client, TASK, {"id": identifier, "at": at}, "task", task)
    terminal.show(lowered(row), *_details(row))


def cancel(
    terminal: Terminal,
    task: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why it is not wanted any more.")] = "",
    grace: Annotated[
        int, typer.Option("--grace", min=0, max=3_600, help="Seconds for whoever works on it; 0 ends that at once.")
    ] = 30,
    project: Project = None,
) -> None:
    """Settle a task as cancelled; whoever works on it is told, and loses it after the grace."""
    chosen, identifier = _chosen(terminal, task, project)
    fields = {"project": chosen, "task": identifier, "reason": reason, "grace_seconds": grace}
    answer = terminal.client.command("cancel_task", **fields)
    terminal.show({"task": identifier, "position": answer.position}, f"{task} is cancelled")


def create(
    terminal: Terminal,
    key: Annotated[str, typer.Argument(help="Its name, unique in the project.")],
    *,
    title: Annotated[str, typer.Option("--title", help="What is to be done; else the key.")] = "",
    body: Annotated[str, typer.Option("--body", help="What to do, in markdown.")] = "",
    needs: Annotated[list[str] | None, typer.Option("--needs", help="Key that has to settle first.")] = None,
    scope: Annotated[list[str] | None, typer.Option("--scope", help="Lock that it needs.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="What a shell worker executes.")] = None,
    priority: Annotated[int, typer.Option("--priority", min=-100, max=100, help="The larger, the earlier.")] = 0,
    parent: Annotated[str | None, typer.Option("--parent", help="Key of the task that it is a part of.")] = None,
    project: Project = None,
) -> None:
    """Create one task; whatever else it may say, a plan file can. Again it changes nothing."""
    chosen = project_of(terminal.client, project)
    said: dict[str, object] = {
        "key": key,
        "title": title or key,
        "body": body,
        "needs": [{"task": need} for need in needs or []],
        "scope": [{"claim": claim} for claim in scope or []],
        "run": run,
        "priority": priority,
        "parent": parent,
    }
    answer = terminal.client.command("create_task", project=chosen, task=said)
    state = "created" if answer.answer.get("created") else "was there already"
    terminal.show({**answer.answer, "key": key, "position": answer.position}, f"{key} {state}")


def reassign(
    terminal: Terminal,
    task: Name,
    to: Annotated[str | None, typer.Option("--to", help="Session that alone may claim it for a minute.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    project: Project = None,
) -> None:
    """Take a task from whoever has it, for anybody or for one session; the old token is revoked."""
    chosen, identifier = _chosen(terminal, task, project)
    session = None if to is None else session_named(terminal.client, to)
    answer = terminal.client.command("reassign_task", project=chosen, task=identifier, to=session, reason=reason)
    terminal.show({"task": identifier, "to": session, "position": answer.position}, f"{task} is reassigned")


def assign(
    terminal: Terminal,
    task: Name,
    session: Annotated[str, typer.Argument(help="Session that takes pushed work.")],
    project: Project = None,
) -> None:
    """Give a ready task to a session; it names the token within 30 seconds, or loses the task again."""
    chosen, identifier = _chosen(terminal, task, project)
    named = session_named(terminal.client, session)
    answer = terminal.client.command("assign_task", project=chosen, task=identifier, session=named)
    told = {**answer.answer, "position": answer.position}
    terminal.show(told, f"{task} is given to {session} as attempt {answer.answer.get('attempt')}")


def bid(
    terminal: Terminal,
    task: Name,
    session: Annotated[str, typer.Argument(help="Session that bids.")],
    *,
    cost: Annotated[int, typer.Option("--cost", min=0, help="What it would cost, in micro-dollars.")],
    confidence: Annotated[int, typer.Option("--confidence", min=1, max=100, help="How sure it is, in percent.")],
    incarnation: Annotated[int, typer.Option("--incarnation", min=1, help="Life of the session.")] = 1,
    project: Project = None,
) -> None:
    """Offer to do a ready task of a project that gives out work by auction."""
    chosen, identifier = _chosen(terminal, task, project)
    offer = {"cost_microdollars": cost, "confidence_percent": confidence}
    named = session_named(terminal.client, session)
    answer = terminal.client.command(
        "bid_for_task", project=chosen, task=identifier, session=named, incarnation=incarnation, **offer
    )
    terminal.show({"task": identifier, **offer, "position": answer.position}, f"{session} bids for {task}")


def dismiss(
    terminal: Terminal,
    task: Name,
    topic: Annotated[
        Literal["overdue", "budget", "stranded", "unclaimed", "parked", "blocked"],
        typer.Argument(help="The last two say what still is: they end with it, and are not dismissed."),
    ],
    project: Project = None,
) -> None:
    """Say that a person has seen why a task asks for attention."""
    chosen, identifier = _chosen(terminal, task, project)
    answer = terminal.client.command("dismiss_attention", project=chosen, task=identifier, topic=topic)
    terminal.show({"task": identifier, "topic": topic, "position": answer.position}, f"{task}: {topic} dismissed")


def retry(
    terminal: Terminal,
    task: Name,
    tokens: Annotated[int | None, typer.Option("--tokens", min=1, help="New budget of tokens.")] = None,
    cost: Annotated[int | None, typer.Option("--cost", min=1, help="New budget in micro-dollars.")] = None,
    wall_seconds: Annotated[float | None, typer.Option("--wall-seconds", help="New budget of time.")] = None,
    project: Project = None,
) -> None:
    """Begin a failed or parked task anew, with fresh attempts and, where one is given, another budget."""
    chosen, identifier = _chosen(terminal, task, project)
    budget = {"tokens": tokens, "cost_microdollars": cost, "wall_seconds": wall_seconds}
    said = {"budget": budget} if any(value is not None for value in budget.values()) else {}
    answer = terminal.client.command("retry_task", project=chosen, task=identifier, **said)
    terminal.show({"task": identifier, "position": answer.position}, f"{task} begins anew")


def shown(row: Fields) -> dict[str, object]:
    """A row as lists show it: words in lower case, a short id, an age."""
    told = lowered(row)
    told["short"] = short(row.get("id"))
    told["wants"] = ", ".join(texts(row, "attention")) if "attention" in row else ""
    told["age"] = age(row.get("changedAt"))
    told["holder"] = short(row.get("sessionId")) if told["status"] in ("assigned", "running") else ""
    return told


def lowered(row: Fields) -> dict[str, object]:
    """The row as programs get it: names in snake_case, its status in the words of the wire."""
    told = snake_row(row)
    return {**told, "status": str(row.get("status", "")).lower()}


def _chosen(terminal: Terminal, task: str, project: str | None) -> tuple[str, str]:
    chosen = project_of(terminal.client, project)
    return chosen, task_named(terminal.client, chosen, task)


def _details(row: Fields) -> list[str]:
    told = lowered(row)
    facts = {
        "status": f"{told['status']} since {moment(row.get('changedAt'))}",
        "kind": row.get("kind"),
        "priority": row.get("priority"),
        "attempt": row.get("attempt"),
        "session": row.get("sessionId"),
        "token": row.get("token"),
        "percent": row.get("percent"),
        "note": row.get("note"),
        "reason": row.get("reason"),
        "needs a": f"person: {', '.join(texts(row, 'attention'))}" if row.get("attention") else None,
        "deadline": moment(row.get("deadline")) if row.get("deadline") else None,
        "parts": f"{row.get('partsSettled')} of {row.get('partsTotal')} settled" if row.get("partsTotal") else None,
        "spent": _spent(row.get("usage")),
        "waits": f"for {row.get('waitsFor')} until {moment(row.get('waitsUntil'))}" if row.get("waitsFor") else None,
        "scope": claims(row, "scope"),
        "requires": _requirements(row),
        "summary": row.get("summary"),
    }
    lines = [f"{row.get('key')}: {row.get('title')}", f"  {row.get('id')}"]
    lines += [f"  {name:9} {indented(value)}" for name, value in facts.items() if value not in (None, "")]
    for need in objects(row, "needs"):
        outcome = str(need.get("outcome") or "not settled").lower()
        mark = "met" if need.get("satisfied") else "unmet"
        lines.append(f"  needs     {need.get('key')}: {mark} ({outcome})")
    return lines


def _spent(usage: object) -> str | None:
    """What all attempts spent, in words."""
    if not isinstance(usage, dict):
        return None
    said = cast("Fields", usage)
    tokens = integer(said, "input_tokens") + integer(said, "output_tokens")
    return f"{tokens} tokens, {integer(said, 'cost_microdollars')} micro-dollars, {said.get('tool_calls')} tool calls"


def _requirements(row: Fields) -> str:
    return ", ".join(
        f"{one.get('key')} {one.get('operator')} {one.get('value')}"
        + (f" (wished for, weight {one.get('weight')})" if one.get("weight") else "")
        for one in objects(row, "requires")
    )
