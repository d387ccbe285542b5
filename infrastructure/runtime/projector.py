"""Follows the log into the rows of all projections, in a thread of its own, each event exactly once."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from infrastructure.log.port import Log, StoreUnavailable
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.port import RowStore, RowsUnavailable, TableOutdated
from infrastructure.runtime.projector_decode import Decode, Decoder
from infrastructure.runtime.projector_fold import Folder, follow, resume
from infrastructure.runtime.projector_pace import Pace
from infrastructure.runtime.projector_pages import PageSize, whole_commands
from infrastructure.runtime.projector_waiters import PositionWaiters
from infrastructure.runtime.projector_write import PageWriter
from projections.catalogue import AnyProjection

ProjectionState = Literal["following", "paused", "halted", "outdated", "ahead_of_log"]
_WAIT_SECONDS: Final = 0.25
"""How long a stop may go unnoticed while the log is quiet."""
_FOLLOW_SECONDS: Final = 0.05
_TROUBLE_SECONDS_MAX: Final = 5.0
_LOOK_SECONDS: Final = 2.0
"""How long a projection that stands still may stand after the reason is gone; other nodes are told no sooner."""


@dataclass(frozen=True, slots=True)
class Round:
    """One page that was written: what metrics are made of."""

    events: int
    seconds: float
    position: int
    lag_events: int
    """Events in the log that are not in the rows yet."""


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """How one projection is doing."""

    name: str
    state: ProjectionState
    generation: int
    checkpoint: int
    drifted: bool
    """Its rows were begun by other code: rebuild it, or say that the change does not matter."""
    parked_streams: int
    error: str


@dataclass(frozen=True, slots=True)
class ProjectorOptions:
    """What a node may choose."""

    busy: Callable[[], bool] = field(default=lambda: False)
    """Whether commands are being written: then rows that nobody waits for come later and in larger pages."""
    leads: Callable[[], bool] = field(default=lambda: True)
    """Whether this node writes; the others only follow the checkpoints. Two leaders do no harm but double work."""
    measure: Callable[[Round], None] = field(default=lambda _: None)


class Projector:
    """Keeps rows level with the log. ``start`` and ``stop`` once; everything else from any thread."""

    def __init__(
        self,
        log: Log,
        store: RowStore,
        projections: Sequence[AnyProjection],
        decode: Decode,
        options: ProjectorOptions | None = None,
    ) -> None:
        self._log = log
        self._store = store
        self._projections = tuple(projections)
        self._decoder = Decoder(decode, self._projections)
        self._options = options or ProjectorOptions()
        self._folders: dict[str, Folder] = {}
        self._fingerprints: dict[str, str] = {}
        self._unable: dict[str, ProjectionState] = {}
        self._paused: Mapping[str, str] = {}
        self._looked_at = 0.0
        self._told_to_look = False
        self._sizes = PageSize()
        self._waiters = PositionWaiters()
        self._stopping = threading.Event()
        self._pace = Pace(self._options.busy, self._waiters.any)
        # Another leader was faster, another generation is live, or somebody paused a projection.
        self._writer = PageWriter(store, self._pace.breathe, self._recover)
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._lag_events = 0
        self._followed = False
        self._error = ""

    def start(self) -> None:
        """Open the rows and begin to follow. Raises RowsUnavailable, StoreUnavailable."""
        self.open()
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """End after the page in hand."""
        self._stopping.set()
        self._pace.hurry()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def position(self) -> int:
        """Every projection that follows is at least here."""
        return self._waiters.position

    async def wait_for(self, position: int, timeout_seconds: float = 2.0) -> bool:
        """Wait until the rows are at a position; False where time was up (the answer is stale then)."""
        if position > self.position():
            self._pace.hurry()
        return await self._waiters.wait_for(position, timeout_seconds)

    def status(self) -> tuple[ProjectionStatus, ...]:
        """Every projection as it is now."""
        return tuple(self._status(projection) for projection in self._projections)

    def open(self) -> None:
        """Find or begin the live generation of every projection; ``start`` does it, a caller of ``catch_up`` first."""
        self._fingerprints = {projection.name: fingerprint(projection) for projection in self._projections}
        self._paused = self._store.paused()
        self._open(self._projections)

    def look_again(self) -> None:
        """Somebody built, paused or mended something: what stands still is tried again soon."""
        # Who paused and asks at once is not told that it goes on.
        self._paused = self._store.paused()
        self._told_to_look = True
        self._pace.hurry()

    def _open(self, projections: Iterable[AnyProjection]) -> None:
        head = self._log.head()
        for projection in projections:
            name = projection.name
            try:
                generation = self._store.open(projection, self._fingerprints[name])
            except TableOutdated:
                self._unable[name] = "outdated"
                continue
            if generation.checkpoint > head:
                self._unable[name] = "ahead_of_log"  # the log was restored from an earlier copy
                continue
            self._unable.pop(name, None)
            self._folders[name] = Folder(self._store, generation)
        self._publish()

    def _look(self) -> None:
        """Try again what stands still, every now and then."""
        told, self._told_to_look = self._told_to_look, False
        if not told and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        self._paused = self._store.paused()
        self._open([projection for projection in self._projections if projection.name in self._unable])
        for name, folder in tuple(self._folders.items()):
            if told or folder.halted is not None:
                self._folders[name] = resume(self._store, folder)
        self._publish()

    def catch_up(self) -> int:
        """Fold what is in the log now and return the position; for tools and tests, not beside a running thread."""
        self._pace.hurry()
        while self._lead():
            self._pace.hurry()
        return self.position()

    def _run(self) -> None:
        trouble_seconds = 0.0
        while not self._stopping.is_set():
            try:
                self._log.wait_beyond(self.position(), timeout_seconds=_WAIT_SECONDS)
                self._look()
                moved = True
                while moved and not self._stopping.is_set():
                    moved = self._lead() if self._options.leads() else self._follow()
                trouble_seconds, self._error = 0.0, ""
            except Exception as problem:  # the thread must outlive whatever happens; status shows it
                self._error = f"{type(problem).__name__}: {problem}"
                trouble_seconds = min(_TROUBLE_SECONDS_MAX, trouble_seconds * 2 or 0.05)
                self._stopping.wait(trouble_seconds)
                self._recover()

    def _lead(self) -> bool:
        if self._followed:
            self._resume(resume)  # another node folded meanwhile: nothing remembered here is true any more
            self._followed = False
        # Projections at one place share a page. One that is far behind has its own turn, so that the others stay level.
        groups = self._groups()
        if not groups:
            self._publish()
        moved = [self._page(folders) for folders in groups]
        return any(moved)

    def _follow(self) -> bool:
        self._resume(follow)
        self._followed = True
        if self.position() < self._log.head():
            self._stopping.wait(_FOLLOW_SECONDS)
            return True
        return False

    def _groups(self) -> list[list[Folder]]:
        groups: dict[int, list[Folder]] = {}
        for folder in self._folders.values():
            if folder.halted is None and folder.generation.projection.name not in self._paused:
                groups.setdefault(folder.generation.checkpoint, []).append(folder)
        return list(groups.values())

    def _page(self, folders: list[Folder]) -> bool:
        self._pace.begin_page(self._lag_events)
        began = time.perf_counter()
        limit = self._sizes.limit
        rows = self._log.page(after=folders[0].generation.checkpoint, limit=limit)
        if not rows:
            return False
        full = len(rows) >= limit
        self._writer.project(folders, self._decoder, whole_commands(rows, limit))
        self._publish()
        seconds = time.perf_counter() - began - self._pace.yielded_seconds
        self._pace.end_page(seconds)
        self._sizes.learn(rows, seconds)
        self._lag_events = max(0, self._log.head() - self.position()) if full else 0
        self._options.measure(Round(len(rows), seconds, self.position(), self._lag_events))
        return True

    def _recover(self) -> None:
        try:
            self._paused = self._store.paused()
            self._resume(resume)
        except (RowsUnavailable, StoreUnavailable, TableOutdated) as problem:
            self._error = str(problem)

    def _resume(self, how: Callable[[RowStore, Folder], Folder]) -> None:
        for name, folder in tuple(self._folders.items()):
            self._folders[name] = how(self._store, folder)
        self._publish()

    def _publish(self) -> None:
        places = [
            folder.generation.checkpoint
            for name, folder in self._folders.items()
            if folder.halted is None and name not in self._paused
        ]
        # Where all stand still nobody has to wait for them: an answer says itself how old it is.
        self._waiters.reach(min(places) if places else self._log.head())

    def _status(self, projection: AnyProjection) -> ProjectionStatus:
        name = projection.name
        folder = self._folders.get(name)
        if folder is None:
            return ProjectionStatus(name, self._unable.get(name, "outdated"), 0, 0, True, 0, "rebuild it")
        halted, paused = folder.halted, self._paused.get(name)
        return ProjectionStatus(
            name=name,
            state="paused" if paused is not None else "following" if halted is None else "halted",
            generation=folder.generation.number,
            checkpoint=folder.generation.checkpoint,
            drifted=folder.generation.fingerprint != self._fingerprints[name],
            parked_streams=len(folder.parked),
            error=paused or (self._error if halted is None else f"@{halted.position} {halted.error}"),
        )
