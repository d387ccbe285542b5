"""Bundles as an offline source of events, for the command line."""

from collections.abc import Iterator
from pathlib import Path

from domain import catalogue
from domain.kernel.decider import Recorded
from infrastructure.bundle.reader import Bundle
from infrastructure.log.mapper import recorded


def events_of_bundle(folder: Path, *, after: int = 0) -> Iterator[Recorded]:
    """The events of a bundle with position > ``after``, in order, decoded; constant memory.

    Raises BundleUnreadable, and UnknownEventType for a name that this program does not know.
    """
    return (recorded(row, catalogue.REGISTRY) for row in Bundle(folder).rows(after=after))
