"""One filling of a projection's table."""

from dataclasses import dataclass, replace
from typing import Literal

from projections.catalogue import AnyProjection

GenerationState = Literal["building", "live", "retired"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One filling of a projection's table. At most one is live, and it is what is asked."""

    projection: AnyProjection
    number: int
    fingerprint: str
    """Of the code that began it."""
    state: GenerationState
    checkpoint: int
    """Position of the last event that is folded in."""

    @property
    def table(self) -> str:
        """``task_board_v1_g1``."""
        return f"{self.projection.table}_g{self.number}"

    def at(self, checkpoint: int) -> "Generation":
        """The same, further on."""
        return replace(self, checkpoint=checkpoint)
