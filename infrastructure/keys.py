"""API keys: made here, known here by their keyed hash only, and who stands behind one."""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Final, NamedTuple

from domain.kernel.ids import Instant, PrincipalId, StreamId, suffix, suffix_of
from domain.kernel.message import Event
from domain.principal.allow import Principal, is_expired, principal_of
from domain.principal.decider import evolve
from domain.principal.events import KeyIssued, KeyRevoked
from domain.principal.state import Absent, Key, KeyState

PREFIX: Final = "sbx"
SECRET_BYTES: Final = 32
CHECKSUM_BYTES: Final = 5
KEY_LENGTH: Final = len(PREFIX) + 1 + 26 + 1 + 52 + 1 + 8
"""`sbx_`, id, `_`, 256 secret bits in base 32, `_`, checksum: 92 characters."""
PROVEN_MAX: Final = 10_000

_NO_DIGEST: Final = "0" * 64


class Minted(NamedTuple):
    """A new key. ``secret`` is shown once and kept nowhere but with its owner."""

    key: str
    digest: str
    secret: str


class Keys:
    """Makes keys and recognises them: a fold of what was issued and revoked, safe from any thread."""

    def __init__(self, secret: bytes) -> None:
        """Take the server's secret: every digest is keyed with it, so a stolen log opens no door."""
        self._secret: Final = secret
        self._states: dict[str, KeyState] = {}
        self._principals: dict[str, Principal] = {}
        self._proven: dict[str, StreamId] = {}

    def mint(self) -> Minted:
        """A new key id, the digest to record, and the secret to hand out."""
        milliseconds = time.time_ns() // 1_000_000
        number = (milliseconds << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
        key = f"key_{suffix_of(number)}"
        text = f"{PREFIX}_{suffix(key)}_{_base32(secrets.token_bytes(SECRET_BYTES))}"
        secret = f"{text}_{_checksum(text)}"
        return Minted(key, self.digest(secret), secret)

    def digest(self, secret: str) -> str:
        """The keyed hash under which a secret is recorded."""
        return hmac.digest(self._secret, secret.encode(errors="replace"), "sha256").hex()

    def observe(self, stream: str, event: Event) -> None:
        """Learn what the log says of keys; other events are passed over.

        Events may come once more: what was revoked stays so.
        """
        if isinstance(event, KeyIssued | KeyRevoked):
            former = self._states.get(stream, Absent())
            if isinstance(former, Key) and former.revoked:
                return
            state = evolve(former, event)
            self._states[stream] = state
            if isinstance(state, Key):
                self._principals[stream] = principal_of(PrincipalId(stream), state)

    def authenticate(self, secret: str, now: Instant) -> Principal | None:
        """Who holds this key; None where it is malformed, unknown, revoked or expired.

        An unknown key id takes as long as a wrong secret.
        """
        known = self._proven.get(secret)
        identifier = self._prove(secret) if known is None else known
        if identifier is None:
            return None
        key, principal = self._states[identifier], self._principals[identifier]
        usable = isinstance(key, Key) and not key.revoked and not is_expired(principal, now)
        return principal if usable else None

    def _prove(self, secret: str) -> StreamId | None:
        """The key whose secret this is. What was proven is remembered: a keyed hash costs more than all the rest."""
        identifier = key_of(secret)
        if identifier is None:
            return None
        key = self._states.get(identifier)
        digest = key.issued.digest if isinstance(key, Key) else _NO_DIGEST
        if not hmac.compare_digest(self.digest(secret), digest):
            return None
        if len(self._proven) >= PROVEN_MAX:
            self._proven.clear()
        self._proven[secret] = identifier
        return identifier


def key_of(secret: str) -> StreamId | None:
    """The id inside a well-formed secret; None where the checksum says that it was mistyped or cut."""
    if len(secret) != KEY_LENGTH or not secret.isascii():
        return None
    text, _, checksum = secret.rpartition("_")
    parts = text.split("_")
    if len(parts) != 3 or parts[0] != PREFIX or checksum != _checksum(text):
        return None
    return StreamId(f"key_{parts[1]}")


def _checksum(text: str) -> str:
    return _base32(hashlib.blake2b(text.encode(), digest_size=CHECKSUM_BYTES).digest())


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
