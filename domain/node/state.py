"""What expiry has to know of outages."""

from dataclasses import dataclass
from typing import Final

from domain.kernel.ids import Instant, StreamId

OUTAGE_STREAM: Final = StreamId("outage_00000000000000000000000000")


@dataclass(frozen=True, slots=True)
class Outages:
    """The end of the latest outage; 0 where there was none."""

    ended_at: Instant = Instant(0)
