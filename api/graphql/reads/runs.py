"""Runs from their list."""

from dataclasses import replace

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import NO_IDS, Asked, ask, connection_of, text
from api.graphql.reads.short_ids import ids_ending
from api.graphql.types.gate import Gate, GateFilter, gate_of
from api.graphql.types.run import Run, RunFilter, RunFound, run_of
from domain.kernel.ids import Position
from projections.gate_inbox.queries import GatePage
from projections.pipeline_runs.queries import RunPage


async def runs(context: Context, which: RunFilter, asked: Asked) -> Connection[Run]:
    """A page of runs, the youngest first."""
    project = await context.project("read.runs", which.project)
    request = RunPage(
        project=project,
        pipeline=text(which.pipeline),
        correlation_key=text(which.correlation_key),
        parent=text(which.parent),
        statuses=tuple(dict.fromkeys(one.value for one in which.status or ())),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    if which.id_suffix is not None:
        ids = await ids_ending(context, "run", which.id_suffix, project, asked)
        request = replace(request, keys=ids or NO_IDS)
    page = await ask(context, request, asked.after)
    return connection_of(request, page, lambda row: run_of(row, page.position))


async def run(context: Context, identifier: str, asked: Asked) -> RunFound:
    """The run of an id. A foreign one is answered like an absent one."""
    request = RunPage(keys=(text(identifier) or "",), limit=1, as_of=asked.as_of)
    page = await ask(context, request, asked.after)
    row = next((one for one in page.rows if context.may("read.runs", one.project)), None)
    return RunFound(
        run=None if row is None else run_of(row, page.position),
        position=Position(page.position),
        stale=page.stale,
    )


async def gates(context: Context, which: GateFilter, asked: Asked) -> Connection[Gate]:
    """A page of gates."""
    request = GatePage(
        project=await context.project("read.runs", which.project),
        run=text(which.run),
        place=text(which.place),
        statuses=tuple(dict.fromkeys(one.value for one in which.status or ())),
        gate_class=text(which.gate_class),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    page = await ask(context, request, asked.after)
    return connection_of(request, page, gate_of)
