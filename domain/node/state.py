"""What decisions have to know of the servers and of their outages."""

from dataclasses import dataclass
from typing import Final, Literal

from domain.kernel.ids import Instant, StreamId
from domain.node.events import Duty, Trouble

OUTAGE_STREAM: Final = StreamId("outage_00000000000000000000000000")


KEYS_STREAM: Final = StreamId("subjectkeys_00000000000000000000000000")


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """Mark of the keys that took the place of lost ones last; empty where none were lost."""

    new: str = ""


@dataclass(frozen=True, slots=True)
class Outages:
    """The end of the latest outage; 0 where there was none."""

    ended_at: Instant = Instant(0)


@dataclass(frozen=True, slots=True)
class Node:
    """One server process; ``incarnation`` is 0 before it joined."""

    incarnation: int = 0
    status: Literal["present", "lost", "left"] = "left"
    joined_at: Instant = Instant(0)
    lease_seconds: int = 0
    troubles: tuple[Trouble, ...] = ()
    duties: tuple[Duty, ...] = ()
