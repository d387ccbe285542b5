"""What keeps the seeds of subjects' keys; memory, SQLite and PostgreSQL are peers behind it."""

from collections.abc import Mapping
from typing import Protocol


class SeedReader(Protocol):
    """Calls block; each is safe from any thread. All raise StoreUnavailable."""

    def seed(self, prefix: str) -> bytes | None:
        """The seed at the end of some steps from the root, where the tree has it."""
        ...

    def destroyed(self) -> list[str]:
        """Paths of the leaves that were cut out, sorted."""
        ...


class SeedsRead(SeedReader, Protocol):
    """One that was opened for reading only."""

    def close(self) -> None: ...


class SeedStore(SeedReader, Protocol):
    """One that may be written."""

    def begin(self, root: bytes) -> None:
        """Plant the tree, unless it is there."""
        ...

    def cut(self, prefix: str, path: str, left: Mapping[str, bytes]) -> bool:
        """Put ``left`` in the place of the seed at ``prefix`` and note the leaf; False where that seed is not there.

        Durable when it returns, and the seed is nowhere in the store's files, as far as the store can see to it.
        """
        ...

    def done(self) -> int:
        """Position up to which every erasure in the log was carried out; 0 at first."""
        ...

    def move_done(self, position: int) -> None:
        """It has moved on."""
        ...

    def close(self) -> None: ...
