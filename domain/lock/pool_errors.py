"""Refusals of pools: units that are not there, or that do not do what other locks do."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class PoolUnknown(Rejection):
    """There is no pool {pool} in the project.

    List the pools, or have somebody set the pool first.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    pool: str


class NoSuchMember(Rejection):
    """The pool {pool} has no member {member} that this could be done to.

    List the pool's members and name one of them.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    pool: str
    member: str


class UnitsNotUpgraded(Rejection):
    """The token {token} holds units of pools, which have no modes.

    Take the units and the other claims under tokens of their own, and upgrade that of the others.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    token: str
