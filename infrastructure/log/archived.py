"""What a store of events keeps of a beginning of the log that lies in bundles: which, and what streams had come to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from infrastructure.log.port import LogRow


class EventsArchived(Exception):
    """Events that were asked for lie in a bundle that cannot be read here."""

    def __init__(self, archive: "Archive", trouble: str) -> None:
        super().__init__(f"the events @{archive.first} to @{archive.last} are archived in {archive.name}: {trouble}")
        self.archive = archive
        self.trouble = trouble


class Archive(NamedTuple):
    """A range of the log in a bundle that was verified."""

    first: int
    last: int
    digest: str
    """SHA-256 in hexadecimal digits over the leaf hashes of the range in order, which the ledger has, too."""
    name: str
    """Of the bundle's folder."""
    asked_by: str
    """Principal."""
    at: int
    """Microseconds since 1970."""
    pruned: bool
    """Whether the database keeps no more of it than it must."""


class BaseState(NamedTuple):
    """What a stream had come to with its last archived event; nothing of its fold is lost with the events before."""

    stream: str
    version: int
    position: int
    kind: str
    """Name and version of the state's shape."""
    state: bytes
    """As JSON text. Where it says words of a subject, the marker of erased ones stands."""
    words: bytes
    """The words, each under the key of its subject; empty where there are none. Opened ones are in ``state``."""


class LostEvent(NamedTuple):
    """The last archived event of a stream, where neither it nor a later one of the stream is there."""

    stream: str
    version: int
    position: int


class Archived(Protocol):
    """What whoever reads a log asks of its archived beginning. Calls block; they raise StoreUnavailable."""

    def archives(self) -> list[Archive]:
        """Every archived range, in order; the first begins at @1, each later one behind the one before."""
        ...

    def base_states(self, streams: Sequence[str]) -> dict[str, BaseState]:
        """Of those of at most 5,000 streams that have archived events."""
        ...

    def has_stream(self, stream: str) -> bool:
        """Whether there is any event of it; the last one of each stream stays, whatever is archived."""
        ...


class Archives(Archived, Protocol):
    """What keeps them; a log is one."""

    def keep_archive(self, archive: Archive) -> bool:
        """False, and nothing kept, where it does not begin behind the last one that is kept."""
        ...

    def mark_pruned(self, last: int) -> None:
        """The range that ends there is pruned."""
        ...

    def keep_base_states(self, states: Sequence[BaseState]) -> None:
        """Keep each in place of an earlier one of its stream. Durable when this returns."""
        ...

    def base_states_behind(self, stream: str, *, limit: int) -> list[BaseState]:
        """Those of the streams whose ids come behind another text, in the order of these; at most 5,000."""
        ...

    def outdated_bases(self, kinds: Sequence[str], *, limit: int) -> list[BaseState]:
        """Some of those that have none of these shapes; where there are none the answer costs the same however many
        states are kept."""
        ...

    def lost_events(self, *, limit: int) -> list[LostEvent]:
        """The first of the streams with a base state of which no event of its version or a later one is there."""
        ...

    def prune(self, *, after: int, through: int, rows_max: int) -> int | None:
        """Delete what is not needed of the next ``rows_max`` events behind a position, up to another.

        Answers how far it came, None where nothing is left. The last event of each stream stays, and what ordered an
        erasure stays, too.
        """
        ...


def follows(rows: "Sequence[LogRow]", version: int) -> bool:
    """Whether events of one stream go on behind a version; where there is a gap, some are archived."""
    return not rows or (rows[0].version <= max(version, 0) + 1 and rows[-1].version - rows[0].version < len(rows))


def is_whole(rows: "Sequence[LogRow]", after: int) -> bool:
    """Whether a page has every event behind a position; one with a gap lacks some that are archived."""
    return not rows or rows[-1].position - after == len(rows)
