"""What a signal changes about a session: nothing, where it does already what the signal says."""

from typing import Final, Literal, NamedTuple, assert_never

from domain.kernel.activity import Activity
from domain.kernel.ids import SECOND, Instant
from domain.session.commands import SignalSession
from domain.session.events import SessionStatusChanged
from domain.session.state import Session

TOOL_SECONDS_MAX: Final = 1_800
"""How long a started tool holds the lease of a silent session."""
Said = Literal[
    "tool_started", "tool_ended", "progress", "waiting_for_person", "quota_refused", "quota_restored", "stop"
]


class _Does(NamedTuple):
    activity: Activity
    tool: str = ""
    tool_until: Instant | None = None


def signalled(session: Session, command: SignalSession, at: Instant) -> tuple[SessionStatusChanged, ...]:
    """At most one event. A signal ``exit`` is a goodbye and changes no status."""
    if command.signal == "exit":
        return ()
    return status_changed(session, command.signal, command, at)


def status_changed(
    session: Session, signal: Said, command: SignalSession | None, at: Instant, note: str = ""
) -> tuple[SessionStatusChanged, ...]:
    """What the signal makes of the status, if that is something else; ``command`` is None where a policy says it."""
    does = _does(session, signal, command, at)
    if (does.activity, does.tool) == (session.activity, session.tool):
        return ()
    changed = SessionStatusChanged(
        incarnation=session.opened.incarnation,
        status=does.activity,
        signal=signal,
        tool=does.tool,
        tool_until=does.tool_until,
        digest="" if command is None else command.digest,
        note=note if command is None else command.note,
        at=at,
    )
    return (changed,)


def _does(session: Session, signal: Said, command: SignalSession | None, at: Instant) -> _Does:
    as_before = _Does(session.activity, session.tool, session.tool_until)
    tool = "" if command is None else command.tool
    match signal:
        case "tool_started":
            asked = TOOL_SECONDS_MAX if command is None or command.seconds is None else command.seconds
            return _Does("busy_in_tool", tool, Instant(at + min(asked, TOOL_SECONDS_MAX) * SECOND))
        case "tool_ended":
            # Of several tools at once the latest counts; the end of another one says nothing of it.
            over = session.activity == "busy_in_tool" and tool in ("", session.tool)
            return _Does("working") if over else as_before
        case "progress":
            return as_before if session.activity == "busy_in_tool" else _Does("working")
        case "waiting_for_person":
            return _Does("waiting_for_person")
        case "quota_refused":
            return _Does("quota_blocked")
        case "quota_restored":
            restored: Activity = "working" if session.attempts else "idle"
            return _Does(restored) if session.activity == "quota_blocked" else as_before
        case "stop":
            return _Does("idle")
        case _:
            assert_never(signal)
