"""What may be asked of a project's lock space."""

from typing import ClassVar, Literal

from pydantic import Field

from domain.kernel.message import ProjectCommand
from domain.kernel.values import ScopeClaim


class AcquireLocks(ProjectCommand):
    """Take up to 64 claims, all or nothing, for a session. An identical live claim returns the existing grant."""

    NAME: ClassVar[str] = "acquire_locks"
    session: str
    incarnation: int = Field(ge=1)
    claims: tuple[ScopeClaim, ...] = Field(min_length=1, max_length=64)
    purpose: str = Field(default="", max_length=500)
    wait: Literal["none", "preview"] = "none"
    """``preview`` changes nothing and explains."""


class ReleaseLocks(ProjectCommand):
    """Give back the locks of one token that the session took outside any attempt."""

    NAME: ClassVar[str] = "release_locks"
    session: str
    incarnation: int = Field(ge=1)
    token: str = Field(pattern=r"^[0-9]{1,19}$")


class EndLockDelay(ProjectCommand):
    """The lock-delay of a lost owner's locks is over (derived)."""

    NAME: ClassVar[str] = "end_lock_delay"
    token: str = Field(pattern=r"^[0-9]{1,19}$")
    until: int
