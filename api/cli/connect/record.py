"""What a file was before we wrote into it, so that it can be put back byte for byte."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

FILE_BYTES_MAX: Final = 16 * 1_048_576


@dataclass(frozen=True, slots=True)
class Record:
    """One file that we wrote."""

    before: bytes | None
    """Its content; None where there was no file."""
    after: bytes
    folders: tuple[str, ...] = ()
    """That were made for it, the innermost first."""


def record_path(file: Path, environment: Mapping[str, str]) -> Path:
    """Where what is known of a file is kept: among the state files of this user."""
    said = environment.get("XDG_STATE_HOME")
    base = Path(said) if said else Path.home() / ".local" / "state"
    name = hashlib.blake2b(os.fsencode(file), digest_size=16).hexdigest()
    return base / "signalbox" / "connections" / f"{name}.json"


def read_record(path: Path) -> Record | None:
    """What was kept; None where there is nothing, or nothing that can be read."""
    try:
        told: Any = json.loads(path.read_bytes())
        before = told["before"]
        return Record(
            None if before is None else base64.b64decode(before),
            base64.b64decode(told["after"]),
            tuple(str(one) for one in cast("list[object]", told["folders"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_record(path: Path, file: Path, record: Record) -> None:
    """Keep it, for this user's eyes only: settings may hold secrets."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = {
        "file": str(file),
        "before": None if record.before is None else base64.b64encode(record.before).decode(),
        "after": base64.b64encode(record.after).decode(),
        "folders": list(record.folders),
    }
    replace_file(path, json.dumps(told).encode(), 0o600)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """The whole content or the former one, whatever happens in between."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
