"""A worker as a process: its life line, its client, its signals, its last words."""

import asyncio
import signal
from typing import Final

from api.cli.worker.attempt import Surroundings
from api.cli.worker.group import LifeLine
from api.cli.worker.idle import Idleness
from api.cli.worker.journal import Journal
from api.cli.worker.settings import WorkerSettings
from api.cli.worker.trees import Trees
from api.cli.worker.worker import Worker
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.endpoint import Endpoint
from signalbox.client.errors import SignalboxError

REQUESTS_BESIDE: Final = 4
"""Requests at a time beside those of attempts: a claim, a heartbeat, a look at the board."""


def run_worker(endpoint: Endpoint, settings: WorkerSettings, *, as_json: bool) -> bool:
    """Work until stopped or idle; whether all that there was is done, as far as it was asked.

    Raises Refused, ServerUnavailable or ServerFaultError.
    """
    # First of all: shells know descriptors of one digit only.
    life_line = LifeLine.open()
    try:
        return asyncio.run(_run(endpoint, settings, Journal(as_json=as_json), life_line))
    finally:
        life_line.close()


async def _run(endpoint: Endpoint, settings: WorkerSettings, journal: Journal, life_line: LifeLine) -> bool:
    client = AsyncClient(endpoint, requests_max=2 * settings.capacity + REQUESTS_BESIDE)
    trees = None if settings.worktrees is None else Trees(client, settings.worktrees, journal)
    surroundings = Surroundings(settings, journal, life_line, endpoint.url, trees)
    idleness = Idleness(client, settings.project)
    worker = Worker(client, surroundings, idleness)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    try:
        if trees is not None:
            await trees.check(settings.project, settings.start_patience_seconds)
        if settings.command is None:
            words = "without --exec only tasks that say `run` are done here; others are given back"
            journal.tell("no_command", words)
        await worker.run()
    except SignalboxError:
        # Who never began has no work to add up: the error says it all.
        if worker.served:
            journal.totals(worker.totals)
        raise
    else:
        journal.totals(worker.totals)
        return not idleness.in_vain
    finally:
        await client.close()
