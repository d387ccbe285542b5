"""How new things become ids that can be shortened."""

from typing import Final

from domain.kernel.decider import Recorded
from domain.kernel.ids import prefix
from domain.proposal.events import ProposalOpened
from domain.run.events import RunQueued
from domain.session.events import SessionOpened
from domain.task.events import TaskPlanned
from projections.kernel.projection import Projection
from projections.short_ids.rows import ShortIdRow


def keys(recorded: Recorded) -> tuple[str, ...]:
    """The thing is its stream."""
    return (recorded.stream,)


def evolve(row: ShortIdRow | None, recorded: Recorded, key: str) -> ShortIdRow:
    """The same for ever; a session that is opened again has its row already."""
    return row or ShortIdRow(key=key, project=recorded.project, kind=prefix(key), reversed=key[::-1])


SHORT_IDS: Final = Projection(
    name="short_ids",
    version=1,
    row=ShortIdRow,
    handles=frozenset({TaskPlanned, RunQueued, SessionOpened, ProposalOpened}),
    begins=frozenset({TaskPlanned, RunQueued, ProposalOpened}),
    keys=keys,
    evolve=evolve,
    indexes=(("reversed",),),
)
