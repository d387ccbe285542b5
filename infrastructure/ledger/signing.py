"""Signatures beneath checkpoints, made and verified with Ed25519."""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from projections.audit_ledger.note import Note, PublicKey, Signature, signers


def new_seed() -> bytes:
    """The secret half of a new key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(name: str, seed: bytes) -> PublicKey:
    """The public half."""
    return PublicKey(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def signature(name: str, seed: bytes, text: str) -> Signature:
    """The signature beneath a text."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = PublicKey(name, private.public_key().public_bytes_raw())
    return Signature(name, public.key_hash, private.sign(text.encode()))


def verified(note: Note, keys: Sequence[PublicKey], at: int | None = None) -> tuple[PublicKey, ...]:
    """Those of the keys that have signed the note; one whose signature does not hold makes it nobody's.

    Where the note tells ``at`` what instant it was signed, keys whose period does not hold that do not count.
    """
    found: list[PublicKey] = []
    for key, signed in signers(note, keys):
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(signed, note.text.encode())
        except InvalidSignature:
            return ()
        if at is None or key.signs_at(at):
            found.append(key)
    return tuple(found)
