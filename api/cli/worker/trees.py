"""A worktree for each attempt: its unit is asked for, its folder made ready, and both are given back in the end."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, TypeVar

from api.cli.worker.directives import Artifact
from api.cli.worker.held import Held, first_of
from api.cli.worker.journal import Journal
from signalbox.client.asks import command
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import SignalboxError
from signalbox.client.fields import Fields, objects, text, texts
from signalbox.client.work import OpenedLife
from signalbox.worktrees import Worktree, Worktrees, checked, entered, keep_left, let_go, prepared

WAIT_SECONDS: Final = 20.0
"""How long one question after a unit waits at the server."""
PATIENCE_SECONDS: Final = 86_400.0
"""The attempt itself is stopped long before, where the server stays away."""
LOOK_SECONDS: Final = 0.2
T = TypeVar("T")


class NoWorktree(Exception):
    """Control flow: the attempt goes on without its folder, for this reason; empty where it was stopped."""


class Trees:
    """The worktrees of one worker."""

    def __init__(self, client: AsyncClient, worktrees: Worktrees, journal: Journal) -> None:
        self._client = client
        self._worktrees = worktrees
        self._journal = journal

    async def check(self, project: str, patience_seconds: float) -> None:
        """See that there is such a repository, and such a pool. Raises Refused, ServerUnavailable."""
        await asyncio.to_thread(checked, self._worktrees)
        asked = command("describe_pool", {"project": project, "pool": self._worktrees.pool})
        await self._client.ask(asked, patience_seconds=patience_seconds)

    async def take(self, held: Held, life: OpenedLife) -> Worktree:
        """The folder of the attempt, ready for it. Raises NoWorktree."""
        work, member = held.assignment, await self._unit(held, life)
        tree = await self._entered(held, member)
        try:
            left = await asyncio.to_thread(prepared, self._worktrees, tree, work.task, work.attempt)
        except (SignalboxError, OSError) as error:
            let_go(tree)
            raise NoWorktree(f"the worktree {tree.place} cannot be made: {error}") from error
        except asyncio.CancelledError:
            let_go(tree)
            raise
        if left is not None:
            self._tell(held, "worktree_found", f"what a former attempt left in {tree.place} is kept as {left}")
        return tree

    async def leave(self, held: Held, tree: Worktree) -> None:
        """Keep what the attempt left, tell the next one of it, and let the folder go."""
        try:
            left = await asyncio.to_thread(keep_left, self._worktrees, tree)
        except (SignalboxError, OSError) as error:
            self._tell(held, "worktree_unread", f"what lies in {tree.place} could not be kept: {error}")
        else:
            if left is not None:
                held.hear(Artifact("worktree", f"git:{left}", ""))
                self._tell(held, "worktree_left", f"what was left in {tree.place} is kept as {left}")
        finally:
            let_go(tree)

    async def _unit(self, held: Held, life: OpenedLife) -> str:
        work = held.assignment
        asked = {"project": work.project, "session": life.session, "incarnation": life.incarnation}
        wish = {
            "claims": [{"claim": self._worktrees.claim}],
            "attempt": work.token,
            "purpose": f"worktree of {work.key}"[:500],
            "wait": "queue",
            "on_loss": "lock_delay",
        }
        answer = await self._asked(held, "acquire_locks", {**asked, **wish})
        while answer.get("outcome") == "waiting":
            request = {"request": text(answer, "request")}
            try:
                answer = await self._asked(held, "await_locks", {**asked, **request}, WAIT_SECONDS)
            except NoWorktree:
                with suppress(SignalboxError):
                    await self._client.ask(command("withdraw_lock_request", {**asked, **request}))
                raise
        return texts(objects(answer, "members")[0], "members")[0]

    async def _asked(self, held: Held, name: str, fields: Fields, wait_seconds: float = 0.0) -> Fields:
        ask = command(name, fields, wait_seconds=wait_seconds)
        try:
            return (await _unless_stopped(held, self._client.ask(ask, patience_seconds=PATIENCE_SECONDS))).answer
        except SignalboxError as error:
            raise NoWorktree(f"there is no worktree: {error.message}") from error

    async def _entered(self, held: Held, member: str) -> Worktree:
        told = False
        while (tree := entered(self._worktrees, member)) is None:
            if not told:
                place = self._worktrees.folder / member
                self._tell(held, "worktree_busy", f"processes of a former attempt still run in {place}; waiting")
                told = True
            await _unless_stopped(held, asyncio.sleep(LOOK_SECONDS))
        return tree

    def _tell(self, held: Held, event: str, words: str) -> None:
        work = held.assignment
        self._journal.tell(event, f"{work.key}: {words}", task=work.task, key=work.key, detail=words)


async def _unless_stopped(held: Held, awaited: Awaitable[T]) -> T:
    """What comes of it. Raises NoWorktree where the work has to stop before."""
    waiting = asyncio.ensure_future(awaited)
    try:
        await first_of(waiting, held.stopped, seconds_max=held.seconds_left())
        if not waiting.done():
            raise NoWorktree("" if held.stopped.done() else "its time was over before it had a worktree")
        return waiting.result()
    finally:
        waiting.cancel()
