"""Works on the builds that were asked for, on the one node that has the duty, and goes on with them after a crash."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import structlog

from infrastructure.log.port import Log, OutcomeUnknown, StoreUnavailable
from infrastructure.rows.builds import Build, Listed, Phase
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import RowStore, RowsUnavailable, TableOutdated
from infrastructure.runtime.builds.building import BuildFailed, Tools, fill, take_over
from infrastructure.runtime.builds.compare import Comparison, compare, snapshot
from infrastructure.runtime.builds.helped import Helper
from infrastructure.runtime.projector_decode import Decode
from projections.catalogue import AnyProjection
from projections.kernel.rows import json_text

DUTY: Final = "builds"
DUTY_SECONDS: Final = 10
LOOK_SECONDS: Final = 1.0
RENEW_SECONDS: Final = 2.0
ORPHANED_SECONDS: Final = 10.0
"""A generation that has no build for so long was left over; for moments another node is about to write it."""
COMPARISON_SECONDS: Final = 0.1
"""Between two looks at a live generation that keeps no past and is not yet where the built one is."""
STANDS_SECONDS_MAX: Final = 60.0
"""How long such a live one may stand where it is before nobody waits for it any more."""
SLICE_SECONDS: Final = 0.004
"""How long it works at a time while commands are being written."""
YIELD_SECONDS: Final = 0.004
"""What commands get after each slice; whoever folds many read models at once is asked to breathe far oftener."""
_logger = structlog.get_logger("signalbox.builds")


@dataclass(frozen=True, slots=True)
class Around:
    """What the worker stands on."""

    log: Log
    store: RowStore
    projections: Sequence[AnyProjection]
    decode: Decode
    node: str
    busy: Callable[[], bool]
    """Whether commands are being written."""
    promoted: Callable[[], None]
    """Called after another generation became live."""
    helper: Callable[[], Helper] | None = None


class BuildWorker:
    """One thread. ``start`` and ``stop`` once; ``wake`` from any thread."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._log, self._store = around.log, around.store
        self._projections = around.projections
        self._by_name: Mapping[str, AnyProjection] = {one.name: one for one in around.projections}
        self._woken = threading.Event()
        self._stopping = False
        self._held_at = self._breathed_at = 0.0
        self._tidied = False
        self._orphaned_since: dict[tuple[str, int], float] = {}
        self.asking: Final = threading.Lock()
        """Held where a generation and its build are made or ended, so that none is taken for one that was left over."""
        self._thread = threading.Thread(target=self._run, name="builds", daemon=True)
        self._tools = Tools(around.log, around.store, around.decode, self._breathe, self._goes_on, around.helper)

    def start(self) -> None:
        """Begin to look for work."""
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """Leave off after the page in hand; what is not done goes on with the next start."""
        self._stopping = True
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def wake(self) -> None:
        """Somebody asked for something."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping:
            try:
                if self._asked() and self._goes_on():
                    self.step()
            except (RowsUnavailable, StoreUnavailable, OutcomeUnknown) as problem:
                _logger.warning("building read models was interrupted and goes on", problem=str(problem))
            except Exception as problem:  # the thread must outlive whatever happens
                _logger.exception("building read models failed and is repeated", problem=repr(problem))
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()

    def _asked(self) -> bool:
        """Whether there is anything to do: the duty is a durable write, and mostly nobody builds anything."""
        return not self._tidied or any(build.works or build.waits for build in self._store.builds())

    def step(self) -> None:
        """One round over everything that is asked for; returns where nothing is left to do now."""
        self._tidy()
        builds = {build.projection: build for build in self._store.builds()}
        found = [pair for build in builds.values() if (pair := self._pair(build)) is not None]
        if not found:
            return
        generations = self._fill([generation for _, generation in found])
        for build, generation in zip((build for build, _ in found), generations, strict=True):
            if generation is not None and self._goes_on():
                self._advance(build, generation)

    def _tidy(self) -> None:
        """Drop what a crash left over, and end what was asked for on two nodes at the same time but once."""
        with self.asking:
            builds = self._store.builds()
            known = {(build.projection, build.generation): build for build in builds}
            orphans: dict[tuple[str, int], float] = {}
            for projection in self._projections:
                for listed in self._store.generations(projection):
                    place = (projection.name, listed.number)
                    if not self._tidied_away(projection, listed, known.get(place)):
                        orphans[place] = self._orphaned_since.get(place, time.monotonic())
            self._orphaned_since = orphans
        latest = {build.projection: build for build in builds}
        for build in builds:
            named = self._by_name.get(build.projection)
            if named is not None and (build.works or build.waits) and build is not latest[build.projection]:
                self._end(build, named, "abandoned", "another was asked for at the same time")
        self._tidied = not orphans

    def _tidied_away(self, projection: AnyProjection, listed: Listed, build: Build | None) -> bool:
        """False while it cannot be told whether somebody is about to write its build."""
        if listed.state == "live":
            return True
        if build is not None and build.is_given_up:
            self._drop(projection, listed.number)
        elif listed.state == "building" and (build is None or build.phase == "promoted"):
            now = time.monotonic()
            if now - self._orphaned_since.get((projection.name, listed.number), now) < ORPHANED_SECONDS:
                return False
            # Begun or reopened, and its build was not written any more; only what was asked before has rows.
            self._store.give_up(Generation(projection, listed.number, "", "building", 0))
            if not listed.checkpoint:
                self._store.drop(projection, listed.number)
        return True

    def _pair(self, build: Build) -> tuple[Build, Generation] | None:
        """A build that is not at its end, with its generation as it is now."""
        projection = self._by_name.get(build.projection)
        if projection is None or not (build.works or build.waits):
            return None
        listed = next((one for one in self._store.generations(projection) if one.number == build.generation), None)
        if listed is None or listed.state == "retired" or listed.table != f"{projection.table}_g{listed.number}":
            self._keep(build, "failed", error="the generation is gone, or its table is of another version")
            return None
        if listed.state == "live":
            self._keep(build, "promoted")  # the end came between the switch and its record
            return None
        if listed.fingerprint != fingerprint(projection) and build.purpose != "rollback":
            self._end(build, projection, "failed", "the code that folds it changed since it was begun")
            return None
        generation = Generation(projection, listed.number, listed.fingerprint, "building", listed.checkpoint)
        return build, generation

    def _fill(self, generations: Sequence[Generation]) -> list[Generation | None]:
        """All of them level; None for one that cannot be filled, which is told in its build."""
        try:
            return list(fill(self._tools, generations))
        except BuildFailed:
            return [self._fill_alone(generation) for generation in generations]

    def _fill_alone(self, generation: Generation) -> Generation | None:
        now = self._store.current(generation)
        if now is None or now.state != "building":
            return None
        try:
            return fill(self._tools, [now])[0]
        except BuildFailed as problem:
            build = next(one for one in self._store.builds() if _is_of(one, now))
            self._end(build, generation.projection, "failed", str(problem))
            return None

    def _advance(self, build: Build, generation: Generation) -> None:
        try:
            match build.phase:
                case "building":
                    self._store.complete(generation)
                    self._compare(self._keep(build, "verifying"), generation)
                case "verifying":
                    self._compare(build, generation)
                case "promoting":
                    self._promote(build, generation)
                case _:
                    pass  # a person decides
        except BuildFailed as problem:
            self._end(build, generation.projection, "failed", str(problem))

    def _compare(self, build: Build, generation: Generation) -> None:
        live = self._live(generation.projection)
        if live is None:
            # Nothing can be asked before it takes over, and there is nothing to compare it with.
            self._promote(self._keep(build, "promoting"), generation)
            return
        compared = self._compared(live, generation)
        if compared is None:
            return
        comparison, generation = compared
        text = json_text(asdict(comparison) | {"same_code": live.fingerprint == generation.fingerprint})
        if build.purpose == "verify":
            phase: Phase = "verified" if comparison.equal else "differs"
            self._end(replace(build, comparison=text), generation.projection, phase, "")
        elif not comparison.equal:
            self._keep(build, "differs", comparison=text)
        elif build.hold:
            self._keep(build, "level", comparison=text)
        else:
            self._promote(self._keep(build, "promoting", comparison=text), generation)

    def _compared(self, live: Generation, generation: Generation) -> tuple[Comparison, Generation] | None:
        """Both at one position: where the past is not kept, the built one goes to where the live one stands."""
        at, since = -1, time.monotonic()
        while time.monotonic() - since < STANDS_SECONDS_MAX:
            now = self._store.current(live)
            if not self._goes_on() or now is None or now.state != "live":
                return None  # stopped, or another one is live by now: compared in the next round
            found = snapshot(self._store, now, generation.checkpoint)
            if generation.checkpoint <= found.at:
                generation = fill(self._tools, [generation], found.at)[0]
            if found.kept is None or generation.checkpoint == found.at:
                return compare(self._store, found, generation, self._breathe), generation
            if found.at != at:
                at, since = found.at, time.monotonic()  # it comes nearer, however slowly
            self._around.promoted()  # the live one is behind: it need not yield to commands now
            time.sleep(COMPARISON_SECONDS)
        raise BuildFailed(
            f"the live generation stands at @{at}, before @{generation.checkpoint} where the built one is:"
            " let it go on, then ask again"
        )

    def _promote(self, build: Build, generation: Generation) -> None:
        if take_over(self._tools, generation).state == "live":
            self._keep(build, "promoted")
            self._around.promoted()

    def _live(self, projection: AnyProjection) -> Generation | None:
        listed = next((one for one in self._store.generations(projection) if one.state == "live"), None)
        if listed is None or listed.table != f"{projection.table}_g{listed.number}":
            return None
        try:
            return self._store.open(projection, listed.fingerprint)
        except TableOutdated:
            return None

    def _keep(self, build: Build, phase: Phase, *, comparison: str | None = None, error: str = "") -> Build:
        text = build.comparison if comparison is None else comparison
        kept = build.now(phase, self._log.now(), comparison=text, error=error)
        with self.asking:
            stored = next((one for one in self._store.builds() if _is_same(one, build)), build)
            if stored.works or stored.waits:  # whoever gave it up meanwhile has the last word
                self._store.keep_build(kept)
        return kept

    def _end(self, build: Build, projection: AnyProjection, phase: Phase, error: str) -> None:
        """The generation is not needed any more; what became of it stays known."""
        self._keep(build, phase, error=error)
        self._drop(projection, build.generation)

    def _drop(self, projection: AnyProjection, number: int) -> None:
        self._store.give_up(Generation(projection, number, "", "building", 0))
        self._store.drop(projection, number)

    def _goes_on(self) -> bool:
        """Whether this node works on; the duty is renewed on the way."""
        if self._stopping:
            return False
        if time.monotonic() - self._held_at < RENEW_SECONDS:
            return True
        held = self._log.hold_duty(DUTY, self._around.node, now=self._log.now(), seconds=DUTY_SECONDS)
        if held:
            self._held_at = time.monotonic()
        return held

    def _breathe(self) -> None:
        if time.monotonic() - self._breathed_at < SLICE_SECONDS:
            return
        time.sleep(YIELD_SECONDS if self._around.busy() else 0)
        self._breathed_at = time.monotonic()


def _is_same(one: Build, other: Build) -> bool:
    return (one.projection, one.generation) == (other.projection, other.generation)


def _is_of(build: Build, generation: Generation) -> bool:
    return (build.projection, build.generation) == (generation.projection.name, generation.number)
