"""What happened to the servers."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event


class OutageEnded(Event):
    """Nobody could renew between the two instants; every lease gets a grace of one TTL from the end."""

    TYPE: ClassVar[str] = "outage.ended.v1"
    began_at: Instant
    at: Instant
