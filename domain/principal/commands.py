"""What may be asked of API keys."""

from typing import ClassVar, Literal

from pydantic import Field

from domain.kernel.message import FleetCommand
from domain.kernel.text import Reference

Role = Literal["owner", "admin", "operator", "viewer", "worker"]
"""``owner`` is the single user of a local installation, who holds every human role; no door issues such a key."""


class IssueKey(FleetCommand):
    """Record a key. The edge makes the secret and passes its keyed hash only."""

    NAME: ClassVar[str] = "issue_key"
    key: str = Field(pattern=r"^key_[0-9a-z]{26}$", description="the id of a key: key_ and 26 digits and letters")
    name: str = Field(min_length=1, max_length=100)
    role: Role
    projects: tuple[Reference, ...] = Field(default=(), max_length=100)
    """Slugs or ids; empty means every project (not for workers)."""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="the keyed hash of a secret: 64 digits 0-9 and a-f")
    lifetime_seconds: int | None = Field(default=None, gt=0, le=10 * 365 * 86_400)
    """Mandatory for workers (30 days where absent); None means no end for people."""


class RevokeKey(FleetCommand):
    """Refuse the key from now on."""

    NAME: ClassVar[str] = "revoke_key"
    key: Reference
