"""Asking for work: one claim after the other, each under an id of its own, the same id while its answer is unknown."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

from api.cli.worker.life import Life
from api.cli.worker.reports import LIFE_OVER_CODES
from api.cli.worker.settings import WorkerSettings
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import Refused, ServerFaultError, SignalboxError
from signalbox.client.ids import fresh_command_id
from signalbox.client.work import Assignment, assignments_of, claim

OUTAGE_SECONDS_MAX: Final = 86_400.0
FAULTS_MAX: Final = 10
"""Faults of the server in a row, after which the worker gives up."""
LAST_ANSWER_SECONDS: Final = 2.0
QUOTA_SECONDS_MAX: Final = 10.0
"""Quota may be reset by a person: nobody sleeps for as long as a provider says."""
_TRANSIENT: Final = frozenset({409, 429})


@dataclass(frozen=True, slots=True)
class Nothing:
    """There was no work; ask again after the pause."""

    code: str
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class _Question:
    """A claim as it was sent, so that it can be asked again."""

    command_id: str
    most: int


class Claims:
    """Claims for one worker."""

    def __init__(self, client: AsyncClient, settings: WorkerSettings) -> None:
        self._client = client
        self._settings = settings
        self._faults = 0
        self._open: _Question | None = None

    async def next(self, life: Life, room: int) -> tuple[Assignment, ...] | Nothing:
        """The next assignments, ``room`` at most.

        Raises Refused for what asking again cannot mend, ServerFaultError after many faults. Cancelled while its
        answer is unknown, it leaves the question open for ``last_answer``.
        """
        question = self._open = _Question(fresh_command_id(), room)
        asked_at = time.monotonic()
        try:
            found = await self._ask(life, question, self._settings.claim_wait_seconds, OUTAGE_SECONDS_MAX)
        except Refused as refused:
            self._open = None
            return self._refused(life, refused, time.monotonic() - asked_at)
        except ServerFaultError:
            self._faults += 1
            if self._faults >= FAULTS_MAX:
                raise
            return Nothing("fault", 1.0)
        self._open, self._faults = None, 0
        return found

    async def last_answer(self, life: Life) -> tuple[Assignment, ...]:
        """What became of the claim that was broken off: the same question again, without waiting for work."""
        question, self._open = self._open, None
        if question is None:
            return ()
        try:
            async with asyncio.timeout(LAST_ANSWER_SECONDS):
                return await self._ask(life, question, 0.0, 0.0)
        except (SignalboxError, TimeoutError):
            # Whatever it was, ending the session gives it back.
            return ()

    async def _ask(
        self, life: Life, question: "_Question", wait_seconds: float, patience_seconds: float
    ) -> tuple[Assignment, ...]:
        project = self._settings.project
        ask = claim(project, life.opened, question.most, question.command_id, wait_seconds)
        return assignments_of(project, await self._client.ask(ask, patience_seconds=patience_seconds))

    def _refused(self, life: Life, refused: Refused, waited_seconds: float) -> Nothing:
        if refused.code in LIFE_OVER_CODES:
            life.end(refused.code)
            return Nothing(refused.code, 0.0)
        if refused.status not in _TRANSIENT:
            raise refused
        if refused.code == "nothing_ready":
            # The server waited for us; where it did not, nobody may ask in circles.
            quick = waited_seconds < min(1.0, self._settings.claim_wait_seconds / 2)
            return Nothing(refused.code, 0.5 + 0.5 * random.SystemRandom().random() if quick else 0.0)
        if refused.code == "quota_blocked":
            seconds = refused.data.get("seconds")
            return Nothing(refused.code, min(QUOTA_SECONDS_MAX, float(seconds)) if isinstance(seconds, int) else 2.0)
        return Nothing(refused.code, 0.5 if refused.code == "session_at_capacity" else 2.0)
