"""Refusals of principals: what a key may not do, and what a key may not be."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class NotPermitted(Rejection):
    """A key with the role {role} does not have the right `{action}`.

    Ask an admin to do it, or for a key whose role allows it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
    kind: str
    role: str
    action: str


class KeyIdTaken(Rejection):
    """There is a key {key} already.

    Make a new key id and secret and ask again.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    key: str


class WorkerKeyWithoutProject(Rejection):
    """The worker key {name} names no project, and a worker key never opens every project.

    Name the projects that its agents shall serve.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    name: str


class OwnerKeyNotForDoors(Rejection):
    """Nobody can be given the owner's key: it belongs to the user of the data folder.

    Issue a key with the role admin, operator, viewer or worker.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.DENIED
    AUDITED: ClassVar[bool] = True
    HTTP_STATUS: ClassVar[int] = 403
