"""Checkpoints as texts: what is signed, in the form of a transparency log, and how signatures stand beneath it."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from projections.audit_ledger.tree import HASH_BYTES

ED25519: Final = b"\x01"
"""Mark of the kind of signature that is used here."""
SIGNATURES_MAX: Final = 16
NOTE_CHARACTERS_MAX: Final = 16_384
CLOCKS_DIFFER_MAX: Final = 60_000_000
"""Microseconds."""
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH: Final = "\u2014 "
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class NoteUnreadable(Exception):
    """A text that should be a signed note, a checkpoint or a public key is none."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature beneath a note."""

    name: str
    key_hash: bytes
    """First four bytes of the hash of the key, to find it among others."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text with signatures: C2SP signed-note, as certificate transparency and Go's checksum database use it."""

    text: str
    """Ends with a line break."""
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        lines = (
            f"{_DASH}{one.name} {base64.b64encode(one.key_hash + one.signature).decode()}\n" for one in self.signatures
        )
        return f"{self.text}\n{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that checkpoints can be verified with."""

    name: str
    key: bytes
    """Ed25519 public key, 32 bytes."""
    since: int = field(default=0, compare=False)
    """When it began to sign, microseconds since 1970; 0 where that is not known."""
    until: int | None = field(default=None, compare=False)
    """When it was retired; None where it was not, or that is not known."""

    def signs_at(self, at: int) -> bool:
        """Whether its period holds an instant, give or take a minute by which clocks may differ."""
        return self.since - CLOCKS_DIFFER_MAX <= at and (self.until is None or at <= self.until + CLOCKS_DIFFER_MAX)

    @property
    def line(self) -> str:
        """The key with its period, as files of trusted keys have it."""
        words = [str(self), written(self.since)] + ([] if self.until is None else [written(self.until)])
        return " ".join(words)

    @property
    def key_hash(self) -> bytes:
        """Four bytes that tell it from others of the same name."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(ED25519 + self.key).decode()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The whole log in four facts: which, how long, its root, and when it was so."""

    origin: str
    size: int
    root: bytes
    at: int
    """Microseconds since 1970."""

    def text(self) -> str:
        """What is signed: C2SP tlog-checkpoint, with the instant as its extension line."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{written(self.at)}\n"


def read_note(text: str) -> Note:
    """Raises NoteUnreadable."""
    if len(text) > NOTE_CHARACTERS_MAX:
        raise NoteUnreadable(f"a note has {NOTE_CHARACTERS_MAX} characters at most")
    body, gap, tail = text.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteUnreadable("a note is a text, an empty line and signatures")
    lines = tail.splitlines()
    if not 0 < len(lines) <= SIGNATURES_MAX:
        raise NoteUnreadable(f"a note has 1 to {SIGNATURES_MAX} signatures")
    return Note(body + "\n", tuple(_signature(line) for line in lines))


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text. Raises NoteUnreadable."""
    lines = text.split("\n")
    if len(lines) != 5 or lines[4] or not lines[0]:
        raise NoteUnreadable("a checkpoint has the lines origin, size, root and time")
    root = _decoded(lines[2])
    if not _SIZE.fullmatch(lines[1]) or len(root) != HASH_BYTES:
        raise NoteUnreadable("size or root of the checkpoint cannot be read")
    return Checkpoint(lines[0], int(lines[1]), root, read_instant(lines[3]))


def read_key(text: str) -> PublicKey:
    """A key in the form ``name+hash+base64``, behind which its period may stand. Raises NoteUnreadable."""
    said, *period = text.split()[:4] or [""]
    if len(period) > 2:
        raise NoteUnreadable("behind a public key stand at most two instants, since when and until when it signs")
    since, until = [read_instant(one) for one in period] + [0, None][len(period) :]
    name, _, rest = said.partition("+")
    digest, _, encoded = rest.partition("+")
    key = _decoded(encoded)
    found = PublicKey(name, key[1:], since or 0, until)
    if not name or key[:1] != ED25519 or len(key) != 1 + HASH_BYTES or found.key_hash.hex() != digest:
        raise NoteUnreadable("a public key is NAME+HASH+KEY, such as `audit keys list` prints")
    return found


def with_periods(trusted: Sequence[PublicKey], told: Sequence[PublicKey]) -> tuple[PublicKey, ...]:
    """Trusted keys, with the periods that somebody else tells of those whose own is not known: that only narrows."""
    periods = {key: key for key in told}
    return tuple(periods.get(key, key) if key.since == 0 and key.until is None else key for key in trusted)


def signers(note: Note, keys: Sequence[PublicKey]) -> list[tuple[PublicKey, bytes]]:
    """Which of the keys claim to have signed the note, each with its signature; whether it holds is to be verified."""
    known = {(key.name, key.key_hash): key for key in keys}
    return [
        (known[one.name, one.key_hash], one.signature) for one in note.signatures if (one.name, one.key_hash) in known
    ]


def written(at: int) -> str:
    """An instant in microseconds as RFC 3339 has it."""
    return (_EPOCH + at * _MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_instant(text: str) -> int:
    """Raises NoteUnreadable."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise NoteUnreadable(f"{text[:40]!r} is no instant") from error
    return (moment - _EPOCH) // _MICROSECOND


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).rpartition(" ")
    signed = _decoded(encoded)
    if not line.startswith(_DASH) or not name or len(signed) <= 4:
        raise NoteUnreadable("a line beneath the note is no signature")
    return Signature(name, signed[:4], signed[4:])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteUnreadable("a text that should be base64 is not") from error
