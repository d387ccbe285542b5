"""lock: take, strengthen, give back, check, and see who holds."""

from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import Field

from api.mcp.answers import PURPOSE_CHARACTERS_MAX, Fields, present, refuse, untrusted
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.errors import ArgumentMissing
from api.mcp.tools import shown
from api.ports import Heard
from domain.kernel.ids import ProjectId

BLOCKERS_SHOWN_MAX: Final = 8
Action = Literal["acquire", "upgrade", "release", "check", "who"]


class Lock(Arguments):
    """Locks."""

    action: Annotated[
        Action,
        Field(description="upgrade: a token to exclusive; check: before an edit; who: holds it, taking nothing"),
    ]
    claims: Annotated[
        list[str] | None,
        Field(max_length=64, description="path:repo//src/api/**, branch:repo//main, env:staging, pool:gpu"),
    ] = None
    mode: Literal["intent", "shared", "update", "exclusive"] = "exclusive"
    queue: Annotated[bool, Field(description="Where it is taken, wait in line: you get a ticket for wait")] = False
    purpose: Annotated[str, Field(max_length=400, description="Shown to others")] = ""
    token: Annotated[str | None, Field(max_length=19, description="As it was told")] = None
    project: Name | None = None


async def lock(call: Call, arguments: Lock) -> Fields:
    """All claims or none; a wait is a ticket, never a call that hangs."""
    heard = await call.presence()
    project = await call.project(arguments.project, "acquire_locks")
    match arguments.action:
        case "acquire":
            wait = "queue" if arguments.queue else "none"
            return granted(await _asked(call, arguments, project, wait), project)
        case "who":
            return granted(await _asked(call, arguments, project, "preview"), project)
        case "upgrade":
            wish = {"token": _token(call, arguments), "wait": "queue" if arguments.queue else "none"}
            return granted(await call.submit("upgrade_locks", _of(call, project, wish)), project)
        case "release":
            token = _token(call, arguments)
            await call.submit("release_locks", _of(call, project, {"token": token}))
            return {"released": token, "next": "Do not write there any more."}
        case "check":
            return await _checked(call, arguments, heard, project)
        case _:
            assert_never(arguments.action)


def granted(answer: Fields, project: ProjectId) -> Fields:
    """What became of a request."""
    outcome = answer["outcome"]
    request = answer.get("request")
    return present(
        outcome=outcome,
        token=answer.get("token"),
        locks=shown.claims(answer["claims"], 64) if outcome in ("granted", "held") else None,
        members=answer.get("members"),
        in_the_way=[_blocker(one) for one in answer["blockers"][:BLOCKERS_SHOWN_MAX]],
        ticket=None if request is None else f"lock/{project}/{request}",
        place=answer.get("place"),
        estimate_seconds=answer.get("estimate_seconds"),
        next=_NEXT[outcome],
    )


_NEXT: Final = {
    "granted": "It is yours. Release the token when you are done; locks of a task end with it.",
    "held": "You hold it already. Go on.",
    "possible": "It is free: acquire it before you write.",
    "blocked": "Do not write there. Take other work, acquire with queue, or ask the holder with note.",
    "waiting": "Do not write there yet. Do something else, and call wait with the ticket.",
    "offered": "Take other work until it is accepted.",
}


def _blocker(blocker: Fields) -> Fields:
    holder = blocker["session"] or "a task that waits by itself"
    return present(
        session=blocker["session"],
        task=blocker["task"],
        purpose=untrusted(blocker["purpose"], holder, PURPOSE_CHARACTERS_MAX) if blocker["purpose"] else None,
        held=blocker["held"],
        wanted=blocker["wanted"],
        both_cover=blocker["witness"],
        seconds=blocker["age_seconds"],
        lingers_until=blocker["lingers_until"],
        waits=True if blocker.get("request") else None,
    )


async def _asked(call: Call, arguments: Lock, project: ProjectId, wait: str) -> Fields:
    if not arguments.claims:
        refuse(ArgumentMissing(tool=call.tool, choice=f"action {arguments.action}", argument="claims"))
    purpose = f"{arguments.agent}: {arguments.purpose}" if arguments.agent else arguments.purpose
    wish = {
        "claims": [{"claim": one, "mode": arguments.mode} for one in arguments.claims],
        "purpose": purpose,
        "wait": wait,
    }
    return await call.submit("acquire_locks", _of(call, project, wish))


async def _checked(call: Call, arguments: Lock, heard: Heard, project: ProjectId) -> Fields:
    """By the token that is named or the newest that is held; who holds nothing only learns what is free."""
    held = [one.token for one in heard.held if one.project == project]
    token = arguments.token or max(held, key=int, default=None)
    if token is None or not arguments.claims:
        return granted(await _asked(call, arguments, project, "preview"), project)
    answer = await call.submit("check_locks", _of(call, project, {"token": token, "resources": arguments.claims}))
    resources = [_resource(one) for one in answer["resources"]]
    covered = all(one["state"] == "covered" for one in resources)
    advice = "All yours: write." if covered else "Write only what is covered; acquire the rest first."
    return {"token": token, "resources": resources, "next": advice}


def _resource(checked: Fields) -> Fields:
    blocker = checked["blocker"]
    return present(
        resource=checked["resource"], state=checked["state"], holder=None if blocker is None else _blocker(blocker)
    )


def _token(call: Call, arguments: Lock) -> str:
    if arguments.token is None:
        refuse(ArgumentMissing(tool=call.tool, choice=f"action {arguments.action}", argument="token"))
    return arguments.token


def _of(call: Call, project: ProjectId, wish: dict[str, Any]) -> Fields:
    return {"project": project, **call.life_fields(), **wish}
