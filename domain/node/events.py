"""What happened to the servers."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event

Trouble = Literal["log_lag", "projector_lag", "projection_stopped", "projector_failing", "commands_waiting"]
"""Why a node is not well; see ``domain.node.health`` for the bounds."""
Duty = Literal["ticker"]
"""Work that one node does for all: sweeping what time brings about."""


class OutageEnded(Event):
    """Nobody could renew between the two instants; every lease gets a grace of one TTL from the end."""

    TYPE: ClassVar[str] = "outage.ended.v1"
    began_at: Instant
    at: Instant


class NodeJoined(Event):
    """A server began to serve, or came back after it was taken for lost."""

    TYPE: ClassVar[str] = "node.joined.v1"
    incarnation: int
    url: str
    host: str
    process: int
    version: str
    store: str
    lease_seconds: int
    at: Instant


class NodeStatusChanged(Event):
    """The node is healthy or not, or has other duties than before."""

    TYPE: ClassVar[str] = "node.status_changed.v1"
    incarnation: int
    troubles: tuple[Trouble, ...]
    """None: it is healthy."""
    duties: tuple[Duty, ...]
    at: Instant


class NodeLost(Event):
    """The node was not heard for longer than its lease: it crashed, stands still or is cut off."""

    TYPE: ClassVar[str] = "node.lost.v1"
    incarnation: int
    seen_at: Instant
    at: Instant


class NodeLeft(Event):
    """The node was stopped on purpose."""

    TYPE: ClassVar[str] = "node.left.v1"
    incarnation: int
    at: Instant


class SubjectKeysLost(Event):
    """The keys under which words were kept are gone for good: what was said until then reads as erased."""

    TYPE: ClassVar[str] = "subject.keys_lost.v1"
    lost: str
    """Mark of the keys that are gone; empty where the log knew of none yet."""
    new: str
    """Mark of those under which words are kept from then on."""
    through: int
    """Position up to which words were kept under the lost ones."""
    reason: str
    by: str
    """Principal."""
    at: Instant
