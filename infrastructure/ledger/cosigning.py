"""Cosignatures beneath checkpoints, verified with Ed25519."""

from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infrastructure.ledger.port import SignedCheckpoint
from projections.audit_ledger.cosignature import Claim, WitnessKey, claim_of
from projections.audit_ledger.note import Note, NoteUnreadable, Signature, read_checkpoint, read_note


class Cosigned(NamedTuple):
    """The largest checkpoint that a witness has cosigned, and when it did."""

    size: int
    at_seconds: int
    """Since 1970."""


def cosignatures(note: Note, key: WitnessKey) -> tuple[Signature, ...]:
    """Those of a witness beneath a note that hold."""
    claims = ((one, claim_of(note.text, one, key)) for one in note.signatures)
    return tuple(one for one, claim in claims if claim is not None and _holds(claim, key))


def largest_cosigned(copies: Sequence[SignedCheckpoint], key: WitnessKey) -> Cosigned | None:
    """Of copied checkpoints the largest one that a witness has cosigned; None where there is none."""
    for one in sorted(copies, reverse=True):
        try:
            note = read_note(one.note)
            size = read_checkpoint(note.text).size
        except NoteUnreadable:
            continue
        for claim in (claim_of(note.text, signature, key) for signature in note.signatures):
            if claim is not None and _holds(claim, key):
                return Cosigned(size, claim.at_seconds)
    return None


def _holds(claim: Claim, key: WitnessKey) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(claim.signature, claim.message)
    except InvalidSignature:
        return False
    return True
