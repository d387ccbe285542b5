"""Says in words what happens to credential pools."""

from typing import assert_never

from domain.quota.events import QuotaClosed, QuotaHalfOpened, QuotaOpened, QuotaProbed, QuotaProbeEnded

QuotaTurn = QuotaOpened | QuotaHalfOpened | QuotaProbed | QuotaProbeEnded | QuotaClosed


def quota_turn(event: QuotaTurn) -> str:
    """One line; the detail, where there is one, behind a colon."""
    match event:
        case QuotaOpened():
            words = f"{event.pool} gets no work: {event.kind.replace('_', ' ')}"
            return f"{words}: {event.reason}" if event.reason else words
        case QuotaHalfOpened():
            return "one session may try whether the quota is there"
        case QuotaProbed():
            return f"{event.session} tries"
        case QuotaProbeEnded():
            return f"{event.session} went away while it tried"
        case QuotaClosed():
            return f"the quota is there: {event.because}"
        case _:
            assert_never(event)
