"""What can be asked of the lock map."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Holds, Order, Selection, equal, one_of, select
from projections.lock_map.projection import LOCK_MAP
from projections.lock_map.rows import LockMapRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPage:
    """A page of tokens with their locks, in order of granting; what is None is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    keys: tuple[str, ...] = ()
    """``lock space/token``, at most a page of them."""
    session: str | None = None
    task: str | None = None
    tokens: tuple[int, ...] = ()
    resource_text: str | None = None
    """A piece of a claim's text, letter by letter. What overlaps is asked of the lock service, not here."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[LockMapRow]:
        return select(
            LOCK_MAP,
            (
                equal("project", self.project),
                one_of("key", self.keys),
                equal("session", self.session),
                equal("task", self.task),
                one_of("token", self.tokens),
                None if self.resource_text is None else Holds("claims", self.resource_text),
            ),
            order=Order(("token", "key")),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
