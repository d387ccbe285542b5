"""What a projection is: a named, versioned table and the pure fold that fills it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal

from immutables import Map

from domain.kernel.decider import Recorded
from domain.kernel.message import Event
from domain.kernel.sealing import Blank
from projections.kernel.rows import R, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection(Generic[R]):
    """Events in, rows out. Every function is pure; ``evolve`` never refuses and raises only where our code is wrong."""

    name: str
    """What people call it, and the first part of its table's name."""
    version: int
    """Raised when the columns change; part of the table's name."""
    row: type[R]
    handles: frozenset[type[Event]]
    begins: frozenset[type[Event]]
    """Events whose rows cannot exist before them, so that nothing is read to fold them."""
    keys: Callable[[Recorded], tuple[str, ...]]
    """Keys of the rows that an event touches; ``touched`` tells each once."""
    evolve: Callable[[R | None, Recorded, str], R | None]
    """(row, event, key) -> row; called once for each key. The same object: nothing changed. None: the row goes."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """Columns of further indexes on the live rows."""
    past_indexes: tuple[tuple[str, ...], ...] = ()
    """Columns of indexes on all versions, for the orders in which the past is paged."""
    past_spans: tuple[str, ...] = ()
    """Columns of an index by which those few versions are found that were true at a position, where nearly all that
    hold the same are over: tasks that are being worked on."""
    begun: str | None = None
    """Column with the position at which a row began. A page of the past in its order passes over no later rows."""
    keeps: Literal["versions", "latest", "lines"] = "versions"
    """``versions``: every version of a row. ``latest``: only that, the past cannot be asked. ``lines``: a row is
    written once, by an event that begins it, and never changes."""
    words: Map[str, Blank] = Map()
    """Text columns that hold what was said of a subject, and what stands there without it: they are overwritten, in
    every version, when the subject is erased."""
    gathers: bool = False
    """Whether versions of one row hold words of several subjects, each those of its own event and of no other."""
    on_poison: Literal["park_stream", "halt"] = "park_stream"
    """What an event does whose fold raises: ``halt`` where one row gathers several streams."""

    @property
    def table(self) -> str:
        """Name and version: ``task_board_v1``."""
        return f"{self.name}_v{self.version}"

    def touched(self, recorded: Recorded) -> tuple[str, ...]:
        """Keys of the rows that an event touches, each once: a row written twice at one position stops every store."""
        keys = self.keys(recorded)
        return keys if len(keys) < 2 else tuple(dict.fromkeys(keys))

    def step(self, row: R | None, recorded: Recorded, key: str) -> R | None:
        """``evolve``, made fit for every store."""
        after = self.evolve(row, recorded, key)
        return after if after is None or after is row else storable(after)


def worded(**kinds: Blank) -> Map[str, Blank]:
    """The text columns of a projection that hold words, by name; ``Map`` alone would take their kinds for any text."""
    return Map(kinds)
