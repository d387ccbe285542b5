"""What can be asked of inboxes."""

from dataclasses import dataclass

from projections.inbox.projection import INBOX
from projections.inbox.rows import MessageRow
from projections.kernel.requests import LIMIT_DEFAULT, Above, Equal, Order, Selection, equal, select


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """A page of messages, oldest first; what is None is not asked. ``limit`` is 1 to 200."""

    project: str | None = None
    session: str | None = None
    """Whose inbox."""
    read: bool | None = None
    beyond: int | None = None
    """Only messages with a larger number."""
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[MessageRow]:
        return select(
            INBOX,
            (
                equal("project", self.project),
                equal("session", self.session),
                None if self.read is None else Equal("read", self.read),
                None if self.beyond is None else Above("number", self.beyond),
            ),
            order=Order(("position", "key")),
            limit=self.limit,
            cursor=self.cursor,
            as_of=self.as_of,
        )
