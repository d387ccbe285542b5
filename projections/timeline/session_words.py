"""Says in words what a session does and where it stands."""

from typing import assert_never

from domain.session.events import (
    SessionDrainBegun,
    SessionDrainEnded,
    SessionReparented,
    SessionRevokeNoticed,
    SessionStatusChanged,
)

SessionManner = SessionStatusChanged | SessionDrainBegun | SessionDrainEnded | SessionReparented | SessionRevokeNoticed


def manner_of(event: SessionManner) -> str:
    """One line; the detail, where there is one, behind a colon."""
    match event:
        case SessionStatusChanged():
            words = event.status.replace("_", " ")
            return _with(f"{words} {event.tool}" if event.tool else words, event.note)
        case SessionDrainBegun():
            return _with("takes nothing new and ends with what it has", event.reason)
        case SessionDrainEnded():
            return "takes work again"
        case SessionRevokeNoticed():
            return _with("told to end an attempt, whose token is revoked after a grace", event.reason)
        case SessionReparented():
            where = "below nobody" if event.parent is None else f"below {event.parent}"
            return f"stands {where}, {event.because}"
        case _:
            assert_never(event)


def _with(what: str, detail: str) -> str:
    return f"{what}: {detail}" if detail else what
