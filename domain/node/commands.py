"""What the servers ask of themselves."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, FleetCommand
from domain.kernel.text import Reference
from domain.node.events import Duty, Trouble

Words = Annotated[str, StringConstraints(max_length=500)]
Mark = Annotated[str, StringConstraints(max_length=64)]
LEASE_SECONDS_MAX = 3_600


class EndOutage(FleetCommand):
    """No node was up for a while and one is again (derived)."""

    NAME: ClassVar[str] = "end_outage"
    began_at: int
    """Instant of the last sign of life, in microseconds."""


class DeclareKeysLost(FleetCommand):
    """The keys of what was said are gone for good (asked beside a log that no server has open)."""

    NAME: ClassVar[str] = "declare_keys_lost"
    lost: Mark
    new: Mark = Field(min_length=1)
    through: int = Field(ge=0, le=COUNT_MAX)
    """Position up to which words were kept under the lost ones."""
    reason: Words = Field(min_length=1)


class NodeCommand(FleetCommand):
    """What a node says of itself, or another one of it (derived)."""

    node: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    """Counts its lives: who was taken for lost and is still there joins once more."""


class JoinNode(NodeCommand):
    """A server began to serve, or found that it had been taken for lost (derived)."""

    NAME: ClassVar[str] = "join_node"
    url: Words
    """How programs call it; empty where it takes no requests."""
    host: Words
    process: int = Field(ge=0, le=COUNT_MAX)
    """The operating system's number of its process."""
    version: Words
    store: Words
    lease_seconds: int = Field(ge=1, le=LEASE_SECONDS_MAX)
    """Silence of so many seconds means that it is lost."""


class ReportNode(NodeCommand):
    """How a node is, where that differs from before (derived)."""

    NAME: ClassVar[str] = "report_node"
    troubles: tuple[Trouble, ...]
    duties: tuple[Duty, ...]


class LoseNode(NodeCommand):
    """A node was silent for longer than its lease (derived)."""

    NAME: ClassVar[str] = "lose_node"
    renewed_at: int
    """The renewal stamp that was read; the append refuses if the lease was renewed since."""


class LeaveNode(NodeCommand):
    """A server stops on purpose (derived)."""

    NAME: ClassVar[str] = "leave_node"
