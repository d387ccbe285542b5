"""Tiles: the hashes of every eighth level of the tree, 256 to a tile, from which every node can be computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from projections.audit_ledger.tree import HASH_BYTES, perfect_root

TILE_HEIGHT: Final = 8
TILE_HASHES: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES

TileName = tuple[int, int]
"""(level, number): the hashes of subtrees of 256**level leaves, from the one with index 256 * number on."""
ReadTile = Callable[[int, int], bytes]
"""The hashes of a tile, as many as there are."""
ReadNode = Callable[[int, int], bytes]
"""The root of a perfect subtree by (height, index)."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What new leaves do to the tiles."""

    size: int
    tiles: Mapping[TileName, bytes]
    """Those that changed, whole as they are now."""


def open_tiles(size: int) -> list[TileName]:
    """The tiles that a tree of ``size`` leaves has begun and not filled."""
    names: list[TileName] = []
    level = 0
    while size:
        if size % TILE_HASHES:
            names.append((level, size // TILE_HASHES))
        size //= TILE_HASHES
        level += 1
    return names


def grown(size: int, begun: Mapping[TileName, bytes], leaves: Sequence[bytes]) -> Growth:
    """Add leaves to a tree of ``size`` leaves, of which ``begun`` holds the ``open_tiles``."""
    tiles: dict[TileName, bytes] = {}
    level, first, added = 0, size, b"".join(leaves)
    while added:
        number, inside = divmod(first, TILE_HASHES)
        hashes = (begun[level, number] if inside else b"") + added
        filled: list[bytes] = []
        for start in range(0, len(hashes), TILE_BYTES):
            tile = hashes[start : start + TILE_BYTES]
            tiles[level, number] = tile
            number += 1
            if len(tile) == TILE_BYTES:
                filled.append(perfect_root(tile))
        level, first, added = level + 1, first // TILE_HASHES, b"".join(filled)
    return Growth(size + len(leaves), tiles)


def node_reader(read_tile: ReadTile) -> ReadNode:
    """Nodes of any height, from tiles."""

    def node(height: int, index: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        number, inside = divmod(index << above, TILE_HASHES)
        start = inside * HASH_BYTES
        return perfect_root(read_tile(level, number)[start : start + (HASH_BYTES << above)])

    return node
