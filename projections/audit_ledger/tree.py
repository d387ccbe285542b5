"""The Merkle tree of RFC 6962, section 2.1: hashes of nodes, and a tree that grows leaf by leaf in constant room."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
NODE_MARK: Final = b"\x01"
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(NODE_MARK + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """The root over concatenated hashes of neighbouring nodes, a power of two of them."""
    level = split(hashes)
    while len(level) > 1:
        pairs = iter(level)
        level = [sha256(NODE_MARK + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return level[0]


def split(hashes: bytes) -> list[bytes]:
    """Concatenated hashes, one by one."""
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]


def peaks_of(size: int) -> list[tuple[int, int]]:
    """The perfect subtrees that a tree of ``size`` leaves begins with, as (height, index), from left to right."""
    return perfect_parts(0, size)


def perfect_parts(first: int, end: int) -> list[tuple[int, int]]:
    """The largest perfect subtrees that make up the leaves ``first`` to ``end`` (exclusive), from left to right."""
    parts: list[tuple[int, int]] = []
    while first < end:
        height = (end - first).bit_length() - 1
        if first:
            height = min(height, (first & -first).bit_length() - 1)
        parts.append((height, first >> height))
        first += 1 << height
    return parts


def joined(peaks: Sequence[bytes]) -> bytes:
    """The root over the perfect subtrees of a tree, given from left to right."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


class Frontier:
    """A tree that grows at its right end and remembers only the roots of its perfect subtrees, one a height."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Go on from a tree of ``size`` leaves with these ``peaks_of`` it."""
        self.size = size
        self._peaks = [(height, peak) for (height, _), peak in zip(peaks_of(size), peaks, strict=True)]

    def add(self, node: bytes, height: int = 0) -> None:
        """One more leaf; or a whole perfect subtree, where the size is a multiple of its 2**height leaves."""
        self.size += 1 << height
        peaks = self._peaks
        while peaks and peaks[-1][0] == height:
            node = node_hash(peaks.pop()[1], node)
            height += 1
        peaks.append((height, node))

    def root(self) -> bytes:
        """The root of the tree as it is."""
        return joined([peak for _, peak in self._peaks])

    def peaks(self) -> list[bytes]:
        """The roots of its perfect subtrees, from left to right."""
        return [peak for _, peak in self._peaks]

    def copy(self) -> "Frontier":
        """The same tree, to grow on its own."""
        return Frontier(self.size, self.peaks())
