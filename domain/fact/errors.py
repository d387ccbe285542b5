"""Refusals of what a project publishes."""

from typing import ClassVar

from domain.kernel.errors import RefusalKind, Rejection


class VersionTaken(Rejection):
    """Version {version} of {artefact} is there already{how}.

    Publish another version: what others may have taken does not change.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.CONFLICT
    artefact: str
    version: str
    how: str
    """What speaks against it: ``, and it says something else``, or ``, and was withdrawn``."""


class VersionsFull(Rejection):
    """{artefact} has {count} versions, and no more are kept.

    Publish it under another name.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.LIMIT
    HTTP_STATUS: ClassVar[int] = 422
    artefact: str
    count: int


class VersionAbsent(Rejection):
    """There is no version {version} of {artefact} here; there are {published}.

    Name one of those; `signalbox events` shows what was published.
    """

    KIND: ClassVar[RefusalKind] = RefusalKind.BAD_PATTERN
    HTTP_STATUS: ClassVar[int] = 404
    artefact: str
    version: str
    published: str
    """Versions that there are, some of them where they are many."""
