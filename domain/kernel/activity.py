"""What a session is seen to do: the words of its status, from facts that decisions and read models share."""

from typing import Literal, assert_never

Activity = Literal["working", "busy_in_tool", "waiting_for_person", "quota_blocked", "idle"]
"""What a session that is heard does."""
SessionStatus = Literal[
    "working", "busy_in_tool", "waiting_for_person", "quota_blocked", "idle", "suspect", "lost", "draining", "ended"
]
Liveness = Literal["live", "suspect", "lost", "ended"]


def status_of(liveness: Liveness, activity: Activity, *, draining: bool) -> SessionStatus:
    """One word: whether it is gone or silent comes first, then whether it is on its way out, then what it does."""
    match liveness:
        case "suspect" | "lost" | "ended":
            return liveness
        case "live":
            return "draining" if draining else activity
        case _:
            assert_never(liveness)


def after_claim(activity: Activity) -> Activity:
    """Whoever takes a task works, unless a tool of its runs."""
    return activity if activity == "busy_in_tool" else "working"


def after_attempt(activity: Activity, attempts_left: int) -> Activity:
    """Whoever worked and has nothing left is idle; what a signal said otherwise stays true."""
    return "idle" if activity == "working" and not attempts_left else activity
