"""How the events of a proposal become its row."""

from typing import Any, Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.proposal.events import (
    ProposalDecided,
    ProposalEvent,
    ProposalLateVote,
    ProposalOpened,
    ProposalVoteCast,
)
from projections.kernel.projection import Projection, worded
from projections.kernel.rows import entries, json_text
from projections.proposals.rows import ProposalRow


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The proposal is its stream."""
    return (recorded.stream,)


def evolve(row: ProposalRow | None, recorded: Recorded, key: str) -> ProposalRow | None:
    """The row after the event."""
    event = cast(ProposalEvent, recorded.event)
    if isinstance(event, ProposalOpened):
        return row or _opened(event, recorded, key)
    return None if row is None else _after(row, event)._replace(changed_at=event.at)


def _opened(event: ProposalOpened, recorded: Recorded, key: str) -> ProposalRow:
    return ProposalRow(
        key=key,
        project=recorded.project,
        status="open",
        question=event.question,
        options=json_text([one.model_dump() for one in event.options]),
        eligible=json_text([one.model_dump() for one in event.eligible]),
        votes_needed=event.quorum.approvals,
        people_needed=event.quorum.people_min,
        veto=event.veto,
        exclude=json_text(list(event.exclude)),
        votes="[]",
        late_total=0,
        choice="",
        how="",
        decided_by="",
        reason="",
        opened_by=event.by,
        session=event.session,
        closes_at=event.closes_at,
        opened_at=event.at,
        decided_at=None,
        changed_at=event.at,
    )


def _after(row: ProposalRow, event: ProposalVoteCast | ProposalLateVote | ProposalDecided) -> ProposalRow:
    match event:
        case ProposalVoteCast():
            return row._replace(votes=_voted(row.votes, event))
        case ProposalLateVote():
            return row._replace(late_total=row.late_total + 1)
        case ProposalDecided():
            over = row._replace(status=event.outcome, choice=event.choice, how=event.how, decided_at=event.at)
            return over._replace(decided_by=event.by, reason=event.reason)
        case _:
            assert_never(event)


def _voted(votes: str, event: ProposalVoteCast) -> str:
    others: list[dict[str, Any]] = [one for one in entries(votes) if one["voter"] != event.voter]
    mine = {name: getattr(event, name) for name in ("voter", "choice", "human", "comment", "session")}
    return json_text([*others, mine])


PROPOSALS: Final = Projection(
    name="proposals",
    version=1,
    row=ProposalRow,
    handles=frozenset(get_args(ProposalEvent)),
    begins=frozenset({ProposalOpened}),
    keys=keys,
    evolve=evolve,
    words=worded(question="text", options="list", votes="list", reason="text"),
    indexes=(("project", "status", "key"), ("project", "key")),
)
