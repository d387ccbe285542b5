"""What can be asked of what a person has to look at."""

from dataclasses import dataclass

from projections.attention.projection import ATTENTION
from projections.attention.rows import AttentionRow, AttentionTopic, Subject
from projections.kernel.requests import LIMIT_DEFAULT, Equal, Holds, Order, Selection, one_of, select
from projections.kernel.rows import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionPage:
    """A page of what stands, by kind of thing and id; what is None or empty is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    """Id of a project whose people may see it."""
    topics: tuple[AttentionTopic, ...] = ()
    subjects: tuple[Subject, ...] = ()
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[AttentionRow]:
        return select(
            ATTENTION,
            (
                Equal("stands", True),
                None if self.project is None else Holds("projects", json_text([self.project])[1:-1]),
                one_of("topic", self.topics),
                one_of("subject", self.subjects),
            ),
            order=Order(("key",)),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
