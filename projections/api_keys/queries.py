"""What can be asked of the API keys."""

from dataclasses import dataclass

from projections.api_keys.projection import API_KEYS
from projections.api_keys.rows import ApiKeyRow
from projections.kernel.requests import LIMIT_DEFAULT, Order, Selection, select


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyPage:
    """A page of keys in the order of their ids, which is that of their making. ``limit`` is 1 to 200."""

    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    as_of: int | None = None

    def selection(self) -> Selection[ApiKeyRow]:
        return select(API_KEYS, (), order=Order(("key",)), limit=self.limit, cursor=self.cursor, as_of=self.as_of)
