"""Telling the server: progress while the work goes on, and how it ended, until the server has heard it."""

import asyncio
from typing import Final, assert_never

from api.cli.worker.attempt import Completed, Dropped, Ending, Failed, Released
from api.cli.worker.calls import complete, fail, progress, release
from api.cli.worker.directives import Progress
from api.cli.worker.held import Held
from api.cli.worker.journal import Journal
from signalbox.client.asks import Accepted, Ask
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import Refused, ServerFaultError, ServerUnavailable, SignalboxError

PROGRESS_SECONDS_MIN: Final = 0.5
"""Between two reports of progress; what is said in between is joined, the latest counts."""
PROGRESS_PATIENCE_SECONDS: Final = 5.0
REPORT_PATIENCE_SECONDS: Final = 86_400.0
FAULTS_MAX: Final = 3
"""Faults of the server in answer to one report, after which the worker gives up."""
FAULT_SECONDS: Final = 1.0
ENDED_CODES: Final = frozenset({"evidence_refused", "budget_spent", "task_was_cancelled"})
"""Refusals that have ended the attempt: there is nothing more to report."""
LIFE_OVER_CODES: Final = frozenset(
    {"session_was_lost", "session_fenced", "session_has_ended", "session_was_drained", "not_session_owner"}
)
"""Refusals that say that the session is not ours any more."""


class Reports:
    """Sends what attempts have to say; a report that was sent again carries the same command id."""

    def __init__(self, client: AsyncClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal

    async def follow(self, held: Held) -> None:
        """Report progress as it is said, until cancelled."""
        while True:
            await held.said.wait()
            held.said.clear()
            said = held.progress or Progress(None, "")
            ask = progress(held.assignment, said.percent, said.note, held.checkpoint, held.left())
            try:
                await self._client.ask(ask, patience_seconds=PROGRESS_PATIENCE_SECONDS)
            except SignalboxError as error:
                # Lost progress does no harm; a dead token is told by the heartbeats, too.
                self._tell(held, "progress_not_reported", str(error))
            await asyncio.sleep(PROGRESS_SECONDS_MIN)

    async def settle(self, held: Held, ending: Ending) -> Ending:
        """Report the end; what the server says that it was. Raises ServerFaultError."""
        ask = _report(held, ending)
        if ask is None:
            return ending
        for faults in range(FAULTS_MAX + 1):
            try:
                await self._client.ask(ask, patience_seconds=REPORT_PATIENCE_SECONDS)
            except Refused as refused:
                return await self._refused(held, ending, refused)
            except ServerUnavailable as error:
                return Dropped(str(error))
            except ServerFaultError as error:
                if faults == FAULTS_MAX:
                    raise
                self._tell(held, "fault", str(error))
                await asyncio.sleep(FAULT_SECONDS)
            else:
                break
        return ending

    async def _refused(self, held: Held, ending: Ending, refused: Refused) -> Ending:
        if refused.code in ENDED_CODES:
            return Failed("invalid_result", refused.message)
        if refused.code == "fenced" or refused.code in LIFE_OVER_CODES or isinstance(ending, Failed | Dropped):
            return Dropped(f"{refused.code}: {refused.message}")
        # The work is still ours, but this report of it is not accepted: then the attempt has failed.
        self._tell(held, "report_refused", f"{refused.message} {refused.next}")
        return await self.settle(held, Failed("invalid_result", f"{refused.code}: {refused.message}"))

    def _tell(self, held: Held, event: str, words: str) -> None:
        work = held.assignment
        self._journal.tell(event, f"{work.key}: {words}", task=work.task, key=work.key, detail=words)


def _report(held: Held, ending: Ending) -> Ask[Accepted] | None:
    work = held.assignment
    match ending:
        case Completed(summary=summary):
            return complete(work, summary, held.evidence, held.given())
        case Failed(kind=kind, reason=reason):
            return fail(work, kind, reason, held.checkpoint, held.left())
        case Released(note=note):
            return release(work, note, held.checkpoint, held.left())
        case Dropped():
            return None
        case _:
            assert_never(ending)
