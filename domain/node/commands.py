"""What the servers ask of themselves."""

from typing import ClassVar

from domain.kernel.message import FleetCommand


class EndOutage(FleetCommand):
    """No node was up for a while and one is again (derived)."""

    NAME: ClassVar[str] = "end_outage"
    began_at: int
    """Instant of the last sign of life, in microseconds."""
