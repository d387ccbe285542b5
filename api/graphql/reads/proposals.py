"""Proposals from their read model."""

from dataclasses import replace

from api.graphql.context import Context
from api.graphql.pages import Connection
from api.graphql.reads.asked import NO_IDS, Asked, ask, connection_of
from api.graphql.reads.short_ids import ids_ending
from api.graphql.types.proposal import Proposal, ProposalFilter, proposal_of
from projections.proposals.queries import ProposalPage


async def proposals(context: Context, which: ProposalFilter, asked: Asked) -> Connection[Proposal]:
    """A page of proposals, the youngest first."""
    project = await context.project("read.proposals", which.project)
    request = ProposalPage(
        project=project,
        statuses=tuple(dict.fromkeys(one.value for one in which.status or ())),
        limit=asked.first,
        cursor=asked.cursor,
        as_of=asked.as_of,
    )
    if which.id_suffix is not None:
        ids = await ids_ending(context, "proposal", which.id_suffix, project, asked)
        request = replace(request, keys=ids or NO_IDS)
    page = await ask(context, request, asked.after)
    return connection_of(request, page, proposal_of)
