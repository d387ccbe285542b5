"""A tree of seeds from which every subject's key follows, until just that leaf is cut out of it (a puncturable PRF)."""

from hashlib import blake2b
from typing import Final

PATH_STEPS: Final = 20
"""Hexadecimal digits of a path: among 10**7 subjects two share one by accident with a probability of 4 * 10**-11."""
SEED_BYTES: Final = 32
_DIGITS: Final = "0123456789abcdef"


def path_of(subject: str) -> str:
    """Where a subject's key hangs in the tree."""
    return blake2b(subject.encode(), digest_size=PATH_STEPS // 2).hexdigest()


def descended(seed: bytes, steps: str) -> bytes:
    """The seed at the end of some steps below another; nothing leads back."""
    for step in steps:
        seed = blake2b(step.encode(), key=seed, digest_size=SEED_BYTES).digest()
    return seed


def key_at(leaf: bytes) -> bytes:
    """The key of 256 bits that belongs to the seed of a leaf."""
    return blake2b(b"key", key=leaf, digest_size=SEED_BYTES).digest()


def punctured(prefix: str, seed: bytes, path: str) -> dict[str, bytes]:
    """What takes the place of the seed at ``prefix``: from these follow all leaves below it but the one at ``path``."""
    left: dict[str, bytes] = {}
    for place in range(len(prefix), PATH_STEPS):
        taken = path[place]
        left |= {path[:place] + digit: descended(seed, digit) for digit in _DIGITS if digit != taken}
        seed = descended(seed, taken)
    return left


def shared(one: str, other: str) -> int:
    """Steps that two paths go together."""
    place = 0
    while place < PATH_STEPS and one[place] == other[place]:
        place += 1
    return place
