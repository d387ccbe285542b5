"""What people ask of read models: how they are, rebuild, verify, promote, roll back, pause, mend, prune."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.kernel.errors import Rejection, UnknownThing
from infrastructure.rows.builds import Build, Listed, Purpose
from infrastructure.rows.fingerprint import fingerprint
from infrastructure.rows.generations import Generation
from infrastructure.rows.port import Parked
from infrastructure.runtime.builds.errors import BuildUnderWay, DifferencesNotAccepted, NothingBuilt, NothingToReturnTo
from infrastructure.runtime.builds.parked import ParkedStreams
from infrastructure.runtime.builds.worker import Around, BuildWorker
from infrastructure.runtime.projector import ProjectionStatus
from projections.catalogue import AnyProjection
from projections.kernel.rows import entries

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """How one read model is."""

    status: ProjectionStatus
    table: str
    fingerprint: str
    """Of the code that runs now."""
    head: int
    lag_seconds: float
    """Between the instants of the last event that is folded in and of the last one there is."""
    generations: tuple[Listed, ...]
    build: Build | None
    """The latest."""
    built_to: int
    """Checkpoint of its generation."""
    events_per_second: float
    eta_seconds: float | None


class BuildDesk:
    """Calls block; each is safe from any thread. All raise RowsUnavailable and StoreUnavailable."""

    def __init__(self, around: Around, status: Callable[[], Sequence[ProjectionStatus]]) -> None:
        self.worker: Final = BuildWorker(around)
        self._around = around
        self._log, self._store = around.log, around.store
        self._status = status
        self._by_name: Mapping[str, AnyProjection] = {one.name: one for one in around.projections}
        self._parked = ParkedStreams(around.log, around.store, around.decode)

    def reports(self) -> tuple[Report, ...]:
        """Every read model as it is now."""
        builds = {build.projection: build for build in self._store.builds()}
        head, now = self._log.head(), self._log.now()
        return tuple(self._report(status, builds.get(status.name), head, now) for status in self._status())

    def rebuild(self, names: Sequence[str], *, purpose: Purpose, hold: bool, by: str) -> Rejection | None:
        """Begin a new generation of each; all or none. No name stands for every one."""
        projections = self._named(names)
        if isinstance(projections, Rejection):
            return projections
        with self.worker.asking:
            builds = {build.projection: build for build in self._store.builds()}
            for projection in projections:
                under_way = builds.get(projection.name)
                if under_way is not None and (under_way.works or under_way.waits):
                    return _under_way(under_way)
            for projection in projections:
                generation = self._store.begin(projection, fingerprint(projection))
                self._keep(generation, purpose, hold=hold, by=by)
        self.worker.wake()
        return None

    def promote(self, name: str, *, accept_differences: bool) -> Rejection | None:
        """Let the built generation take over, whatever it waited for."""
        build = self._latest(name)
        if isinstance(build, Rejection):
            return build
        if build is None or not build.waits:
            return _under_way(build) if build is not None and build.works else NothingBuilt(projection=name)
        if build.phase == "differs" and not accept_differences:
            differing: int = entries(f"[{build.comparison}]")[0]["differing"]
            return DifferencesNotAccepted(projection=name, generation=build.generation, differing=differing)
        self._store.keep_build(build.now("promoting", self._log.now()))
        self.worker.wake()
        return None

    def rollback(self, name: str, *, by: str) -> Rejection | None:
        """Bring the generation that was live before up to date and let it take over."""
        with self.worker.asking:
            build = self._latest(name)
            if isinstance(build, Rejection):
                return build
            if build is not None and (build.works or build.waits):
                return _under_way(build)
            reopened = self._reopened(self._by_name[name])
            if reopened is None:
                return NothingToReturnTo(projection=name)
            self._keep(reopened, "rollback", hold=False, by=by)
        self.worker.wake()
        return None

    def abandon(self, name: str) -> Rejection | None:
        """Give up what is being built; the live generation is asked as before."""
        build = self._latest(name)
        if isinstance(build, Rejection):
            return build
        if build is None or not (build.works or build.waits):
            return NothingBuilt(projection=name)
        projection = self._by_name[name]
        with self.worker.asking:
            self._store.keep_build(build.now("abandoned", self._log.now()))
        self._store.give_up(Generation(projection, build.generation, "", "building", 0))
        self._store.drop(projection, build.generation)
        return None

    def pause(self, name: str, *, reason: str, by: str) -> Rejection | None:
        """The live rows stand still; they are asked as they are, and say how old they are."""
        projection = self._one(name)
        if isinstance(projection, Rejection):
            return projection
        self._store.pause(projection, reason=reason, by=by, at=self._log.now())
        self._around.promoted()
        return None

    def go_on(self, name: str) -> Rejection | None:
        """The live rows follow again."""
        projection = self._one(name)
        if isinstance(projection, Rejection):
            return projection
        self._store.go_on(projection)
        self._around.promoted()
        return None

    def parked(self) -> tuple[tuple[str, Parked], ...]:
        """Streams that stand still, with the name of the read model."""
        live = ((name, self._live(projection)) for name, projection in self._by_name.items())
        return tuple((name, one) for name, now in live if now is not None for one in self._parked.standing(now))

    def retry(self, name: str, stream: str) -> Rejection | None:
        """Fold a stream again from the event that did it."""
        return self._with_live(name, lambda live: self._parked.retry(live, stream))

    def skip(self, name: str, stream: str, *, reason: str, by: str) -> Rejection | None:
        """Fold a stream without the event that did it."""
        at = self._log.now()
        return self._with_live(name, lambda live: self._parked.skip(live, stream, reason=reason, by=by, at=at))

    def prune(self, names: Sequence[str], *, keep: int) -> Rejection | tuple[str, ...]:
        """Drop retired generations but the latest ``keep`` of each; answers the tables that are gone."""
        projections = self._named(names)
        if isinstance(projections, Rejection):
            return projections
        gone: list[str] = []
        for projection in projections:
            retired = [one for one in self._store.generations(projection) if one.state == "retired"]
            dropped = (
                one for one in retired[: max(0, len(retired) - keep)] if self._store.drop(projection, one.number)
            )
            gone.extend(one.table for one in dropped)
            live = self._live(projection)
            if live is not None:
                self._store.forget_builds(projection, before=live.number)
        return tuple(gone)

    def _reopened(self, projection: AnyProjection) -> Generation | None:
        """The last one that was live before, to be filled further."""
        given_up = {
            build.generation
            for build in self._store.builds()
            if build.projection == projection.name and build.is_given_up
        }
        for listed in reversed(self._store.generations(projection)):
            if listed.state == "retired" and listed.number not in given_up:
                reopened = self._store.reopen(projection, listed.number)
                if reopened is not None:
                    return reopened
        return None

    def _with_live(self, name: str, do: Callable[[Generation], Rejection | None]) -> Rejection | None:
        projection = self._one(name)
        if isinstance(projection, Rejection):
            return projection
        live = self._live(projection)
        refused = NothingBuilt(projection=name) if live is None else do(live)
        self._around.promoted()
        return refused

    def _keep(self, generation: Generation, purpose: Purpose, *, hold: bool, by: str) -> None:
        now = self._log.now()
        self._store.keep_build(
            Build(
                projection=generation.projection.name,
                generation=generation.number,
                purpose=purpose,
                hold=hold,
                phase="promoting" if purpose == "rollback" else "building",
                asked_by=by,
                asked_at=now,
                began_at=now,
                began_position=generation.checkpoint,
                changed_at=now,
            )
        )

    def _latest(self, name: str) -> Build | Rejection | None:
        if name not in self._by_name:
            return UnknownThing(kind="projection", name=name)
        return next((build for build in reversed(self._store.builds()) if build.projection == name), None)

    def _one(self, name: str) -> AnyProjection | Rejection:
        return self._by_name.get(name) or UnknownThing(kind="projection", name=name)

    def _named(self, names: Sequence[str]) -> list[AnyProjection] | Rejection:
        unknown = next((name for name in names if name not in self._by_name), None)
        if unknown is not None:
            return UnknownThing(kind="projection", name=unknown)
        return [self._by_name[name] for name in dict.fromkeys(names or self._by_name)]

    def _live(self, projection: AnyProjection) -> Generation | None:
        listed = next((one for one in self._store.generations(projection) if one.state == "live"), None)
        if listed is None or listed.table != f"{projection.table}_g{listed.number}":
            return None
        return Generation(projection, listed.number, listed.fingerprint, "live", listed.checkpoint)

    def _report(self, status: ProjectionStatus, build: Build | None, head: int, now: int) -> Report:
        projection = self._by_name[status.name]
        generations = self._store.generations(projection)
        live = next((one.number for one in generations if one.state == "live"), status.generation)
        built_to = next((one.checkpoint for one in generations if build and one.number == build.generation), 0)
        rate, eta = 0.0, None
        if build is not None and build.works:
            seconds = max(now - build.began_at, 1) / SECOND
            rate = max(0.0, (built_to - build.began_position) / seconds)
            eta = (head - built_to) / rate if rate else None
        return Report(
            status=replace(status, generation=live),
            table=projection.table,
            fingerprint=fingerprint(projection),
            head=head,
            lag_seconds=self._seconds_between(status.checkpoint, head),
            generations=generations,
            build=build,
            built_to=built_to,
            events_per_second=rate,
            eta_seconds=eta,
        )

    def _seconds_between(self, checkpoint: int, head: int) -> float:
        if checkpoint >= head:
            return 0.0
        ends = [self._log.page(after=max(0, position - 1), limit=1) for position in (checkpoint, head)]
        return (ends[1][0].recorded_at - ends[0][0].recorded_at) / SECOND if all(ends) else 0.0


def _under_way(build: Build) -> BuildUnderWay:
    return BuildUnderWay(projection=build.projection, generation=build.generation, phase=build.phase)
