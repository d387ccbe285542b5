"""Resources: a task, a run, the lock map and the timeline of a project, read by their URI as they are now."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote

from api.mcp.answers import Fields, present, refuse, untrusted
from api.mcp.call import Call
from api.mcp.errors import UnknownResource
from api.mcp.tickets import Ticket
from api.mcp.tools import shown
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import is_type_id
from domain.principal.allow import allow
from domain.task.events import TaskPlanned
from projections.kernel.rows import texts
from projections.lock_map.queries import LockPage
from projections.pipeline_runs.queries import RunPage
from projections.pipeline_runs.rows import PipelineRunRow
from projections.run_phases.queries import RunPhasePage
from projections.run_phases.rows import RunPhaseRow
from projections.session_roster.queries import SessionPage
from projections.task_board.queries import TaskPage
from projections.task_board.rows import TaskBoardRow
from projections.timeline.queries import TimelinePage

SCHEME: Final = "signalbox://"
URI_CHARACTERS_MAX: Final = 1_000
LOCKS_TOLD_MAX: Final = 200
LINES_TOLD_MAX: Final = 100
PHASES_TOLD_MAX: Final = 200
SUMMARY_CHARACTERS_MAX: Final = 1_000
TEXT_CHARACTERS_MAX: Final = 65_536
CLAIMS_TOLD_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of resource."""

    name: str
    uri: str
    description: str


TEMPLATES: Final = (
    Template("task", "signalbox://{project}/tasks/{task}", "A task by key or id, with its whole body."),
    Template("run", "signalbox://{project}/runs/{run}", "A run of a pipeline with its phases."),
    Template("locks", "signalbox://{project}/locks", "Who holds what."),
    Template(
        "timeline",
        "signalbox://{project}/timeline{?session,after}",
        "What happened, oldest first, from a cursor on; agents read what their own session did.",
    ),
)


async def read(call: Call, uri: str) -> Fields:
    """What a resource holds. Raises ToolRefused."""
    if not uri.startswith(SCHEME) or len(uri) > URI_CHARACTERS_MAX:
        refuse(UnknownResource())
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    match [unquote(part) for part in path.split("/", 2)]:
        case [project, "tasks", task] if task and not query:
            return await _task(call, project, task)
        case [project, "runs", run] if run and not query:
            return await _run(call, project, run)
        case [project, "locks"] if not query:
            return await _locks(call, project)
        case [project, "timeline"]:
            return await _timeline(call, project, query)
        case _:
            return refuse(UnknownResource())


async def _task(call: Call, name: str, task: str) -> Fields:
    project = await call.project(name, "read.tasks")
    by_id = is_type_id(task, "task")
    page = await call.ask(
        TaskPage(project=project, keys=(task,) if by_id else (), name=None if by_id else task, limit=1)
    )
    row: TaskBoardRow | None = next(iter(page.rows), None)
    first = None if row is None else await call.services.past.first(row.key)
    if row is None or first is None or not isinstance(first.event, TaskPlanned):
        refuse(UnknownThing(kind="task", name=task[:200]))
    planned, worker = first.event, row.session or "its history"
    return present(
        id=row.key,
        key=row.name,
        status=row.status,
        title=untrusted(planned.title, first.actor, TEXT_CHARACTERS_MAX),
        body=untrusted(planned.body, first.actor, TEXT_CHARACTERS_MAX) if planned.body else None,
        kind=row.kind,
        priority=row.priority or None,
        locks=shown.claims([one.model_dump() for one in planned.scope], CLAIMS_TOLD_MAX),
        needs=[edge.key for edge in planned.needs],
        unmet_needs=row.unmet_total or None,
        session=row.session,
        percent=row.percent,
        note=untrusted(row.note, worker, TEXT_CHARACTERS_MAX) if row.note else None,
        summary=untrusted(row.summary, worker, TEXT_CHARACTERS_MAX) if row.summary else None,
        reason=untrusted(row.reason, worker, TEXT_CHARACTERS_MAX) if row.reason else None,
    )


async def _run(call: Call, name: str, run: str) -> Fields:
    project = await call.project(name, "read.runs")
    page = await call.ask(RunPage(project=project, keys=(run,), limit=1))
    row: PipelineRunRow | None = next(iter(page.rows), None)
    if row is None:
        refuse(UnknownThing(kind="run", name=run[:200]))
    phases = await call.ask(RunPhasePage(run=row.key, project=project, limit=PHASES_TOLD_MAX))
    return present(
        id=row.key,
        pipeline=row.pipeline,
        version=row.version,
        status=row.status,
        reason=untrusted(row.reason, "its history", TEXT_CHARACTERS_MAX) if row.reason else None,
        inputs=untrusted(row.inputs, row.started_by, TEXT_CHARACTERS_MAX) if row.inputs else None,
        ticket=str(Ticket("run", project, row.key)) if row.settled_at is None else None,
        phases=[_phase(one) for one in phases.rows],
        more=phases.next_cursor is not None or None,
    )


def _phase(row: RunPhaseRow) -> Fields:
    return present(
        place=row.place,
        kind=row.kind,
        status=row.status,
        needs=texts(row.needs),
        task=row.task,
        reason=untrusted(row.reason, "its history", SUMMARY_CHARACTERS_MAX) if row.reason else None,
        summary=untrusted(row.summary, "who did it", SUMMARY_CHARACTERS_MAX) if row.summary else None,
        output=untrusted(row.output, "who did it", SUMMARY_CHARACTERS_MAX) if row.output else None,
    )


async def _locks(call: Call, name: str) -> Fields:
    project = await call.project(name, "read.locks")
    page = await call.ask(LockPage(project=project, limit=LOCKS_TOLD_MAX))
    return {
        "locks": [
            shown.lock(row, CLAIMS_TOLD_MAX)
            | present(session=row.session, purpose=untrusted(row.purpose, row.session, 500) if row.purpose else None)
            for row in page.rows
        ],
        "more": page.next_cursor is not None,
    }


async def _timeline(call: Call, name: str, query: str) -> Fields:
    said = {key: values[-1] for key, values in parse_qs(query, max_num_fields=4).items()}
    session, after = said.pop("session", None), said.pop("after", "0")
    if said or not (after.isascii() and after.isdigit()) or int(after) > 2**53:
        refuse(UnknownResource())
    project = await call.project(name, "read.projects")
    own = session is not None and await _is_own(call, session)
    refusal = allow(call.principal, "read.events", project, own=own)
    if refusal is not None:
        refuse(refusal)
    page = await call.ask(
        TimelinePage(project=project, session=session, beyond=int(after), order="oldest_first", limit=LINES_TOLD_MAX)
    )
    return {
        "lines": [
            present(
                position=row.position,
                at=row.at,
                type=row.type,
                what=untrusted(row.summary, row.actor, 300),
                task=row.task,
                session=row.session,
                token=None if row.token is None else str(row.token),
            )
            for row in page.rows
        ],
        "after": max((row.position for row in page.rows), default=int(after)),
        "more": page.next_cursor is not None,
    }


async def _is_own(call: Call, session: str) -> bool:
    page = await call.ask(SessionPage(keys=(session,), limit=1))
    return any(row.owner == call.principal.id for row in page.rows)
