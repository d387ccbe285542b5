"""One attempt at a task: run its command, watch what it says, and find out how it ended."""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from api.cli.worker.directives import directive_of
from api.cli.worker.group import CommandGroup, LifeLine, environment_of
from api.cli.worker.held import Held, Stop, first_of
from api.cli.worker.journal import Journal
from api.cli.worker.settings import WorkerSettings
from api.cli.worker.trees import NoWorktree, Trees
from signalbox.client.work import Assignment, OpenedLife
from signalbox.git_guard.pusher import Pusher
from signalbox.worktrees import Worktree

EXIT_TEMPORARY: Final = 75
"""EX_TEMPFAIL of sysexits.h: the command asks to be called again later, which uses up no attempt."""
LAST_WORDS_SECONDS_MAX: Final = 1.0
"""How long output is still read when the command has ended."""


@dataclass(frozen=True, slots=True)
class Completed:
    summary: str


@dataclass(frozen=True, slots=True)
class Failed:
    kind: str
    """``agent``, ``rate_limited``, ``timeout`` or ``invalid_result``."""
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    note: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """It is not ours any more: there is nothing to report."""

    why: str


Ending = Completed | Failed | Released | Dropped


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every attempt of a worker shares."""

    settings: WorkerSettings
    journal: Journal
    life_line: LifeLine
    url: str
    trees: Trees | None = None
    """Where each attempt gets a worktree of its own."""


async def attempt(held: Held, surroundings: Surroundings, life: OpenedLife) -> Ending:
    """Work on an assignment once a heartbeat has confirmed it; never raises but by cancellation."""
    stopped = await _confirmed(held)
    if stopped is not None:
        return _stopped(held, stopped)
    work, settings = held.assignment, surroundings.settings
    command = work.run if work.run is not None else settings.command
    if command is None:
        return Released("this worker has no --exec, and the task says no `run`")
    variables = _variables(work, life, surroundings.url)
    if surroundings.trees is None:
        return await _run(held, surroundings, command, variables)
    try:
        tree = await surroundings.trees.take(held, life)
    except NoWorktree as none:
        return _stopped(held, held.stopped.result()) if held.stopped.done() else Failed("agent", str(none))
    try:
        place = {"SIGNALBOX_WORKTREE": str(tree.place)}
        return await _run(held, surroundings, command, {**variables, **place}, tree)
    finally:
        await surroundings.trees.leave(held, tree)


async def _run(
    held: Held,
    surroundings: Surroundings,
    command: str,
    variables: Mapping[str, object],
    tree: Worktree | None = None,
) -> Ending:
    environment = environment_of(os.environ, variables)
    try:
        group = await CommandGroup.start(command, environment, surroundings.life_line, tree)
    except (OSError, ValueError) as error:
        return Failed("agent", f"the command cannot be started: {error}")
    return await _watched(held, group, surroundings)


async def _confirmed(held: Held) -> Stop | None:
    """Wait until the token is known to be live; an answer that came late may bring a token that is not any more."""
    confirmed = asyncio.ensure_future(held.confirmed.wait())
    await first_of(confirmed, held.stopped)
    confirmed.cancel()
    return held.stopped.result() if held.stopped.done() else None


async def _watched(held: Held, group: CommandGroup, surroundings: Surroundings) -> Ending:
    readers = [asyncio.ensure_future(_read(held, group, source, surroundings)) for source in ("stdout", "stderr")]
    feeding = asyncio.ensure_future(group.feed(_stdin(held.assignment)))
    ended = asyncio.ensure_future(group.ended())
    try:
        await first_of(ended, held.stopped, seconds_max=held.seconds_left())
        if not ended.done():
            held.stop(Stop.TIMEOUT)
            await group.stop(surroundings.settings.term_seconds, readers)
    finally:
        held.working = False
        group.kill_rest()
        feeding.cancel()
    await asyncio.wait(readers, timeout=LAST_WORDS_SECONDS_MAX)
    for reader in readers:
        reader.cancel()
    return _stopped(held, held.stopped.result()) if held.stopped.done() else _exited(held, ended.result())


async def _read(held: Held, group: CommandGroup, source: str, surroundings: Surroundings) -> None:
    work = held.assignment
    async for line in group.lines(source):
        directive = directive_of(line) if source == "stdout" else None
        if directive is None:
            held.keep(line)
            surroundings.journal.output(work.task, work.key, source, line)
        else:
            held.hear(directive)


def _exited(held: Held, code: int) -> Ending:
    if code == 0:
        return Completed(held.summary if held.summary is not None else held.tail)
    kind = "rate_limited" if code == EXIT_TEMPORARY else "agent"
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return Failed(kind, f"{held.tail}\n{how}".strip())


def _stopped(held: Held, why: Stop) -> Ending:
    match why:
        case Stop.REVOKED | Stop.LIFE_OVER:
            return Dropped(why.value)
        case Stop.TIMEOUT:
            return Failed("timeout", f"{held.tail}\n{why.value}".strip())
        case Stop.CANCELLED:
            return Released(why.value)
        case Stop.UNREACHABLE | Stop.DRAINING | Stop.HOLD_OVER:
            return Released(f"{why.value}; the work was stopped half way")


def _variables(work: Assignment, life: OpenedLife, url: str) -> dict[str, object]:
    """What the command finds in its environment. SIGNALBOX_KEY stays what it is: the key of the server."""
    return {
        "SIGNALBOX_TASK_ID": work.task,
        "SIGNALBOX_TASK_KEY": work.key,
        "SIGNALBOX_TITLE": work.title,
        "SIGNALBOX_BODY": work.fields.get("body"),
        "SIGNALBOX_KIND": work.fields.get("kind"),
        "SIGNALBOX_TOKEN": work.token,
        "SIGNALBOX_ATTEMPT": work.attempt,
        "SIGNALBOX_SCOPE": json.dumps(work.fields.get("scope") or []),
        "SIGNALBOX_CHECKPOINT": work.fields.get("checkpoint"),
        "SIGNALBOX_HANDOVER": work.fields.get("handover"),
        "SIGNALBOX_FAILURE": work.fields.get("failure"),
        "SIGNALBOX_PROJECT": work.project,
        "SIGNALBOX_SESSION": life.session,
        "SIGNALBOX_INCARNATION": life.incarnation,
        "SIGNALBOX_PUSH_OPTION": Pusher(life.session, life.incarnation, work.token).option,
        "SIGNALBOX_URL": url,
        **_of_run(work),
    }


def _of_run(work: Assignment) -> dict[str, object]:
    """What only the work of a run is told."""
    origin = work.fields.get("origin")
    if not isinstance(origin, dict):
        return {}
    told = cast("dict[str, object]", origin)
    return {
        "SIGNALBOX_RUN": told.get("run"),
        "SIGNALBOX_PHASE": told.get("place"),
        "SIGNALBOX_GENERATION": told.get("generation"),
        "SIGNALBOX_PURPOSE": told.get("purpose"),
        "SIGNALBOX_CHANGES": told.get("changes") or "",
        "SIGNALBOX_INPUT": work.fields.get("input"),
    }


def _stdin(work: Assignment) -> bytes:
    return json.dumps({"project": work.project, **work.fields}, ensure_ascii=False).encode(errors="replace") + b"\n"
