"""Where things lie in a bundle, and its manifest."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.kernel.past.points import POSITION_MAX

VERSION: Final = 1
PART_POSITIONS: Final = 65_536
"""Positions of one file of events and one of hashes: 256 tiles of 256 leaves."""
MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement"
CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints.jsonl"
KEYS: Final = "keys.json"
EVENTS: Final = "events"
TILES: Final = "tiles"
REDACTIONS: Final = "redactions"
MANIFEST_BYTES_MAX: Final = 16 * 1024 * 1024

Format = Literal["jsonl", "csv", "cloudevents", "parquet"]
ENDINGS: Final[dict[Format, str]] = {
    "jsonl": "jsonl",
    "csv": "csv",
    "cloudevents": "cloudevents.jsonl",
    "parquet": "parquet",
}


class BundleUnreadable(Exception):
    """Something that a bundle needs is missing, or is not what it should be."""


class Record(BaseModel):
    """A part of a manifest; fields that a later version adds are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Proof(Record):
    """The audit path of one event to the root of the bundle's checkpoint, hashes in base64, from the leaf upwards."""

    position: int = Field(ge=1)
    path: tuple[str, ...] = Field(max_length=64)


class Manifest(Record):
    """What a bundle holds; written last, so a folder without it is an export that was interrupted."""

    bundle: int = Field(ge=1)
    origin: str
    format: Format
    first: int = Field(ge=1, le=POSITION_MAX)
    last: int = Field(ge=0, le=POSITION_MAX)
    """Positions; a log without events has last = first - 1."""
    events: int = Field(ge=0)
    project: str | None = None
    """Id of the project whose events these are; None is all of them."""
    redacted: int = Field(default=0, ge=0)
    """Events of which something was left out; their hashes are kept."""
    redaction: dict[str, tuple[str, ...]] | None = None
    part_positions: int = Field(default=PART_POSITIONS, ge=1)
    proofs: tuple[Proof, ...] = ()
    """Of the first and the last event; with the hashes between them they lead to the checkpoint."""


def read_manifest(folder: Path) -> Manifest:
    """Raises BundleUnreadable."""
    text = read_file(folder / MANIFEST, MANIFEST_BYTES_MAX)
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BundleUnreadable(f"{folder / MANIFEST} is no manifest") from error
    if found.bundle != VERSION:
        raise BundleUnreadable(f"{folder} is a bundle of version {found.bundle}; this program reads {VERSION}")
    return found


def read_file(file: Path, bytes_max: int) -> bytes:
    """A small file, whole. Raises BundleUnreadable."""
    try:
        with file.open("rb") as opened:
            content = opened.read(bytes_max + 1)
    except OSError as error:
        raise BundleUnreadable(f"{file} cannot be read: {error.strerror}") from error
    if len(content) > bytes_max:
        raise BundleUnreadable(f"{file} is larger than {bytes_max} bytes")
    return content


def part_of(position: int, part_positions: int = PART_POSITIONS) -> int:
    """First position of the part that a position lies in."""
    return (position - 1) // part_positions * part_positions + 1


def events_file(folder: Path, part: int, kind: Format) -> Path:
    """The events of a part, such as ``events/000000065537.jsonl``."""
    return folder / EVENTS / f"{part:012d}.{ENDINGS[kind]}"


def tiles_file(folder: Path, part: int) -> Path:
    """The leaf hashes of a part, 32 bytes each, of every position of it inside the bundle's range."""
    return folder / TILES / f"{part:012d}.hashes"


def redactions_file(folder: Path, part: int) -> Path:
    """What was signed of the redacted events of a part, a note for each page of them."""
    return folder / REDACTIONS / f"{part:012d}.jsonl"
