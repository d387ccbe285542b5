"""Folders among bundles that no range needs: what was begun and never finished, and what is whole and on no record."""

import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from infrastructure.bundle.layout import MANIFEST, BundleUnreadable, read_manifest
from infrastructure.bundle.writer import PLAN, is_only_begun, origin_of_plan

_NAME: Final = re.compile(r"([0-9]{12})-([0-9]{12})")
REMOVED: Final = ".removed"
"""The end of the name of a folder whose files are being removed: what a kill leaves of it is no bundle's."""
_logger = structlog.get_logger("signalbox.archive")


class Leftover(NamedTuple):
    """A folder with the name of a bundle that is not on record."""

    name: str
    first: int
    """Position with which it begins."""
    whole: bool
    """A finished bundle: somebody was faster, or another range was asked for after a crash. It is never removed."""


def leftovers(folder: Path, recorded: Collection[str], origin: str) -> list[Leftover]:
    """Those of this log, by name. What is of another log, or cannot be read, is none of ours. Raises OSError."""
    found = [_leftover(path, origin) for path in _named(folder) if path.name not in recorded]
    return [one for one in found if one is not None]


def remove_abandoned(folder: Path, found: Collection[Leftover], *, archived: int, but: str = "") -> list[str]:
    """Remove what was begun and is gone on with by nobody: it ends before what comes next, or, where it is said which
    range comes next (``but``), would end elsewhere. Its events are in the log or in bundles on record.

    Nobody else may write into the folder meanwhile. Raises OSError.
    """
    _clear(folder)
    gone = [one.name for one in found if not one.whole and (one.first <= archived or (but and one.name != but))]
    for name in gone:
        (folder / name).rename(folder / (name + REMOVED))
    if gone:
        _clear(folder)
        _logger.info("bundles that were begun and abandoned were removed", folder=str(folder), names=gone)
    return gone


def _clear(folder: Path) -> None:
    for rest in folder.glob("*" + REMOVED):
        if _NAME.fullmatch(rest.name.removesuffix(REMOVED)):
            shutil.rmtree(rest)


def _named(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def _leftover(path: Path, origin: str) -> Leftover | None:
    first = int(path.name.partition("-")[0])
    try:
        if (path / MANIFEST).exists():
            return Leftover(path.name, first, whole=True) if read_manifest(path).origin == origin else None
        begun = origin_of_plan(path) == origin if (path / PLAN).exists() else is_only_begun(path)
    except (BundleUnreadable, OSError):
        return None
    return Leftover(path.name, first, whole=False) if begun else None
