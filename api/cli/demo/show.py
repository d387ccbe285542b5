"""One run of the demo from beginning to end: repository, server, plan, fleet, judgement."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.cli.demo.figures import figures_of
from api.cli.demo.findings import examine
from api.cli.demo.fleet import Fleet
from api.cli.demo.processes import ProcessFailedError, Server, end
from api.cli.demo.repository import GitFailedError, history_of, make_repository
from api.cli.demo.verdict import Run, holds, report_of, words_of
from api.cli.demo.work import files, pieces_of, planned
from api.cli.exits import Exit
from domain.task.commands import PlannedTask
from signalbox.client.errors import Refused, SignalboxError
from signalbox.client.fields import Fields, integer, items, text
from signalbox.client.synchronous import Client

PROJECT: Final = "demo"
LOCK_DELAY_SECONDS: Final = 2
PATIENCE_SECONDS: Final = 15.0
TASKS_MAX: Final = 2_000
WORKERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What can be chosen."""

    tasks: int = 300
    workers: int = 8
    kills: int = 2
    seed: int = 1
    without_locks: bool = False
    keep: Path | None = None
    """Folder that does not exist yet or is empty; it stays. Without one, a temporary folder that goes."""
    as_json: bool = False
    seconds_max: float = 900.0
    """The work has to be done within this time."""


def show(settings: DemoSettings) -> Exit:
    """Run it, print it; OK only if every promise held, or if the harm without locks was to be seen. Raises Refused."""
    _check(settings)
    try:
        with _ended_by_sigterm(), _folder(settings) as folder:
            run = _run(settings, folder)
    except (ProcessFailedError, GitFailedError, SignalboxError) as error:
        _print(settings, {"ok": False, "error": str(error)}, [f"the demo failed: {error}"])
        return Exit.FAULT
    _print(settings, report_of(run), ["", *words_of(run)])
    if holds(run):
        return Exit.OK
    _teller(settings)("Run it with --keep DIR to look into what happened.")
    return Exit.REFUSED


def _run(settings: DemoSettings, folder: Path) -> Run:
    tell = _teller(settings)
    guarded = not settings.without_locks
    pieces = pieces_of(settings.tasks, settings.seed)
    tasks = [planned(piece, guarded=guarded) for piece in pieces]
    bare = make_repository(folder, files())
    server = Server.start(folder)
    try:
        tell(f"server {server.endpoint.url}, shared repository {bare}")
        with Client(server.endpoint, patience_seconds=PATIENCE_SECONDS) as client:
            _apply(client, tasks)
            tell(
                f"{settings.tasks} tasks on {len(files())} files{'' if guarded else ', without locks'}; "
                f"{settings.workers} workers, {settings.kills} of them will be killed"
            )
            fleet = Fleet(server, client, PROJECT, bare, settings.tasks, settings.kills, tell)
            try:
                fleet.start(settings.workers)
                fleet.work(settings.seconds_max)
            finally:
                fleet.stop()
        tell("the fleet is done; now the repository is judged")
    finally:
        end(server.process)
    return Run(
        tasks=settings.tasks,
        workers=settings.workers,
        seed=settings.seed,
        guarded=guarded,
        findings=examine(pieces, history_of(bare)),
        figures=figures_of(fleet.chronicle, tasks, settings.workers),
        crashes=fleet.crashes,
        kills=settings.kills,
        conflicts=tuple(map(_conflict, fleet.steps("conflict"))),
        moved=tuple(f"under {text(step, 'task')}" for step in fleet.steps("moved")),
        found=len(fleet.steps("found")),
        pushes_repeated=sum(integer(step, "pushes") - 1 for step in fleet.steps("landed")),
        failures=tuple(fleet.failures()),
    )


def _apply(client: Client, tasks: list[PlannedTask]) -> None:
    client.command("create_project", name=PROJECT, lock_delay_seconds=LOCK_DELAY_SECONDS)
    client.command("apply_plan", project=PROJECT, tasks=[task.model_dump(mode="json") for task in tasks])


def _conflict(step: Fields) -> str:
    return f"{text(step, 'task')} in {', '.join(map(str, items(step, 'files')))}"


def _teller(settings: DemoSettings) -> Callable[[str], None]:
    """Progress is for people: beside the object where programs read."""
    stream = sys.stderr if settings.as_json else sys.stdout
    return lambda line: print(line, file=stream, flush=True)


def _print(settings: DemoSettings, told: dict[str, object], words: list[str]) -> None:
    print(json.dumps(told, ensure_ascii=False) if settings.as_json else "\n".join(words), flush=True)


def _check(settings: DemoSettings) -> None:
    if not 1 <= settings.tasks <= TASKS_MAX:
        raise Refused("invalid_request", f"a plan holds 1 to {TASKS_MAX} tasks", "Choose another --tasks.")
    if not 1 <= settings.workers <= WORKERS_MAX:
        raise Refused("invalid_request", f"there are 1 to {WORKERS_MAX} workers", "Choose another --workers.")
    if not 0 <= settings.kills < settings.workers:
        raise Refused("invalid_request", "one worker has to be left alive", "Choose fewer --kills or more --workers.")
    if shutil.which("git") is None:
        raise Refused("no_git", "the demo works on a git repository, and there is no git", "Install git.")
    keep = settings.keep
    if keep is not None and keep.exists() and not (keep.is_dir() and not any(keep.iterdir())):
        raise Refused("not_empty", f"{keep} is not an empty folder", "Name a new folder with --keep.")


@contextmanager
def _folder(settings: DemoSettings) -> Generator[Path]:
    """The one to keep, or a temporary one."""
    if settings.keep is not None:
        settings.keep.mkdir(parents=True, exist_ok=True)
        yield settings.keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="signalbox-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@contextmanager
def _ended_by_sigterm() -> Generator[None]:
    """Make SIGTERM an exception, so that what was started is ended, too."""

    def leave(*_: object) -> None:
        sys.exit(Exit.INTERRUPTED)

    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
