"""The picture of `signalbox watch` on the first page: what the program draws of a small fleet at work."""

import io
import re
import time
from collections.abc import Mapping
from typing import Final

from rich.console import Console

from api.cli.board import Board, picture

COLUMNS: Final = 110
REMOTE_FONTS: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")
"""Whoever reads a page offline, or rather not observed, gets the fonts that are there."""
# Ages are minutes that have just begun: however long drawing takes, it draws the same.
_TASKS: Final = (
    ("api", "RUNNING", 1, 60, "agent0", 275, "Write the API"),
    ("page", "RUNNING", 1, 25, "agent1", 155, "Write the page"),
    ("login/tests", "ASSIGNED", 2, None, "agent2", 92, "Test the login"),
    ("migrate", "BACKOFF", 1, None, "", 215, "Move the old orders over"),
)
_SESSIONS: Final = (
    ("agent0", "claude", "BUSY_IN_TOOL", 7, 0, 3_900),
    ("agent1", "codex", "WORKING", 5, 1, 3_840),
    ("agent2", "gemini", "WORKING", 6, 0, 1_235),
)
_LOCKS: Final = (
    ("1099511627801", 0, ("path:shop//src/api/**", "name:db/migrations"), 275),
    ("1099511627803", 1, ("path:shop//src/page/**",), 155),
    ("1099511627806", 2, ("path:shop//tests/login/**",), 92),
)
_COUNTS: Final = {"pending": 9, "ready": 4, "assigned": 1, "running": 2, "backoff": 1, "completed": 23, "failed": 0,
    "cancelled": 0}  # fmt: skip


def board_picture() -> str:
    """As SVG."""
    # Whoever draws may sit at a terminal that knows no colours, or at none.
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        _environ={"TERM": "xterm"},
    )
    console.print(picture(_board(), "", live=True))
    return REMOTE_FONTS.sub("", console.export_svg(title="signalbox watch", unique_id="watch"))


def _board() -> Board:
    now = time.time()

    def ago(seconds: int) -> int:
        return round((now - seconds) * 1_000_000)

    tasks: list[Mapping[str, object]] = [
        {"id": f"task_0000x{place}7k2", "key": key, "title": title, "status": status, "kind": "code", "priority": 0,
         "attempt": attempt, "percent": percent, "sessionId": f"sess_{holder}", "changedAt": ago(seconds)}
        for place, (key, status, attempt, percent, holder, seconds, title) in enumerate(_TASKS)
    ]  # fmt: skip
    sessions: list[Mapping[str, object]] = [
        {"id": f"sess_{session}", "name": tool, "status": status, "incarnation": 1, "tool": tool, "host": "forge",
         "attemptsLive": 1, "capacity": 1, "completedTotal": done, "failedTotal": failed, "lostTotal": 0,
         "openedAt": ago(seconds)}
        for session, tool, status, done, failed, seconds in _SESSIONS
    ]  # fmt: skip
    locks: list[Mapping[str, object]] = [
        {"token": token, "sessionId": f"sess_agent{place}", "taskId": tasks[place]["id"], "grantedAt": ago(seconds),
         "claims": [{"claim": claim, "mode": "EXCLUSIVE"} for claim in claims]}
        for token, place, claims, seconds in _LOCKS
    ]  # fmt: skip
    return Board("shop", 1_204, dict(_COUNTS), tuple(tasks), tuple(sessions), tuple(locks), 0.0)
