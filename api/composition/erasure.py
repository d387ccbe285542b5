"""The words of subjects under their keys, and whoever erases them, beside a node's log."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

import structlog

from api.composition.pasts import PastReader
from domain.catalogue import REGISTRY, SEALINGS
from infrastructure.erasure.belonging import ForeignKeysError, bind, check_belonging, mark_of
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.eraser import Around, Eraser
from infrastructure.erasure.keys import OwnedKeys, SubjectKeys
from infrastructure.erasure.lost import losses, lost_through
from infrastructure.erasure.port import SeedStore
from infrastructure.erasure.sealed_log import sealed_log
from infrastructure.erasure.seed_tree import SEED_BYTES
from infrastructure.erasure.standing import Standing
from infrastructure.log.mapper import recorded
from infrastructure.log.port import Log
from infrastructure.rows.port import RowStore
from infrastructure.runtime.node import Node
from infrastructure.settings import KEYS_FILE, Settings

_logger = structlog.get_logger("signalbox.erasure")


class Erasure:
    """What stands between a log and those who may read its words.

    Raises ForeignKeysError unless the settings allow to start all the same, StoreInUse, StoreUnavailable.
    """

    def __init__(self, log: Log, rows: RowStore, settings: Settings, ended: Callable[[], None] = lambda: None) -> None:
        """``ended`` is called where the keys were declared lost meanwhile, on any thread."""
        self.standing: Final = Standing(log, ended)
        self._seeds: Final = open_seeds(settings)
        try:
            former = taken_over(log, self._seeds)
            self.warnings: Final = _checked(log, self._seeds, settings)
            """What is wrong with the keys and was allowed."""
            self._seeds.begin(secrets.token_bytes(SEED_BYTES))
            keys = OwnedKeys(self._seeds)
            # A log from before the mark cannot tell keys that were found again from those that took their place.
            if not self.warnings and (former or not losses(log)):
                bind(log, keys, instead_of=former)
        except BaseException:
            self._seeds.close()
            raise
        self.envelopes: Final = Envelopes(SEALINGS, keys, lost_through=lost_through(log, log.keys_mark()))
        self.log: Final = sealed_log(log, self.envelopes, keys, self.standing if log.shared else None)
        """With its words; the log itself has them under keys."""
        around = Around(
            log=self.log,
            rows=rows,
            keys=keys,
            seeds=self._seeds,
            sealings=SEALINGS,
            decode=lambda row: recorded(row, REGISTRY),
        )
        self.eraser: Final = Eraser(around)

    def start(self, node: Node, past: PastReader) -> None:
        """Carry out what the log says; to be called on the loop of the node."""
        self.eraser.start(_forgetting(asyncio.get_running_loop(), node, past))

    def close(self) -> None:
        """End after the step in hand."""
        self.eraser.stop()
        self._seeds.close()


def taken_over(log: Log, seeds: SeedStore) -> str:
    """The mark that the log is bound to, once it goes by those keys that took the place of lost ones.

    Whoever declared them lost may have been ended before it did. Raises ForeignKeysError, StoreUnavailable.
    """
    bound, last = log.keys_mark(), next(iter(reversed(losses(log))), None)
    waits = last is not None and last.lost == bound and seeds.seed("") is not None
    if last is None or not waits or mark_of(SubjectKeys(seeds)) != last.new:
        return bound
    return log.bind_keys(last.new, instead_of=bound)


def _checked(log: Log, seeds: SeedStore, settings: Settings) -> tuple[str, ...]:
    try:
        keys = SubjectKeys(seeds)
        envelopes = Envelopes(SEALINGS, keys, lost_through=lost_through(log, log.keys_mark()))
        check_belonging(log, seeds, keys, envelopes)
    except ForeignKeysError as trouble:
        if not settings.allow_unsafe_durability:
            raise
        _logger.warning("what was sealed cannot be read", trouble=str(trouble))
        return (str(trouble),)
    return ()


def _forgetting(loop: asyncio.AbstractEventLoop, node: Node, past: PastReader) -> Callable[[], None]:
    def forget() -> None:
        loop.call_soon_threadsafe(node.committer.forget_answers)
        past.forget()

    return forget


def open_seeds(settings: Settings) -> SeedStore:
    """The seeds of the keys beside the log; on PostgreSQL the log is opened first, which migrates the schema."""
    match settings.store_kind:
        case "memory":
            from infrastructure.erasure.memory import MemorySeeds

            return MemorySeeds()
        case "sqlite":
            from infrastructure.erasure.sqlite import SqliteSeeds

            return SqliteSeeds(settings.sqlite_file.with_name(KEYS_FILE))
        case "postgres":
            from infrastructure.erasure.postgres import PostgresSeeds

            return PostgresSeeds(settings.store)
