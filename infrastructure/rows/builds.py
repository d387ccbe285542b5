"""Generations beside the live one: what is asked of them, how far that is, and what every store can do with them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, Protocol

from infrastructure.rows.generations import Generation, GenerationState
from projections.catalogue import AnyProjection
from projections.kernel.rows import Versioned

Purpose = Literal["rebuild", "verify", "rollback"]
Phase = Literal["building", "verifying", "level", "differs", "promoting", "promoted", "verified", "abandoned", "failed"]
UNDER_WAY: Final[frozenset[Phase]] = frozenset({"building", "verifying", "promoting"})
"""Somebody works on it, and goes on with it after a crash."""
WAITING: Final[frozenset[Phase]] = frozenset({"level", "differs"})
"""A person decides; until then it follows the log."""
SCAN_ROWS_MAX: Final = 2_000
"""Versions in one answer of ``versions``."""


@dataclass(frozen=True, slots=True)
class Build:
    """What somebody asked of one generation, from the request to its end. Instants are microseconds."""

    projection: str
    generation: int
    purpose: Purpose
    hold: bool
    """Whether a person promotes it even where nothing differs."""
    phase: Phase
    asked_by: str
    asked_at: int
    began_at: int
    """When it was asked for; a rate since then includes what a server was down."""
    began_position: int
    """The checkpoint at that time."""
    changed_at: int
    comparison: str = ""
    """JSON text, empty before it was compared."""
    error: str = ""

    @property
    def works(self) -> bool:
        """Whether somebody works on it."""
        return self.phase in UNDER_WAY

    @property
    def waits(self) -> bool:
        """Whether a person decides; what was only to be compared is at its end then."""
        return self.phase in WAITING and self.purpose != "verify"

    @property
    def is_given_up(self) -> bool:
        """Whether it ended without being asked, so that its generation is of no use."""
        return not (self.works or self.waits) and self.phase != "promoted"

    def now(self, phase: Phase, at: int, **changes: Any) -> "Build":
        """The same in another phase."""
        return replace(self, phase=phase, changed_at=at, **changes)


@dataclass(frozen=True, slots=True)
class Listed:
    """A generation in the registry, whatever version its table has."""

    number: int
    table: str
    fingerprint: str
    state: GenerationState
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Skip:
    """An event that the rows of a generation do without, because a person said so."""

    stream: str
    position: int
    reason: str
    by: str
    at: int


class Scanned(NamedTuple):
    """Versions in order, and the checkpoint that they were read at, in one snapshot."""

    checkpoint: int
    versions: tuple[Versioned[Any], ...]


Place = tuple[str | int, str | int]
"""(key, since) of a version, or (since, key) where a projection keeps lines."""


def first_place(projection: AnyProjection) -> Place:
    """Before all versions."""
    return (-1, "") if projection.keeps == "lines" else ("", -1)


class BuildStore(Protocol):
    """Calls block; each is safe from any thread. All raise RowsUnavailable."""

    def generations(self, projection: AnyProjection) -> tuple[Listed, ...]:
        """Every generation, oldest first."""
        ...

    def keep_build(self, build: Build) -> None:
        """Write a build as it is now."""
        ...

    def builds(self) -> tuple[Build, ...]:
        """Every build that is known, the latest last."""
        ...

    def reopen(self, projection: AnyProjection, number: int) -> Generation | None:
        """Fill a retired generation further; None where it is gone, not retired, or its table is of another version."""
        ...

    def give_up(self, generation: Generation) -> None:
        """Fill a building generation no further."""
        ...

    def drop(self, projection: AnyProjection, number: int) -> bool:
        """Remove a retired generation with its rows; False where it is not retired. What became of it stays known."""
        ...

    def forget_builds(self, projection: AnyProjection, *, before: int) -> None:
        """Forget what became of dropped generations with smaller numbers."""
        ...

    def versions(self, generation: Generation, after: Place) -> Scanned:
        """At most SCAN_ROWS_MAX versions behind a place, whatever is asked meanwhile."""
        ...

    def every_version(self, generation: Generation) -> Scanned:
        """All versions at once, for a projection that keeps only the latest: between two calls they would be others."""
        ...

    def pause(self, projection: AnyProjection, *, reason: str, by: str, at: int) -> None:
        """From now on every write to the live generation is refused; repeating it changes nothing."""
        ...

    def go_on(self, projection: AnyProjection) -> None:
        """The end of ``pause``."""
        ...

    def paused(self) -> Mapping[str, str]:
        """Projections that stand still, with the reasons."""
        ...
