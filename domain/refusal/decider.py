"""What is kept of refusals: they are recorded beside the refused decision and decide nothing."""

from typing import Final

from domain.kernel.decider import Aggregate, Decision, View, Write
from domain.kernel.ids import FLEET, SUFFIX_LENGTH, ProjectId, StreamId, with_prefix
from domain.kernel.message import Stamp
from domain.refusal.commands import RecordRefusal
from domain.refusal.events import CommandRefused
from domain.refusal.state import Refusals


def record(command: RecordRefusal, stamp: Stamp, _: View) -> Decision:
    """One more refusal of the stamp's project; what was refused before a decision leaves no trace otherwise."""
    refused = CommandRefused(
        command=command.command,
        code=command.code,
        message=command.message,
        principal=command.principal,
        at=stamp.time,
    )
    return Decision((Write(refusals_stream(stamp.project), (refused,), stamp.project),))


def refusals_stream(project: ProjectId) -> StreamId:
    """The stream of a project's audited refusals; the fleet has one of its own."""
    return StreamId("refusals_" + "0" * SUFFIX_LENGTH) if project == FLEET else with_prefix("refusals", project)


def evolve(state: Refusals, _: CommandRefused) -> Refusals:
    """One more."""
    return Refusals(state.count + 1)


REFUSALS: Final[Aggregate[Refusals]] = Aggregate(
    prefix="refusals", initial=Refusals(), evolve=evolve, state_type=Refusals, snapshot_every=1_000
)
