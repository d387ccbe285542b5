"""What a program knows of its session's lease: until when it may write, what it lost, and why it is over."""

import threading
import time
from collections.abc import Iterable
from typing import Final

from signalbox.client.asks import Ask, Heard, ProjectToken, heartbeat
from signalbox.client.errors import Refused
from signalbox.client.work import Assignment, OpenedLife

BEAT_SECONDS_MAX: Final = 5.0
"""A heartbeat without an answer for so long has failed."""
AGAIN_SECONDS: Final = 1.0
"""Between two heartbeats while the server does not answer."""
MARGIN_SECONDS_MIN: Final = 2.0
GONE_STATUSES: Final = frozenset({401, 403, 404})


class NotOurs(Refused):
    """The work, or the session, is somebody else's by now: stop writing."""

    KIND = "FENCED"

    def __init__(self, why: str) -> None:
        super().__init__("not_ours", f"the work is not ours any more: {why}", "Stop it and write nothing more.")


def seconds_since_boot() -> float:
    """A clock that never goes back and, where the system has one, also counts the time that a machine slept."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lease:
    """Shared by who beats and who works; any number of threads."""

    def __init__(self, life: OpenedLife, opened_at: float) -> None:
        self.life = life
        self._margin = max(MARGIN_SECONDS_MIN, life.ttl_seconds / 10)
        self._deadline = opened_at + life.ttl_seconds - self._margin
        self._over = ""
        self._revoked: dict[ProjectToken, str] = {}
        self._named: dict[ProjectToken, None] = {}
        self._changed = threading.Lock()

    @property
    def over(self) -> str:
        """Why this life has ended; empty while it lives for all that is known."""
        return self._over

    @property
    def seconds_left(self) -> float:
        """How long one may go on writing if no further heartbeat is answered; 0 where the life is over."""
        return 0.0 if self._over else max(0.0, self._deadline - seconds_since_boot())

    def name(self, work: Assignment) -> None:
        """Heartbeats acknowledge it from now on."""
        with self._changed:
            self._named[work.project_token] = None

    def forget(self, work: Assignment) -> None:
        """It is settled."""
        with self._changed:
            self._named.pop(work.project_token, None)

    def beat(self) -> tuple[Ask[Heard], tuple[ProjectToken, ...], float]:
        """The next heartbeat, what it names, and when it was made."""
        with self._changed:
            named = tuple(self._named)
        seconds_max = min(BEAT_SECONDS_MAX, self.life.beat_seconds)
        ask = heartbeat(self.life.session, self.life.incarnation, named, seconds_max=seconds_max)
        return ask, named, seconds_since_boot()

    def heard(self, heard: Heard, named: Iterable[ProjectToken], sent_at: float) -> None:
        """The answer to it."""
        if heard.status not in ("live", "suspect"):
            self.end(heard.status)
            return
        # Counted from before the sending: the server renewed at some later time, so it holds at least this long.
        self._deadline = max(self._deadline, sent_at + heard.lease_seconds - self._margin)
        lost = dict.fromkeys(heard.revoked, "the server took it back")
        dying = {one.token.token: one.reason for one in heard.held if one.revoked_seconds is not None}
        lost |= {one: dying[one.token] for one in named if one.token in dying}
        with self._changed:
            self._revoked |= lost

    def refused(self, refused: Refused) -> None:
        """The server does not know the session, or not as ours."""
        if refused.status in GONE_STATUSES:
            self.end(refused.code)

    def end(self, why: str) -> None:
        """Nothing of this life is ours any more; the first reason counts."""
        with self._changed:
            self._over = self._over or why

    def revoked(self, work: Assignment) -> str:
        """Why the work is not ours any more; empty where it is for all that is known."""
        with self._changed:
            return self._over or self._revoked.get(work.project_token, "")

    def check(self, work: Assignment) -> None:
        """Raises NotOurs where the work must stop."""
        why = self.revoked(work)
        if not why and self.seconds_left <= 0:
            why = "no heartbeat was answered until shortly before the lease can have run out"
        if why:
            raise NotOurs(why)
