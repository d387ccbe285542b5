"""What can be asked of the projects."""

from dataclasses import dataclass

from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, one_of, select
from projections.projects.projection import PROJECTS
from projections.projects.rows import ProjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """A page of projects, oldest first; what is empty is not asked. ``limit`` is 1 to 200."""

    keys: tuple[str, ...] = ()
    """Ids."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[ProjectRow]:
        return select(
            PROJECTS,
            (one_of("key", self.keys),),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
