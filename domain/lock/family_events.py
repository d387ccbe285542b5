"""What happened to owners in a lock space when their sessions moved in the hierarchy."""

from typing import ClassVar

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message


class MovedOwner(Message):
    """A life of a session, with the names of all that it lies in from now on."""

    session: str
    incarnation: int
    ancestors: tuple[str, ...]


class LockOwnersMoved(Event):
    """Sessions stand elsewhere: their locks and waiting requests are judged by their new families from now on."""

    TYPE: ClassVar[str] = "lock.owners_moved.v1"
    owners: tuple[MovedOwner, ...]
    """Those of the moved sessions that hold or want something here."""
    at: Instant
