"""Cosignatures of witnesses beneath checkpoints, as texts: C2SP tlog-cosignature with Ed25519."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from projections.audit_ledger.note import NoteUnreadable, Signature
from projections.audit_ledger.tree import HASH_BYTES

COSIGNATURE: Final = b"\x04"
"""Mark of the kind of key, which a log's own keys do not have."""
INSTANT_BYTES: Final = 8
SIGNATURE_BYTES: Final = 64
INSTANT_SECONDS_MAX: Final = 253_402_300_799
"""The end of the year 9999: no clock shows more."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public key of a witness: its name, and 32 bytes."""

    name: str
    key: bytes

    @property
    def key_hash(self) -> bytes:
        """Four bytes by which its cosignatures are found."""
        return sha256(self.name.encode() + b"\n" + COSIGNATURE + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(COSIGNATURE + self.key).decode()}"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a cosignature says; whether it holds is to be verified."""

    at_seconds: int
    """Since 1970."""
    signature: bytes
    message: bytes


def read_witness_key(text: str) -> WitnessKey:
    """A key in the form ``name+hash+base64``. Raises NoteUnreadable."""
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    found = WitnessKey(name, key[1:])
    good = bool(name) and key[:1] == COSIGNATURE and len(key) == 1 + HASH_BYTES
    if not good or any(one.isspace() for one in name) or found.key_hash.hex() != digest:
        raise NoteUnreadable("a witness's key is NAME+HASH+KEY of the kind for cosignatures with Ed25519")
    return found


def claim_of(text: str, signature: Signature, key: WitnessKey) -> Claim | None:
    """What a signature beneath a note's text says, where it claims to be a cosignature of this witness; else None."""
    if (signature.name, signature.key_hash) != (key.name, key.key_hash):
        return None
    if len(signature.signature) != INSTANT_BYTES + SIGNATURE_BYTES:
        return None
    at = int.from_bytes(signature.signature[:INSTANT_BYTES], "big")
    if at > INSTANT_SECONDS_MAX:
        return None
    return Claim(at, signature.signature[INSTANT_BYTES:], f"cosignature/v1\ntime {at}\n{text}".encode())
