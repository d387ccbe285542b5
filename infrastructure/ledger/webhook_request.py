"""What is posted of a checkpoint, and how it is signed: headers as Standard Webhooks have them."""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

import orjson

from infrastructure.ledger.port import SignedCheckpoint

TYPE: Final = "ledger.checkpoint.v1"
PREFIX: Final = "whsec_"
SECRET_BYTES_MIN: Final = 24
_ID_CHARACTERS: Final = 32


def body_of(checkpoint: SignedCheckpoint) -> bytes:
    """A JSON object: ``type``, ``size``, ``at`` (microseconds since 1970) and ``note``."""
    return orjson.dumps({"type": TYPE, **checkpoint._asdict()})


def headers_of(checkpoint: SignedCheckpoint, body: bytes, secret: bytes, at_seconds: int) -> dict[str, str]:
    """The id is the checkpoint's own, the same for each attempt; instant and signature are those of the attempt."""
    number = f"checkpoint_{sha256(checkpoint.note.encode()).hexdigest()[:_ID_CHARACTERS]}"
    signed = hmac.digest(secret, f"{number}.{at_seconds}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def secret_text(secret: bytes) -> str:
    """A secret as files have it."""
    return PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """Raises ValueError, without the text."""
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook's secret is whsec_ and base64") from error
    if not text.startswith(PREFIX) or len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"a webhook's secret is whsec_ and base64 of {SECRET_BYTES_MIN} bytes or more")
    return secret
