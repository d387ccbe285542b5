"""Whether a bundle has hashes for every part that its manifest speaks of, and no events beside its parts."""

from pathlib import Path
from typing import Final

from infrastructure.bundle.examination import FINDINGS_MAX
from infrastructure.bundle.layout import ENDINGS, EVENTS, TILES, BundleUnreadable, events_file, tiles_file
from infrastructure.bundle.reader import Bundle
from projections.audit_ledger.verdicts import Finding, Verdict

_LOOK_LIKE_EVENTS: Final = tuple(f".{ending}" for ending in ENDINGS.values())


def check_files(bundle: Bundle) -> list[Finding]:
    """Files that look like events of the bundle and are not: nothing vouches for what stands in them.

    Raises BundleUnreadable where a part has no hashes, so that a manifest can claim no more parts than there are files.
    """
    folder, parts = bundle.folder, bundle.parts()
    hashed = _names(folder / TILES)
    missing = next((file for file in (tiles_file(folder, part) for part in parts) if file.name not in hashed), None)
    if missing is not None:
        raise BundleUnreadable(f"{missing} is not there")
    own = {events_file(folder, part, bundle.manifest.format).name for part in parts}
    others = sorted(name for name in _names(folder / EVENTS) - own if name.endswith(_LOOK_LIKE_EVENTS))
    return [Finding(Verdict.INSERTED, 0, 0, _words(name)) for name in others[:FINDINGS_MAX]]


def _words(name: str) -> str:
    return f"{EVENTS}/{name} is no part of the bundle, and nothing vouches for the events in it"


def _names(folder: Path) -> set[str]:
    try:
        return {file.name for file in folder.iterdir()}
    except FileNotFoundError:  # of a bundle without events
        return set()
    except OSError as error:
        raise BundleUnreadable(f"{folder} cannot be read: {error.strerror}") from error
