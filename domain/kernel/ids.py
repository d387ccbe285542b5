"""Names of things: typed, sortable ids, made only from arguments so that a decision can be repeated."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NewType

StreamId = NewType("StreamId", str)
"""Name of one event stream; it is the typed id of the aggregate, such as ``task_01jd…``."""
ProjectId = NewType("ProjectId", str)
CommandId = NewType("CommandId", str)
PrincipalId = NewType("PrincipalId", str)
Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z, the server's clock."""
Position = NewType("Position", int)
"""Place in the log, from 1, without holes; 0 is before the first event."""
Version = NewType("Version", int)
"""Place in one stream, from 1, without holes; 0 is an empty stream."""
Token = NewType("Token", int)
"""Fencing token: log era x 2^40 + lock-space counter. Shown as a decimal string."""

FLEET: Final = ProjectId("fleet")
"""The reserved scope of streams that belong to no single project."""

SECOND: Final = 1_000_000
"""Microseconds in a second."""

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
SUFFIX_LENGTH: Final = 26
DERIVED_PREFIX: Final = "derived_"
"""Ids of commands begin so where nobody but a policy asks them."""
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_LOW: Final = (1 << 60) - 1
_SUFFIX: Final = re.compile(f"[0-7][{_ALPHABET}]{{{SUFFIX_LENGTH - 1}}}")


def suffix_of(number: int) -> str:
    """A 128-bit number as the 26 characters of the public TypeID form."""
    if not 0 <= number < 1 << 128:
        raise ValueError("a TypeID suffix holds 128 bits")
    # Two letters at a time, without a loop and with small numbers: ids are made for every command.
    pairs, high, low = _PAIRS, number >> 60, number & _LOW
    return (
        f"{pairs[high >> 60]}{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 50]}{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}"
        f"{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


def prefix(identifier: str) -> str:
    """``task`` of ``task_01jd…``; empty where there is none."""
    return identifier.rpartition("_")[0]


def suffix(identifier: str) -> str:
    """``01jd…`` of ``task_01jd…``."""
    return identifier.rpartition("_")[2]


def with_prefix(kind: str, identifier: str) -> StreamId:
    """The stream of another kind that shares an id's suffix: the lock space of a project."""
    return StreamId(f"{kind}_{suffix(identifier)}")


def is_type_id(text: str, kind: str) -> bool:
    """Whether a text is a well-formed id of that kind."""
    return text.startswith(kind + "_") and _SUFFIX.fullmatch(text, len(kind) + 1) is not None


def derived_id(kind: str, at: Instant, parts: Iterable[str]) -> StreamId:
    """A UUIDv7 behind a prefix whose random part is the hash of ``parts``.

    The same parts at the same instant give the same id, so a command decided twice names the same things.
    """
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).digest()
    noise = int.from_bytes(digest, "big")
    milliseconds = (at // 1000) & ((1 << 48) - 1)
    number = (
        (milliseconds << 80) | (0x7 << 76) | (((noise >> 64) & 0xFFF) << 64) | (0b10 << 62) | (noise & ((1 << 62) - 1))
    )
    return StreamId(f"{kind}_{suffix_of(number)}")


def command_id_of(policy: str, cause_stream: str, cause_version: int, target: str) -> CommandId:
    """The id of a derived command: a hash of policy, cause and target, so that it can run only once.

    Anybody can compute it, and whoever used it first would swallow the command: no door takes such an id.
    """
    text = "\x1f".join((policy, cause_stream, str(cause_version), target))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return CommandId(f"{DERIVED_PREFIX}{suffix_of(int.from_bytes(digest, 'big'))}")


def fraction_of(seed: str) -> float:
    """A number in [0, 1) that depends on the seed only: the jitter of a decision."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
