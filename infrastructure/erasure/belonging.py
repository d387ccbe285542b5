"""Whether the keys that were found are those of the log: under others, what is written now could not be read later."""

from collections.abc import Iterator
from typing import Final

from infrastructure.erasure.envelope import Envelopes, SealBrokenError
from infrastructure.erasure.keys import SeedMissingError
from infrastructure.erasure.port import SeedReader
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log, LogRow

EVENTS_MAX: Final = 10_000
"""Events from the end of the log that are looked at for one that shows whose keys they are."""
PAGE_EVENTS: Final = 500


class ForeignKeysError(Exception):
    """Fault: the log was sealed under keys that are not there."""


def check_belonging(log: Log, seeds: SeedReader, envelopes: Envelopes) -> None:
    """To be called before a tree is planted. Where there is none yet, nothing in the log may be sealed; where there is
    one, the newest sealed event that was not erased is opened. Raises ForeignKeysError, StoreUnavailable.
    """
    if seeds.seed("") is None and not seeds.destroyed():
        # Once in the life of a log: it is new, was written before there were keys, or has lost them.
        row = next((row for row in _backwards(log, log.head()) if envelopes.is_sealed(row)), None)
        if row is not None:
            raise ForeignKeysError(f"the keys of what was said of tasks are missing, and @{row.position} is sealed")
        return
    try:
        next((row for row in _backwards(log, EVENTS_MAX) if envelopes.is_sealed(row) and envelopes.proves(row)), None)
    except EventsArchived:
        return  # whose bundle is not here: what is behind it had nothing that was sealed under other keys
    except (SealBrokenError, SeedMissingError) as problem:
        raise ForeignKeysError(f"the keys of what was said of tasks are not those of this log: {problem}") from problem


def _backwards(log: Log, events_max: int) -> Iterator[LogRow]:
    head = end = log.head()
    while end > max(0, head - events_max):
        begin = max(0, end - PAGE_EVENTS)
        yield from reversed(log.page(after=begin, limit=end - begin))
        end = begin
