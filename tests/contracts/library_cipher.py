"""A cipher in place of the library's own, whose package nobody else here needs; its cases import it by name."""

import hmac
import os
import sys
from base64 import b64decode, b64encode
from hashlib import sha256, shake_256
from importlib.util import find_spec
from types import ModuleType
from typing import Final

from eventsourcing.persistence import Cipher
from eventsourcing.utils import Environment

_NONCE_BYTES: Final = 16
_TAG_BYTES: Final = 32


class AESCipher(Cipher):
    """Keeps what the library's cases ask of a cipher: settings, round trip, a wrong key is noticed. Tests only."""

    CIPHER_KEY = "CIPHER_KEY"

    def __init__(self, environment: Environment) -> None:
        key = environment.get(self.CIPHER_KEY)
        if not key:
            raise OSError(f"'{self.CIPHER_KEY}' not set in environment")
        self._key = b64decode(key)

    @staticmethod
    def create_key(num_bytes: int) -> str:
        return b64encode(os.urandom(num_bytes)).decode()

    def encrypt(self, plaintext: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        hidden = self._mixed(nonce, plaintext)
        return nonce + self._tag(nonce + hidden) + hidden

    def decrypt(self, ciphertext: bytes) -> bytes:
        nonce, rest = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
        tag, hidden = rest[:_TAG_BYTES], rest[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(nonce + hidden)):
            raise ValueError("wrong key or changed text")
        return self._mixed(nonce, hidden)

    def _mixed(self, nonce: bytes, text: bytes) -> bytes:
        stream = shake_256(self._key + nonce).digest(len(text))
        return bytes(one ^ other for one, other in zip(text, stream, strict=True))

    def _tag(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, sha256)


def stand_in() -> None:
    """Put the cipher where the library looks for its own, unless that one can be imported."""
    if find_spec("Crypto") is None:
        module = ModuleType("eventsourcing.cipher")
        module.__dict__["AESCipher"] = AESCipher
        sys.modules.setdefault("eventsourcing.cipher", module)
