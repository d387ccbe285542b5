"""Judges the parts of a bundle, each by itself: whether every event is what was recorded; several at a time."""

import os
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from io import BytesIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Final, NamedTuple

from infrastructure.bundle import jsonl
from infrastructure.bundle.examination import leaf_or_nothing
from infrastructure.bundle.layout import BundleUnreadable, events_file
from infrastructure.bundle.reader import Bundle
from projections.audit_ledger.tree import HASH_BYTES

PROCESSES_MAX: Final = 16
LINES_BYTES: Final = 1024 * 1024
"""So much of a file is looked at at once, and the rest of its last line."""


class Right(NamedTuple):
    """A part of which every event is what was recorded."""

    events: int
    redacted: int


def processes_at_most() -> int:
    """Processes that have a core of their own here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, PROCESSES_MAX)


@contextmanager
def judged(bundle: Bundle, processes: int) -> Generator[Iterator[Right | None]]:
    """What ``judge`` says of each part, in order; with several processes work on it begins at once, in them."""
    parts = list(bundle.parts())
    if min(processes, len(parts)) < 2:
        yield (judge(bundle.folder, part) for part in parts)
        return
    pool = pool_of(min(processes, len(parts)))
    try:
        with interrupts_for_this_one():
            asked = [(part, pool.submit(judge, bundle.folder, part)) for part in parts]
        yield (_answered(bundle.folder, part, answer) for part, answer in asked)
    finally:
        pool.shutdown(cancel_futures=True)


def pool_of(processes: int) -> ProcessPoolExecutor:
    """Processes that end with this one, also where it is killed and can tell them nothing."""
    # A fresh interpreter each: whoever asks may have threads, of which a forked one would know nothing.
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent)


@contextmanager
def interrupts_for_this_one() -> Generator[None]:
    """Processes that begin meanwhile never hear Ctrl-C: this one does, and ends them without their traces."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _end_with_parent() -> None:
    threading.Thread(target=_end_behind_parent, name="parent", daemon=True).start()


def _end_behind_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answered(folder: Path, part: int, answer: "Future[Right | None]") -> Right | None:
    try:
        return answer.result()
    except BrokenProcessPool:
        # No room for another process, or somebody ended it: then it is done here.
        return judge(folder, part)


def judge(folder: Path, part: int) -> Right | None:
    """None where something is wrong, whatever it is: only the whole log tells what. Raises BundleUnreadable."""
    bundle = Bundle(folder)
    manifest, (first, last) = bundle.manifest, bundle.span(part)
    hashes = bundle.hashes(part)
    if manifest.redaction is None and manifest.project is None:
        return Right(last - first + 1, 0) if _are_all(_leaves(bundle, part), hashes) else None
    return _are_some(bundle, part, hashes)


def _are_all(leaves: Iterator[bytes], hashes: bytes) -> bool:
    """Whether these are the leaves, none more and none less; the position of an event is hashed with it."""
    start = 0
    for some in leaves:
        end = start + len(some)
        if not some or some != hashes[start:end]:
            return False
        start = end
    return start == len(hashes)


def _are_some(bundle: Bundle, part: int, hashes: bytes) -> Right | None:
    """Events of one project, or such that may be redacted."""
    manifest, (first, last) = bundle.manifest, bundle.span(part)
    events, left_out, former = 0, 0, first - 1
    for row, redacted in bundle.part(part):
        if not former < row.position <= last or manifest.project not in (None, row.project):
            return None
        if manifest.project is None and row.position != former + 1:
            return None
        former = row.position
        # A mark of its own must not spare an event the comparison.
        if redacted and manifest.redaction is not None:
            left_out += 1
            continue
        start = (former - first) * HASH_BYTES
        if leaf_or_nothing(row) != hashes[start : start + HASH_BYTES]:
            return None
        events += 1
    return Right(events, left_out) if manifest.project is not None or former == last else None


def _leaves(bundle: Bundle, part: int) -> Iterator[bytes]:
    """The leaves of the events as they stand there, one or many at once; nothing for what has none."""
    if bundle.manifest.format != "jsonl":
        yield from (leaf_or_nothing(row) for row, _ in bundle.part(part))
        return
    file = events_file(bundle.folder, part, "jsonl")
    try:
        with file.open("rb") as events:
            while lines := events.read(LINES_BYTES) + events.readline():
                yield from leaves_of_lines(lines)
    except OSError as error:
        raise BundleUnreadable(f"{file} cannot be read: {error.strerror}") from error


def leaves_of_lines(lines: bytes) -> Iterator[bytes]:
    """The leaves of whole lines of JSON, without reading more of them than that needs."""
    plain = jsonl.leaves_of_plain(lines)
    if plain is not None:
        yield plain
        return
    for line in BytesIO(lines):
        yield jsonl.leaves_of_plain(line) or leaf_or_nothing(jsonl.read_line(line).row)
