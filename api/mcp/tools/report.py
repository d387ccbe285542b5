"""report: how the work goes and how it ended."""

from typing import Annotated, Final, Literal

import orjson
from pydantic import Field

from api.mcp.answers import Fields, present, refuse
from api.mcp.arguments import Arguments, Name, Text
from api.mcp.call import Call, held_task
from api.mcp.errors import WorkUnreported
from api.ports import Heard
from projections.task_board.queries import TaskPage

Outcome = Literal["progress", "complete", "fail", "release"]
"""Of a task."""
Said = Literal["progress", "complete", "fail", "release", "leave"]
TASKS_NAMED_MAX: Final = 20
_COMMANDS: Final[dict[Outcome, str]] = {
    "progress": "report_progress",
    "complete": "complete_task",
    "fail": "fail_task",
    "release": "release_task",
}
_TEXTS: Final[dict[Outcome, str]] = {"progress": "note", "complete": "summary", "fail": "reason", "release": "note"}
_TAKES: Final[dict[Outcome, frozenset[str]]] = {
    "progress": frozenset({"percent", "checkpoint"}),
    "complete": frozenset({"evidence", "output"}),
    "fail": frozenset({"kind", "checkpoint"}),
    "release": frozenset({"checkpoint"}),
}
_NEXT: Final[dict[Outcome, str]] = {
    "progress": "Go on.",
    "complete": "Call next_task for more, or stop.",
    "fail": "Leave it: the retry rule decides what becomes of it. Call next_task for other work.",
    "release": "Leave it to others. Call next_task for other work.",
}


class Report(Arguments):
    """How it goes."""

    outcome: Annotated[
        Said,
        Field(description="release: give it back, no attempt is used up; leave: end your session"),
    ]
    task: Annotated[Name | None, Field(description="Key or id; needed where you hold several")] = None
    text: Annotated[Text, Field(description="Note, summary of the result, reason, or hand-over note")] = ""
    percent: Annotated[float | None, Field(ge=0, le=100)] = None
    checkpoint: Annotated[Text | None, Field(description="What the next attempt needs to go on from here")] = None
    kind: Annotated[
        Literal["agent", "invalid_result", "timeout", "rate_limited"] | None, Field(description="Of a failure")
    ] = None
    artifacts: Annotated[
        list[Fields] | None, Field(max_length=64, description="[{name, uri, digest?}]: results kept elsewhere")
    ] = None
    evidence: Annotated[
        list[Fields] | None,
        Field(max_length=64, description="Proof: [{kind, ref, verdict?, passed?, failed?}]"),
    ] = None
    output: Annotated[
        Fields | None, Field(max_length=200, description="Of a phase of a run: what it hands to those behind it")
    ] = None
    usage: Annotated[
        Fields | None, Field(description="{input_tokens, output_tokens, cost_microdollars} since its start")
    ] = None


async def report(call: Call, arguments: Report) -> Fields:
    """Carries the token of the attempt, which the caller need not know."""
    heard = await call.presence()
    outcome = arguments.outcome
    if outcome == "leave":
        return await _left(call, heard)
    held = held_task(heard, await _task_id(call, heard, arguments.task))
    fields = present(
        percent=arguments.percent,
        checkpoint=arguments.checkpoint,
        kind=arguments.kind,
        evidence=arguments.evidence,
        output=None if arguments.output is None else orjson.dumps(arguments.output).decode(),
    )
    taken = {name: value for name, value in fields.items() if name in _TAKES[outcome]}
    said = present(**{_TEXTS[outcome]: arguments.text, "artifacts": arguments.artifacts, "usage": arguments.usage})
    wish = {"project": held.project, "task": held.task, "token": held.token, **said, **taken}
    await call.submit(_COMMANDS[outcome], wish)
    return present(reported=outcome, task=held.task, next=_NEXT[outcome], **_warning(heard, held.token, outcome))


async def _left(call: Call, heard: Heard) -> Fields:
    """The session gives back its locks and ends; a task without a result keeps it."""
    unreported = [str(one.task) for one in heard.held if one.task is not None]
    if unreported:
        refuse(WorkUnreported(held=", ".join(unreported[:TASKS_NAMED_MAX])))
    for one in heard.held:
        await call.submit("release_locks", {"project": one.project, "token": one.token, **call.life_fields()})
    await call.submit("end_session", call.life_fields())
    return {"reported": "leave", "next": "Your session has ended. Stop; prime begins another."}


async def _task_id(call: Call, heard: Heard, task: str | None) -> str | None:
    """The id of a held task that is named by its key."""
    held = [one.task for one in heard.held if one.task is not None]
    if task is None or task in held or not held:
        return task
    page = await call.ask(TaskPage(keys=tuple(held[:200]), name=task, limit=1))
    return next((one.key for one in page.rows), task)


def _warning(heard: Heard, token: str, outcome: Outcome) -> Fields:
    taken = next((one for one in heard.held if one.token == token and one.revoked_seconds is not None), None)
    if taken is None or taken.revoked_seconds is None or outcome != "progress":
        return {}
    words = f"It is being taken back in {int(taken.revoked_seconds)} s: stop, and report release with a checkpoint."
    return {"warning": words, "why": taken.reason[:500]}
