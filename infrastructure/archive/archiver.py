"""Moves ranges of the log into bundles: writes, verifies and records one, and only then prunes the database."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final
from zlib import crc32

import structlog

from domain.catalogue import AGGREGATES
from domain.kernel.errors import Rejection
from domain.kernel.past.errors import PointNotReached, RangeNotClosed
from infrastructure.archive.bases import bases_of
from infrastructure.archive.followers import Followers
from infrastructure.archive.leftovers import Leftover, leftovers, remove_abandoned
from infrastructure.archive.settled import settle
from infrastructure.archive.shelf import Shelf, bundle_name, digest_of
from infrastructure.bundle.layout import MANIFEST
from infrastructure.bundle.reader import Bundle
from infrastructure.bundle.store_source import StoreSource
from infrastructure.bundle.verify_bundle import verify_bundle
from infrastructure.bundle.writer import Wish, export
from infrastructure.erasure.envelope import Envelopes
from infrastructure.ledger.scribe import Scribe
from infrastructure.log.archived import Archive
from infrastructure.log.port import Log, OutcomeUnknown, StoreUnavailable
from infrastructure.runtime.state_codec import shape_of
from projections.audit_ledger.verdicts import Verdict

BUNDLE_POSITIONS_MAX: Final = 262_144
"""Events of one bundle, four parts: a longer range becomes several."""
STREAMS_AT_ONCE: Final = 65_536
"""About so many events' streams are folded at once; of a longer bundle part of them, and the rest in further passes."""
BASES_AT_ONCE: Final = 200
ROWS_AT_ONCE: Final = 500
"""Events that are deleted in one transaction: an append waits for no more."""
AGAIN_SECONDS: Final = 0.25
"""Between two looks whether those who follow the log have come so far."""
STORE_SECONDS: Final = 2.0
"""Between two attempts while the store cannot be reached."""
DAY: Final = 86_400 * 1_000_000
_logger = structlog.get_logger("signalbox.archive")


class BundleRefusedError(Exception):
    """Fault: what was written is not what the ledger signed; nothing was pruned."""


class _Stopped(Exception):
    """The server goes down; everything is gone on with when it is back."""


@dataclass(frozen=True, slots=True)
class Around:
    """What an archiver works on."""

    log: Log
    """As it is stored, with what is archived already."""
    scribe: Scribe
    shelf: Shelf
    envelopes: Envelopes
    followers: Followers
    breathe: Callable[[], None]
    """Called often: whoever waits for a command comes first."""
    age_days_min: float


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What an archiver is at."""

    step: str
    """``exports``, ``verifies``, ``folds``, ``waits``, ``prunes``."""
    first: int
    last: int
    done: int
    """Positions, of those from first to last."""
    waits_for: str = ""
    """Who follows the log and has not come so far."""


class Archiver:
    """``start`` and ``stop`` once; everything else from any thread. Each step may be broken off and repeated."""

    def __init__(self, around: Around) -> None:
        self._around: Final = around
        self._wake = threading.Event()
        self._asking = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="archiver", daemon=True)
        self._until: int = 0
        self._asked_by: str = ""
        self.under_way: UnderWay | None = None
        self.trouble: str = ""
        """Why it does not go on; empty where it does."""

    def start(self) -> None:
        """Go on with what was recorded and is not pruned, then wait to be asked."""
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 10.0) -> None:
        """End after the step in hand."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def ask(self, until: int, asked_by: str) -> Rejection | None:
        """Archive everything up to a position that is not archived yet; what refuses it. Blocking; StoreUnavailable."""
        archived = self.archived()
        refusal = None if until <= archived else self._open(until)
        if refusal is None:
            with self._asking:
                if until > max(self._until, archived):  # who asks for less than is under way takes nothing of it back
                    self._until, self._asked_by = until, asked_by
                    self.under_way = self.under_way or UnderWay("exports", archived + 1, until, 0)
                self.trouble = ""
            self._wake.set()
        return refusal

    def archived(self) -> int:
        """The last position that is recorded to be in a bundle."""
        archives = self._around.log.archives()
        return archives[-1].last if archives else 0

    def leftovers(self) -> list[Leftover]:
        """Folders beside those of the ranges on record, but for what is under way. Raises StoreUnavailable, OSError."""
        around, now = self._around, self.under_way
        recorded = {one.name for one in around.log.archives()}
        found = leftovers(around.shelf.folder, recorded, around.scribe.origin)
        return [one for one in found if now is None or one.name != bundle_name(now.first, now.last)]

    def round(self) -> bool:
        """Do what is to be done; False where some of it has to wait. Raises what the stores and bundles raise."""
        while True:
            if not all(archive.pruned or self._pruned(archive) for archive in self._around.log.archives()):
                return False
            first = self.archived() + 1
            with self._asking:
                until = self._until
                if first > until:
                    self.under_way = None
                    return True
            last = min(until, first + BUNDLE_POSITIONS_MAX - 1)
            with self._around.shelf.writing() as alone:
                if not alone:
                    self.under_way = UnderWay(
                        "waits", first, last, 0, "another server that writes into the same folder"
                    )
                    return False
                if self.archived() < first:  # nobody did while this one waited
                    self._written(first, last)

    def tidy(self) -> None:
        """Remove what was begun before a crash and is not gone on with, unless another server writes bundles now.

        What may still be gone on with stays. Raises OSError, StoreUnavailable.
        """
        around = self._around
        if any(not one.whole for one in self.leftovers()):
            with around.shelf.writing() as alone:
                if alone:
                    remove_abandoned(around.shelf.folder, self.leftovers(), archived=self.archived())
        if left := [one.name for one in self.leftovers()]:
            _logger.info("bundles that are not on record", folder=str(around.shelf.folder), names=left)

    def _run(self) -> None:
        with suppress(StoreUnavailable, OSError):  # the next range that is archived sees to it as well
            self.tidy()
        while not self._stopping:
            self._wake.clear()
            seconds: float | None = None
            try:
                if not self.round():
                    seconds = AGAIN_SECONDS
                self.trouble = ""
            except _Stopped:
                return
            except (StoreUnavailable, OutcomeUnknown) as problem:
                self.trouble, seconds = str(problem), STORE_SECONDS
            except Exception as problem:  # the thread must outlive whatever happens; whoever asks is told
                words = f"{type(problem).__name__}: {problem}"
                if words != self.trouble:
                    _logger.warning("the log is not archived", trouble=words)
                with self._asking:
                    self.trouble, self.under_way, self._until = words, None, 0
            if not self._stopping:
                self._wake.wait(seconds)

    def _open(self, until: int) -> Rejection | None:
        """Why a range that ends there is not closed."""
        around = self._around
        if (head := around.log.head()) < until:
            return PointNotReached(position=until, head=head)
        age = around.log.now() - around.log.page(after=until - 1, limit=1)[0].recorded_at
        if age < around.age_days_min * DAY:
            return RangeNotClosed(position=until, reason=f"it is younger than {around.age_days_min:g} days")
        signed = around.scribe.store.latest()
        if signed is None or signed.size < until:
            return RangeNotClosed(position=until, reason="no checkpoint of the ledger reaches so far yet")
        behind = around.followers.behind(until)
        return RangeNotClosed(position=until, reason=behind) if behind else None

    def _written(self, first: int, last: int) -> None:
        around = self._around
        folder = around.shelf.folder_of(bundle_name(first, last))
        self.under_way = UnderWay("exports", first, last, 0)
        with suppress(OSError):  # what cannot be removed holds up nothing
            remove_abandoned(around.shelf.folder, self.leftovers(), archived=first - 1, but=folder.name)
        if not (folder / MANIFEST).exists():
            source = StoreSource(around.log, around.scribe, self._asked_by)
            export(source, folder, Wish(first=first, last=last), self._progress("exports", first, last))
        self.under_way = UnderWay("verifies", first, last, 0)
        digest = self._verified(Bundle(folder), first, last)
        settle(folder)
        archive = Archive(first, last, digest, folder.name, self._asked_by, around.log.now(), pruned=False)
        if not around.log.keep_archive(archive):
            # Of two that write into folders of their own one is faster; this one goes on behind what that one recorded.
            _logger.info("another server was faster to archive", first=first, last=last, folder=str(folder))
            return
        _logger.info("a range of the log was archived", first=first, last=last, folder=str(folder), digest=digest)

    def _verified(self, bundle: Bundle, first: int, last: int) -> str:
        """The digest of a bundle that holds exactly this. Raises BundleRefusedError, BundleUnreadable."""
        around, manifest = self._around, bundle.manifest
        trusted = [one.public_key() for one in around.scribe.store.public_keys()]
        report = verify_bundle(bundle, trusted, self._progress("verifies", first, last))
        whole = (manifest.first, manifest.last, manifest.project, manifest.redaction) == (first, last, None, None)
        ours = report.checkpoint is not None and report.checkpoint.origin == around.scribe.origin
        if report.verdict is not Verdict.INTACT or report.events != last - first + 1 or not (whole and ours):
            words = "; ".join(one.words for one in report.findings) or "it holds something else"
            raise BundleRefusedError(f"{bundle.folder}: {words}")
        return digest_of(bundle)

    def _pruned(self, archive: Archive) -> bool:
        """Whether the database keeps no more of it than it must; the bundle is read once more before."""
        around, first, last = self._around, archive.first, archive.last
        if not (around.shelf.folder_of(archive.name) / MANIFEST).exists():
            self.under_way = UnderWay("waits", first, last, 0, f"the node that has the bundle {archive.name}")
            return False
        if behind := around.followers.behind(last) or around.followers.unkept(last):
            self.under_way = UnderWay("waits", first, last, 0, behind)
            return False
        kept_bases(around, archive, self._progress("folds", first, last))
        after, tell = 0, self._progress("prunes", first, last)
        while (end := around.log.prune(after=after, through=last, rows_max=ROWS_AT_ONCE)) is not None:
            after = end
            tell(max(0, end - first + 1), 0)
        around.log.mark_pruned(last)
        _logger.info("an archived range was pruned", first=first, last=last)
        return True

    def _progress(self, step: str, first: int, last: int) -> Callable[[int, int], None]:
        def tell(done: int, _: int) -> None:
            if self._stopping:
                raise _Stopped
            self.under_way = UnderWay(step, first, last, done)
            self._around.breathe()

        return tell


def kept_bases(around: Around, archive: Archive, progress: Callable[[int, int], None]) -> None:
    """Fold what every stream of an archived range had come to, and keep it. Raises EventsArchived, and faults."""
    # One that remembers nothing of what it read before: what is pruned has to be on the disk now.
    shelf = Shelf(around.shelf.folder)
    passes = 1 + (archive.last - archive.first) // STREAMS_AT_ONCE
    for number in range(passes):
        rows = shelf.rows(archive)
        bases = bases_of(rows, _part(number, passes), around.log.base_states, around.envelopes)
        while some := list(islice(bases, BASES_AT_ONCE)):
            around.log.keep_base_states(some)
            progress(number * STREAMS_AT_ONCE, 0)


def refresh_bases(log: Log, shelf: Shelf, envelopes: Envelopes) -> None:
    """Fold anew what was kept in another shape than this program's. Raises EventsArchived where that cannot be."""
    kinds = [shape_of(one) for one in AGGREGATES.values()]
    while outdated := log.outdated_bases(kinds, limit=STREAMS_AT_ONCE):
        until = {one.stream: one.position for one in outdated}
        rows = (row for archive in log.archives() for row in shelf.rows(archive))
        upto = (row for row in rows if row.position <= until.get(row.stream, 0))
        bases = bases_of(upto, until.__contains__, lambda _: {}, envelopes)
        while some := list(islice(bases, BASES_AT_ONCE)):
            log.keep_base_states(some)


def _part(number: int, passes: int) -> Callable[[str], bool]:
    return lambda stream: crc32(stream.encode()) % passes == number
