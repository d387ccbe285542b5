"""What may be asked of a project's lock space."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import Field

from domain.kernel.message import ProjectCommand
from domain.kernel.values import ScopeClaim

Priority = Literal["normal", "raised", "urgent", "person"]
BOOST_SECONDS: Final[Mapping[Priority, int]] = {"normal": 0, "raised": 30, "urgent": 300, "person": 3_600}
"""How much earlier than it came a request counts as queued."""


class AcquireLocks(ProjectCommand):
    """Take up to 64 claims, all or nothing, for a session. An identical live claim returns the existing grant."""

    NAME: ClassVar[str] = "acquire_locks"
    session: str
    incarnation: int = Field(ge=1)
    claims: tuple[ScopeClaim, ...] = Field(min_length=1, max_length=64)
    purpose: str = Field(default="", max_length=500)
    wait: Literal["none", "preview", "queue"] = "none"
    """``preview`` changes nothing and explains; ``queue`` waits in line for what is not free."""
    wait_timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    """How long it may wait in the queue; None until it is granted or withdrawn."""
    priority: Priority = "normal"
    """Counts as queued 0, 30, 300 or 3,600 s earlier; ``person`` is for people."""


class ReleaseLocks(ProjectCommand):
    """Give back the locks of one token that the session took outside any attempt."""

    NAME: ClassVar[str] = "release_locks"
    session: str
    incarnation: int = Field(ge=1)
    token: str = Field(pattern=r"^[0-9]{1,19}$")


class RequestCommand(ProjectCommand):
    """A command on one waiting request of a session."""

    session: str
    incarnation: int = Field(ge=1)
    request: str = Field(pattern=r"^[0-9]{1,18}$")


class AwaitLocks(RequestCommand):
    """Ask what became of a request that waited: its grant, its place, or why it got nothing. Changes nothing."""

    NAME: ClassVar[str] = "await_locks"


class WithdrawLockRequest(RequestCommand):
    """Leave the queue. Withdrawing twice changes nothing."""

    NAME: ClassVar[str] = "withdraw_lock_request"


class TimeOutLockRequest(ProjectCommand):
    """The request waited as long as it may (derived)."""

    NAME: ClassVar[str] = "time_out_lock_request"
    request: str = Field(pattern=r"^[0-9]{1,18}$")


class EndLockDelay(ProjectCommand):
    """The lock-delay of a lost owner's locks is over (derived)."""

    NAME: ClassVar[str] = "end_lock_delay"
    token: str = Field(pattern=r"^[0-9]{1,19}$")
    until: int
