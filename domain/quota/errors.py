"""Refusals of a credential pool."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class QuotaBlocked(Rejection):
    """The quota of the credentials {pool} is used up ({kind}): nobody that shares them gets work for {seconds} s.

    Ask again then; an operator may reset the pool, if the quota is there again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    pool: str
    kind: str
    seconds: int
    """Until the next try; a bound, since whoever tries first decides for all."""
    until: int
    """Microseconds since 1970."""


class NoCredentialPool(Rejection):
    """The session {session} named no credential pool when it was opened.

    Open it again with resume and credential_pool; without a pool, refused quota stops nobody else.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    session: str


class CredentialPoolFull(Rejection):
    """The credential pool {pool} has {most} sessions, which is the limit.

    End sessions that are not needed, or open this one with another pool.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 409
    pool: str
    most: int


class CredentialPoolForeign(Rejection):
    """The credential pool {pool} is spent by sessions of projects that this one does not serve.

    Choose another name. To share it, open a session with a key that serves a project of theirs, too.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    pool: str
