"""Proofs of RFC 6962: that a leaf is in a tree, and that a tree is the beginning of a later one."""

from collections.abc import Sequence

from projections.audit_ledger.tiles import ReadNode
from projections.audit_ledger.tree import joined, node_hash, perfect_parts


def root_of(first: int, end: int, node: ReadNode) -> bytes:
    """The root over the leaves ``first`` to ``end`` (exclusive); ``first`` is where a subtree of the tree begins."""
    return joined([node(height, index) for height, index in perfect_parts(first, end)])


def inclusion_proof(index: int, size: int, node: ReadNode) -> tuple[bytes, ...]:
    """The audit path of a leaf in the tree of the first ``size`` leaves, from the leaf upwards (section 2.1.1).

    ``0 <= index < size``.
    """
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left_size(end - first)
        if index < middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(first, middle, node))
            first = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: ReadNode) -> tuple[bytes, ...]:
    """That the tree of ``old`` leaves is the beginning of that of ``new`` (section 2.1.2); ``0 < old <= new``."""
    path: list[bytes] = []
    first, end, whole = 0, new, True
    while old != end:
        middle = first + _left_size(end - first)
        if old <= middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(first, middle, node))
            first, whole = middle, False
    if not whole:
        path.append(root_of(first, end, node))
    return tuple(reversed(path))


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf with this audit path leads to; None where the path cannot be one of that leaf."""
    if not 0 <= index < size:
        return None
    root, place, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


def left_siblings(index: int, size: int, path: Sequence[bytes]) -> list[bytes]:
    """Those hashes of an audit path that stand left of it: the ``peaks`` of the tree of the ``index`` leaves before
    it, from left to right. ``0 <= index < size``."""
    found: list[bytes] = []
    place, last = index, size - 1
    for sibling in path:
        if place & 1 or place == last:
            found.append(sibling)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    return found[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the audit path proves that the leaf stands at ``index`` of the tree with this root."""
    return root_by_inclusion(leaf, index, size, path) == root


def is_consistent(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the path proves that the tree of ``old`` leaves is the beginning of that of ``new``."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    # A tree of a power of two of leaves is a node of the later one, and stands for itself.
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not hashes:
        return False
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and earlier == old_root and later == new_root


def _left_size(size: int) -> int:
    """The largest power of two below ``size``, which is 2 or more: how many leaves go to the left."""
    return 1 << ((size - 1).bit_length() - 1)
