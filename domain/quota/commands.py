"""What may be asked of credential pools."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, FleetCommand
from domain.kernel.text import Reference
from domain.quota.events import QuotaKind

Reason = Annotated[str, StringConstraints(max_length=500)]
RETRY_SECONDS_MAX = 7 * 86_400


class ReportQuota(FleetCommand):
    """Say that the credentials of a session are refused: nobody that shares them is given work for a while."""

    NAME: ClassVar[str] = "report_quota"
    session: Reference
    incarnation: int = Field(ge=1, le=COUNT_MAX)
    kind: QuotaKind = "rate_limited"
    reason: Reason = ""
    retry_after_seconds: int | None = Field(default=None, ge=1, le=RETRY_SECONDS_MAX)
    """When the provider says that it is over; without it 30 s, and twice as long each time, up to an hour."""


class ResetQuota(FleetCommand):
    """Give out work again, whatever was reported."""

    NAME: ClassVar[str] = "reset_quota"
    pool: Reference


class HalfOpenQuota(FleetCommand):
    """The pool has waited long enough (derived)."""

    NAME: ClassVar[str] = "half_open_quota"
    pool: str
    """Id of its stream."""
    until: int


class SettleQuotaProbe(FleetCommand):
    """How the try went (derived)."""

    NAME: ClassVar[str] = "settle_quota_probe"
    pool: str
    """Id of its stream."""
    session: str
    project: str
    token: int
    outcome: Literal["succeeded", "unknown"]


class MarkQuota(FleetCommand):
    """Show on a session that its pool is used up, or is not any more (derived)."""

    NAME: ClassVar[str] = "mark_quota"
    session: str
    pool: str
    """Id of its stream."""
