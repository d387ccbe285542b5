"""prime: who am I, what is mine, who else is here. Without a session it begins one."""

from typing import Annotated, Any, Final, cast

from pydantic import Field

from api.mcp.answers import Fields, present, size_tokens
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.tools import shown
from api.ports import Heard
from domain.kernel.ids import ProjectId
from projections.inbox.queries import MessagePage
from projections.lock_map.queries import LockPage
from projections.session_roster.queries import SessionPage
from projections.session_roster.rows import SessionRosterRow
from projections.task_board.queries import TaskCounts

TOKENS_MAX: Final = 1_500
TASKS_SHOWN_MAX: Final = 4
LOCKS_READ_MAX: Final = 100
PEERS_READ_MAX: Final = 9
MAIL_READ_MAX: Final = 50
_ALLOWANCES: Final = ((1_200, 8), (600, 5), (300, 3), (120, 2), (60, 1))
"""Characters of a text, and things of a list; the first that fits is taken."""


class Prime(Arguments):
    """Where do I stand."""

    project: Annotated[Name | None, Field(description="Name or id; needed where several are visible")] = None
    name: Annotated[str | None, Field(max_length=200, description="What others shall call you")] = None
    role: Annotated[str | None, Field(max_length=200)] = None
    capabilities: Annotated[
        dict[str, Any] | None, Field(max_length=100, description='What you can do, {"python": true, "gpu": 1}')
    ] = None
    resume: Annotated[Name | None, Field(description="A lost session of yours: begin its next life")] = None


async def prime(call: Call, arguments: Prime) -> Fields:
    """At most 1,500 tokens: the most important first, lists and texts shortened until it fits."""
    begun: Fields | None = None
    if arguments.session is None:
        begun = await _begun(call, arguments)
        life = {"session": begun["session"], "incarnation": begun["incarnation"]}
        call = Call(
            call.tool,
            call.services,
            call.edge,
            call.principal,
            call.client,
            arguments.model_copy(update=life),
            call.stopping,
        )
    heard = await call.presence()
    if heard.pushed:
        heard = await call.presence(heard.held)
    project = await call.project(arguments.project, "read.tasks")
    material = await _material(call, heard, project)
    told: Fields = {}
    for characters_max, most in _ALLOWANCES:
        told = _told(call, heard, begun, material, characters_max, most)
        if size_tokens(told) <= TOKENS_MAX:
            break
    return told


async def _begun(call: Call, arguments: Prime) -> Fields:
    project = await call.project(arguments.project, "read.projects")
    wish = {
        "projects": [project],
        "resume": arguments.resume,
        "name": arguments.name,
        "role": arguments.role,
        "capabilities": arguments.capabilities,
        "tool": (call.client or "mcp")[:200],
        "renewed_by": "calls",
    }
    return await call.submit("open_session", wish)


Material = dict[str, Any]


async def _material(call: Call, heard: Heard, project: ProjectId) -> Material:
    """Everything that may be told, as the read models have it."""
    attempts = [one for one in heard.held if one.task is not None][:TASKS_SHOWN_MAX]
    tasks = [
        await call.submit("claim_task", {"project": one.project, "task": one.task, **call.life_fields()})
        for one in attempts
    ]
    peers = await call.ask(SessionPage(serves=project, statuses=shown.AT_WORK, limit=PEERS_READ_MAX))
    locks = await call.ask(LockPage(project=project, limit=LOCKS_READ_MAX))
    mail = await call.ask(MessagePage(project=project, session=call.life()[0], read=False, limit=MAIL_READ_MAX))
    counts = await call.services.reads.count(TaskCounts(project=project), after=call.services.events.head())
    return {
        "project": project,
        "row": await call.own_row(),
        "tasks": tasks,
        "peers": [one for one in peers.rows if one.key != call.who.session],
        "locks": locks.rows,
        "mail": len(mail.rows),
        "counts": {status: total for status, total in counts.totals.items() if total},
    }


def _told(call: Call, heard: Heard, begun: Fields | None, material: Material, characters_max: int, most: int) -> Fields:
    session, incarnation = call.life()
    row = cast("SessionRosterRow | None", material["row"])
    own_locks = [one for one in material["locks"] if one.session == session]
    return present(
        you=present(
            session=session,
            incarnation=incarnation,
            project=material["project"],
            name=None if row is None else row.name,
            status=heard.status,
            draining=heard.draining or None,
            lease_seconds=int(heard.lease_seconds),
        ),
        fenced=[] if begun is None else [one["token"] for one in begun["fenced"][:most]],
        tasks=[shown.assignment(one, characters_max) for one in material["tasks"][:most]],
        taken_back=[
            present(task=one.task, seconds=int(one.revoked_seconds), why=one.reason[:characters_max])
            for one in heard.held
            if one.revoked_seconds is not None
        ][:most],
        locks=[shown.lock(one, most) for one in own_locks[:most]],
        others=[shown.peer(one, material["locks"], min(most, 3)) for one in material["peers"][:most]],
        messages_waiting=material["mail"] or None,
        tasks_in_project=material["counts"],
        next=_advice(heard, material),
    )


def _advice(heard: Heard, material: Material) -> str:
    if any(one.revoked_seconds is not None for one in heard.held):
        return "A task of yours is being taken back: stop, and report what you have with release before it ends."
    if material["mail"]:
        return "Others wrote to you: call inbox first."
    if material["tasks"]:
        return "Work on your task inside its locks; report progress, then complete, fail or release."
    if heard.draining:
        return "You are being drained: take nothing new, and end."
    if material["counts"].get("ready"):
        return "Call next_task."
    return "Nothing is ready now. Call next_task with wait_seconds, or explain a task that should move."
