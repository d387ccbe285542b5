"""plan: many tasks at once, all or none, in the form of a plan file."""

from typing import Annotated, Any, Final

import orjson
from pydantic import Field

from api.mcp.answers import Fields, ToolRefused, present
from api.mcp.arguments import Arguments, Name
from api.mcp.call import Call
from api.mcp.tickets import Ticket
from api.plan.faults import PlanFault
from api.plan.read import read_plan

TASKS_TOLD_MAX: Final = 50
FAULTS_TOLD_MAX: Final = 10


class Plan(Arguments):
    """Create tasks."""

    tasks: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=2_000,
            description="[{key, title, body?, needs?: [key], scope?: [claim], kind?, priority?, parent?, evidence?, "
            "requires?, timeout?}], as in a plan file",
        ),
    ]
    project: Name | None = None
    check_only: Annotated[bool, Field(description="Only say whether it would do")] = False


async def plan(call: Call, arguments: Plan) -> Fields:
    """The same plan again changes nothing."""
    if arguments.session is not None:
        await call.presence()
    project = await call.project(arguments.project, "apply_plan")
    # One task a line: a fault names its line.
    lines = ",\n".join(orjson.dumps(one).decode() for one in arguments.tasks)
    read = read_plan(f'{{"project":"{project}","tasks":[\n{lines}]}}', "plan.json")
    if isinstance(read, tuple):
        raise ToolRefused(_unsound(read))
    if arguments.check_only:
        return {"sound": True, "tasks": len(read.command.tasks), "next": "Call plan without check_only to create them."}
    applied = await call.execute(read.command)
    told = dict(list(applied["ids"].items())[:TASKS_TOLD_MAX])
    return present(
        created=applied["created"] or None,
        unchanged=applied["unchanged"] or None,
        tasks=told,
        left_out=len(applied["ids"]) - len(told) or None,
        tickets={key: str(Ticket("task", project, task)) for key, task in told.items()} if len(told) <= 5 else None,
        next="They are given out as they become ready; wait with a ticket task/PROJECT/TASK.",
    )


def _unsound(faults: tuple[PlanFault, ...]) -> Fields:
    told = [present(task=one.task, field=one.field, why=one.message, next=one.advice) for one in faults]
    return {
        "refused": "plan_unsound",
        "kind": "BAD_PATTERN",
        "why": f"Nothing was created: {faults[0].message}.",
        "next": "Mend what is listed under data and call plan again.",
        "data": told[:FAULTS_TOLD_MAX],
    }
