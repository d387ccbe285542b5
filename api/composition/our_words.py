"""Faults of the node and of its stores in the words of the surfaces."""

from collections.abc import Awaitable
from typing import TypeVar

from api.ports import ServiceFault
from domain.kernel.past.errors import EventsInBundle
from domain.kernel.text import shown
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import OutcomeUnknown, StoreUnavailable
from infrastructure.rows.port import RowsUnavailable, TableOutdated
from infrastructure.runtime.committer import CommitterStoppedError, OverloadedError
from infrastructure.runtime.settle import ContendedError
from projections.kernel.errors import RequestRefused

T = TypeVar("T")


async def in_our_words(work: Awaitable[T]) -> T:
    """The result, or a fault of the node told as what the surfaces know. Raises ServiceFault, RequestRefused."""
    try:
        return await work
    except Exception as error:
        told = in_our_word(error)
        if told is error:
            raise
        raise told from error


def in_our_word(error: Exception) -> Exception:
    """A fault of the node as the ServiceFault or RequestRefused that the surfaces know; any other as it is."""
    match error:
        case EventsArchived():
            return RequestRefused(in_bundle(error))
        case OutcomeUnknown():
            told = ("unknown_outcome", "It is not known whether this was written.", "Send it again with the same id.")
        case StoreUnavailable() | RowsUnavailable():
            told = (
                "store_unavailable",
                "The store cannot be reached; nothing was written.",
                "Try again in a few seconds.",
            )
        case TableOutdated():
            told = (
                "read_model_outdated",
                f"The rows of {error} are of an earlier version of this program.",
                f"Rebuild them: signalbox projections rebuild {error}. Until then only what they show cannot be asked.",
            )
        case OverloadedError() | ContendedError():
            told = ("overloaded", "Too much waits already; nothing was written.", "Try again later, with the same id.")
        case CommitterStoppedError():
            told = (
                "stopping",
                "The server is going down; nothing was written.",
                "Send it to another node, or try again.",
            )
        case _:
            return error
    return ServiceFault(*told)


def in_bundle(error: EventsArchived) -> EventsInBundle:
    """What tells a caller where the events are."""
    archive = error.archive
    return EventsInBundle(
        first=archive.first, last=archive.last, bundle=archive.name, trouble=shown(error.trouble, 500)
    )
