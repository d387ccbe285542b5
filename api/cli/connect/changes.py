"""Connecting and disconnecting as a change of one file: planned, shown, written, taken back."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.cli.connect.documents import Document
from api.cli.connect.record import Record, keep_record, read_record, record_path, replace_file
from signalbox.client.errors import Refused


@dataclass(frozen=True, slots=True)
class Change:
    """A file and what shall stand in it; None where there is, or shall be, no file."""

    file: Path
    before: bytes | None
    after: bytes | None
    original: bytes | None = None
    """What disconnecting shall lead back to."""

    @property
    def is_nothing(self) -> bool:
        return self.before == self.after

    def diff(self) -> str:
        """As `diff -u` shows it."""
        old, new = (([] if one is None else _text(one, self.file).splitlines()) for one in (self.before, self.after))
        names = ("/dev/null" if self.before is None else str(self.file), "/dev/null" if self.after is None else "")
        lines = difflib.unified_diff(old, new, names[0], names[1] or str(self.file), lineterm="")
        return "\n".join(lines)


def planned(document: Document, environment: Mapping[str, str]) -> Change:
    """What connecting would write. Raises Refused where the file cannot be read as settings."""
    before = _content(document.file)
    text = None if before is None else _text(before, document.file)
    original = _original(document, before, environment)
    return Change(document.file, before, document.with_ours(text).encode(), original)


def undone(document: Document, environment: Mapping[str, str]) -> Change:
    """What disconnecting would write: the file as it was, or without our entries where it has changed since."""
    before = _content(document.file)
    return Change(document.file, before, _original(document, before, environment))


def write(change: Change, environment: Mapping[str, str]) -> None:
    """Carry out a connection; what was there is kept first."""
    if change.after is None:
        raise ValueError("a connection always leaves a file")
    _unchanged(change)
    file, kept = change.file, record_path(change.file, environment)
    known = read_record(kept)
    made = [str(one) for one in (file.parent, *file.parent.parents) if not one.exists()]
    folders = tuple(made) or (() if known is None else known.folders)
    keep_record(kept, file, Record(change.original, change.after, folders))
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(_target(file), change.after, _mode(file))


def take_back(change: Change, environment: Mapping[str, str]) -> None:
    """Carry out a disconnection, and forget what was kept; folders that were made go where nothing else is in them."""
    _unchanged(change)
    kept = record_path(change.file, environment)
    known = read_record(kept)
    if change.after is None:
        _target(change.file).unlink(missing_ok=True)
        for folder in () if known is None else known.folders:
            try:
                Path(folder).rmdir()
            except OSError:
                break
    elif not change.is_nothing:
        replace_file(_target(change.file), change.after, _mode(change.file))
    kept.unlink(missing_ok=True)


def _original(document: Document, now: bytes | None, environment: Mapping[str, str]) -> bytes | None:
    """What the file holds without us: byte for byte as it was where nobody has changed it since."""
    file = document.file
    known = read_record(record_path(file, environment))
    if known is not None and now == known.after:
        return known.before
    if now is None:
        return None
    text = _text(now, file)
    rest = document.without_ours(text)
    if rest == text:
        return now
    if known is not None and document.is_same("" if known.before is None else _text(known.before, file), rest):
        return known.before
    return rest.encode()


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused("settings_unreadable", f"{file} cannot be read: {error}", "Mend that and ask again.") from error


def _text(content: bytes, file: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused("settings_not_json", f"{file} is not UTF-8", "Mend it and ask again.") from error


def _unchanged(change: Change) -> None:
    """Raises Refused where somebody wrote the file since the change was planned, as while it was shown."""
    if _content(change.file) != change.before:
        raise Refused("settings_changed", f"{change.file} has changed meanwhile; it was left as it is.", "Ask again.")


def _target(file: Path) -> Path:
    """What a link leads to: settings are often kept elsewhere."""
    return file.resolve() if file.is_symlink() else file


def _mode(file: Path) -> int:
    return file.stat().st_mode & 0o777 if file.exists() else 0o644
