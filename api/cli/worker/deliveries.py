"""Pushed work: heartbeats that wait until the server has given something, which is then fetched by its name."""

import asyncio
import time
from typing import Final

from api.cli.worker.calls import fetch
from api.cli.worker.claims import Nothing
from api.cli.worker.life import Life
from api.cli.worker.settings import WorkerSettings
from signalbox.client.asks import Pushed, heartbeat
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.work import Assignment, assignments_of

LISTEN_SECONDS_MAX: Final = 10.0
"""How long one heartbeat waits for news."""
ANSWER_SECONDS_MAX: Final = 5.0
AGAIN_SECONDS: Final = 1.0
FETCH_SECONDS_MAX: Final = 10.0
"""An assignment is acknowledged within 30 s of being given, or is lost."""


class Deliveries:
    """What a worker asks instead of claims where it takes pushed work."""

    def __init__(self, client: AsyncClient, settings: WorkerSettings) -> None:
        self._client = client
        self._settings = settings

    async def next(self, life: Life, room: int) -> tuple[Assignment, ...] | Nothing:
        """What was given to this life and is not worked on yet, at most ``room``; waits for it a while."""
        asked_at = time.monotonic()
        wait_seconds = min(LISTEN_SECONDS_MAX, life.opened.beat_seconds, self._settings.claim_wait_seconds)
        ask = heartbeat(
            life.opened.session,
            life.opened.incarnation,
            named := dict(life.held),
            seconds_max=wait_seconds + ANSWER_SECONDS_MAX,
            wait_seconds=wait_seconds,
        )
        sent_at = life.now()
        try:
            heard = await self._client.ask(ask)
        except Refused as refused:
            if refused.status in (401, 403, 404):
                life.end(refused.code)
            return Nothing(refused.code, AGAIN_SECONDS)
        except SignalboxError:
            return Nothing("unreachable", AGAIN_SECONDS)
        life.heard(heard, named, sent_at)
        fresh = [one for one in heard.pushed if one.project_token not in life.held][:room]
        found = await asyncio.gather(*(self._fetched(life, one) for one in fresh))
        given = tuple(one for some in found for one in some)
        quick = time.monotonic() - asked_at < AGAIN_SECONDS
        return given or Nothing("nothing_ready", AGAIN_SECONDS if quick else 0.0)

    async def last_answer(self, life: Life) -> tuple[Assignment, ...]:
        """Nothing that was pushed waits for an answer: what was not fetched is given to somebody else."""
        return ()

    async def _fetched(self, life: Life, pushed: Pushed) -> tuple[Assignment, ...]:
        try:
            answer = await self._client.ask(fetch(pushed, life.opened), patience_seconds=FETCH_SECONDS_MAX)
        except SignalboxError:
            # It is not ours any more, or the next heartbeat tells of it again.
            return ()
        return assignments_of(pushed.project, answer)
