"""What is kept of refusals: they are recorded beside the refused decision and decide nothing."""

from typing import Final

from domain.kernel.decider import Aggregate
from domain.refusal.events import CommandRefused
from domain.refusal.state import Refusals


def evolve(state: Refusals, _: CommandRefused) -> Refusals:
    """One more."""
    return Refusals(state.count + 1)


REFUSALS: Final[Aggregate[Refusals]] = Aggregate(
    prefix="refusals", initial=Refusals(), evolve=evolve, state_type=Refusals, snapshot_every=1_000
)
