"""Refusals of a project."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class ProjectNameTaken(Rejection):
    """There is a project {name} already, with other settings.

    Use it as it is or choose another name; names are taken for ever.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    name: str


class ProjectIsFrozen(Rejection):
    """The project {name} is frozen: nothing new is dispatched.

    Finish what you hold and ask again after somebody unfroze it.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    name: str


class SettingsUnfit(Rejection):
    """These settings cannot hold together: {reason}.

    Change one of them.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 422
    reason: str


class GrantsLimited(Rejection):
    """The project lets {most} others need its tasks already, which is the bound.

    Revoke one of the grants first.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    most: int


class BookmarksLimited(Rejection):
    """The project has {most} bookmarks already, which is the bound.

    Remove one of them first.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    most: int
