"""Says an event of a lock space in one line of words."""

from typing import assert_never

from domain.kernel.values import ScopeClaim
from domain.lock.events import LockRequestWithdrawn, LocksGranted, LocksLingered, LocksReleased, LocksRequested

LockEvent = LocksGranted | LocksReleased | LocksLingered | LocksRequested | LockRequestWithdrawn

CLAIMS_TOLD_MAX = 3


def in_words(event: LockEvent) -> str:
    """The line, of any length."""
    match event:
        case LocksGranted():
            waited = "" if event.request is None else f" after waiting as {event.request}"
            return f"{event.session or event.task} holds {_told(event.claims)}{waited}"
        case LocksReleased():
            return f"locks of token {event.token} free: {event.reason.replace('_', ' ')}"
        case LocksLingered():
            return f"locks of token {event.token} stay shut: {event.reason.replace('_', ' ')}"
        case LocksRequested():
            return f"{event.session or event.task} waits as {event.request} for {_told(event.claims)}"
        case LockRequestWithdrawn():
            return f"request {event.request} for locks waits no longer: {event.reason}"
        case _:
            assert_never(event)


def _told(claims: tuple[ScopeClaim, ...]) -> str:
    shown = ", ".join(claim.claim for claim in claims[:CLAIMS_TOLD_MAX])
    return f"{shown} and {len(claims) - CLAIMS_TOLD_MAX} more" if len(claims) > CLAIMS_TOLD_MAX else shown
