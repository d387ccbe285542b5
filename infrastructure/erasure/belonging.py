"""Whether the keys that were found are those of the log: under others, what is written now could not be read later."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from infrastructure.erasure.envelope import Envelopes, SealBrokenError
from infrastructure.erasure.keys import SeedMissingError, SubjectKeys
from infrastructure.erasure.port import SeedReader
from infrastructure.log.archived import EventsArchived
from infrastructure.log.port import Log, LogRow

EVENTS_MAX: Final = 10_000
"""Events from the end of the log that are looked at for one that shows whose keys they are."""
PAGE_EVENTS: Final = 500
_LOG_ITSELF: Final = "log"
"""The subject whose key is never destroyed: it is nobody's id, so nobody can ask for that."""
_MARK_BYTES: Final = 16


class ForeignKeysError(Exception):
    """Fault: the log was sealed under keys that are not there."""


def bind(log: Log, keys: SubjectKeys, *, instead_of: str) -> None:
    """The log goes by these keys from now on, which were checked. Raises ForeignKeysError, StoreUnavailable."""
    mark = mark_of(keys)
    if instead_of != mark and log.bind_keys(mark, instead_of=instead_of) != mark:
        raise ForeignKeysError("another server began this log under keys of its own meanwhile")


def mark_of(keys: SubjectKeys) -> str:
    """What is the same for all keys of one tree, whatever was cut out of it, and tells none of them.

    Raises ForeignKeysError, StoreUnavailable.
    """
    try:
        key = keys.key(_LOG_ITSELF)
    except SeedMissingError as problem:
        raise _foreign(problem) from problem
    if key is None:
        raise ForeignKeysError("the key by which this log knows its keys was destroyed")
    return blake2b(b"mark", key=key.secret, digest_size=_MARK_BYTES).hexdigest()


def check_belonging(log: Log, seeds: SeedReader, keys: SubjectKeys, envelopes: Envelopes) -> None:
    """To be called before a tree is planted. Where the log is bound to keys, it must be to these; only one in which
    nothing is sealed may have others. Where it is bound to none yet, the newest sealed event that was not erased is
    opened. Raises ForeignKeysError, StoreUnavailable.
    """
    bound = log.keys_mark()
    if seeds.seed("") is None and not seeds.destroyed():
        # The log is new, was written before there were keys, or has lost them.
        _refuse_sealed(log, envelopes, "the keys of what was said of tasks are missing")
        return
    mark = mark_of(keys)
    if bound:
        if mark != bound:
            _refuse_sealed(log, envelopes, "the keys of what was said of tasks are not those of this log")
        return
    # Once in the life of a log that is older than the mark.
    try:
        next((row for row in _backwards(log, EVENTS_MAX) if envelopes.is_sealed(row) and envelopes.proves(row)), None)
    except EventsArchived:
        return  # whose bundle is not here: what is behind it had nothing that was sealed under other keys
    except (SealBrokenError, SeedMissingError) as problem:
        raise _foreign(problem) from problem


def check_reading(bound: str, keys: SubjectKeys) -> None:
    """To be called before words are read beside a log's server, or without one: the log must be bound to these keys,
    or to none. Raises ForeignKeysError, StoreUnavailable.
    """
    if bound and mark_of(keys) != bound:
        raise ForeignKeysError("the keys of what was said are not those of this log")


def _foreign(problem: Exception) -> ForeignKeysError:
    return ForeignKeysError(f"the keys of what was said of tasks are not those of this log: {problem}")


def _refuse_sealed(log: Log, envelopes: Envelopes, trouble: str) -> None:
    try:
        rows = (row for row in _backwards(log, log.head()) if not envelopes.is_lost(row))
        row = next((row for row in rows if envelopes.is_sealed(row)), None)
    except EventsArchived as problem:
        raise ForeignKeysError(f"{trouble}, and what lies in bundles that are not here may be sealed") from problem
    if row is not None:
        raise ForeignKeysError(f"{trouble}, and @{row.position} is sealed")


def _backwards(log: Log, events_max: int) -> Iterator[LogRow]:
    head = end = log.head()
    while end > max(0, head - events_max):
        begin = max(0, end - PAGE_EVENTS)
        yield from reversed(log.page(after=begin, limit=end - begin))
        end = begin
