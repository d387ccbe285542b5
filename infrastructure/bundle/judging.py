"""Judges the parts of a bundle, each by itself: whether every event is what was recorded; several at a time."""

import os
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

from infrastructure.bundle import jsonl
from infrastructure.bundle.examination import leaf_or_nothing
from infrastructure.bundle.layout import BundleUnreadable, events_file
from infrastructure.bundle.reader import Bundle
from projections.audit_ledger.tree import HASH_BYTES

PROCESSES_MAX: Final = 16
Leaf = tuple[int, bytes | None, str | None]
"""Position, leaf hash and project of an event; no hash for one that is redacted and may be."""


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
    # A fresh interpreter each: whoever asks may have threads, of which a forked one would know nothing.
    pool = ProcessPoolExecutor(min(processes, len(parts)), mp_context=get_context("spawn"))
    try:
        asked = [(part, pool.submit(judge, bundle.folder, part)) for part in parts]
        yield (_answered(bundle.folder, part, answer) for part, answer in asked)
    finally:
        pool.shutdown(cancel_futures=True)


def _answered(folder: Path, part: int, answer: "Future[Right | None]") -> Right | None:
    try:
        return answer.result()
    except BrokenProcessPool:
        # No room for another process, or somebody ended it: then it is done here.
        return judge(folder, part)


def judge(folder: Path, part: int) -> Right | None:
    """None where something is wrong, whatever it is: only the whole log tells what. Raises BundleUnreadable."""
    bundle = Bundle(folder)
    project, (first, last) = bundle.manifest.project, bundle.span(part)
    hashes = bundle.hashes(part)
    events, redacted, former = 0, 0, first - 1
    for position, leaf, owner in _leaves(bundle, part):
        if not former < position <= last or (project is None and position != former + 1):
            return None
        start = (position - first) * HASH_BYTES
        if project not in (None, owner) or (leaf is not None and leaf != hashes[start : start + HASH_BYTES]):
            return None
        former = position
        events += leaf is not None
        redacted += leaf is None
    return Right(events, redacted) if project is not None or former == last else None


def _leaves(bundle: Bundle, part: int) -> Iterator[Leaf]:
    """Of lines of JSON without reading more of them than the leaf needs."""
    # A mark of its own must not spare an event the comparison.
    may_redact = bundle.manifest.redaction is not None
    if bundle.manifest.format != "jsonl" or may_redact:
        for row, redacted in bundle.part(part):
            yield row.position, None if redacted and may_redact else leaf_or_nothing(row), row.project
        return
    file = events_file(bundle.folder, part, "jsonl")
    try:
        with file.open("rb") as lines:
            for line in lines:
                plain = jsonl.leaf_of_plain(line)
                if plain is not None:
                    yield plain[0], plain[1], None if plain[2] is None else plain[2].decode(errors="replace")
                else:
                    row = jsonl.read_line(line).row
                    yield row.position, leaf_or_nothing(row), row.project
    except OSError as error:
        raise BundleUnreadable(f"{file} cannot be read: {error.strerror}") from error
