"""What happened to a credential pool."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event

QuotaKind = Literal["rate_limited", "overloaded"]


class QuotaSessionJoined(Event):
    """A session spends the quota of the pool."""

    TYPE: ClassVar[str] = "quota.session_joined.v1"
    pool: str
    """The name that sessions call it by."""
    session: str
    projects: tuple[str, ...]
    """Ids of the projects that the session serves."""
    at: Instant


class QuotaSessionLeft(Event):
    """The session spends no more."""

    TYPE: ClassVar[str] = "quota.session_left.v1"
    session: str
    at: Instant


class QuotaOpened(Event):
    """The breaker opened: nobody in the pool is given work before the instant."""

    TYPE: ClassVar[str] = "quota.opened.v1"
    pool: str
    kind: QuotaKind
    reason: str
    session: str
    """Whose report it was."""
    failures: int
    """Refusals in a row, counted once for each time that it opens."""
    until: Instant
    at: Instant


class QuotaHalfOpened(Event):
    """The instant has come: one session may try."""

    TYPE: ClassVar[str] = "quota.half_opened.v1"
    at: Instant


class QuotaProbed(Event):
    """A session tries; where nothing is refused until the instant, the quota is there again."""

    TYPE: ClassVar[str] = "quota.probed.v1"
    session: str
    token: int
    """Of the attempt that it tries with, in the project."""
    project: str
    until: Instant
    at: Instant


class QuotaProbeEnded(Event):
    """The session that tried went away without an outcome: another one may try."""

    TYPE: ClassVar[str] = "quota.probe_ended.v1"
    session: str
    at: Instant


class QuotaClosed(Event):
    """The quota is there: work is given out again."""

    TYPE: ClassVar[str] = "quota.closed.v1"
    because: Literal["probe", "reset"]
    by: str
    """The session that tried, or the principal that reset it."""
    at: Instant
