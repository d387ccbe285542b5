"""Fresh command ids: the public TypeID form, a UUIDv7 in base32 behind a prefix."""

import secrets
import time
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def fresh_command_id() -> str:
    """A new ``cmd_…``; make one for every new command and repeat it only with the very same body."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return "cmd_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
