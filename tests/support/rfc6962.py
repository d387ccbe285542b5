"""RFC 6962, section 2.1, written a second time by its definitions: slow, recursive, sharing nothing with ours."""

import hashlib


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(bytes([0]) + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(bytes([1]) + left + right).digest()


def k_of(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = k_of(len(leaves))
    return node(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    n = len(leaves)
    if n == 1:
        return []
    k = k_of(n)
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def proof(m: int, leaves: list[bytes], complete: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    n = len(leaves)
    if m == n:
        return [] if complete else [tree_hash(leaves)]
    k = k_of(n)
    if m <= k:
        return [*proof(m, leaves[:k], complete), tree_hash(leaves[k:])]
    return [*proof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def root_of_path(m: int, n: int, leaf_hash: bytes, hashes: list[bytes]) -> bytes:
    """The root that PATH(m, D[n]) leads to, by taking the definition apart from the top."""
    if n == 1:
        assert not hashes
        return leaf_hash
    *lower, top = hashes
    k = k_of(n)
    if m < k:
        return node(root_of_path(m, k, leaf_hash, lower), top)
    return node(top, root_of_path(m - k, n - k, leaf_hash, lower))


def roots_of_proof(m: int, n: int, hashes: list[bytes], old_root: bytes, complete: bool = True) -> tuple[bytes, bytes]:
    """The roots (old, new) that SUBPROOF(m, D[n], b) leads to."""
    if m == n:
        if complete:
            assert not hashes
            return old_root, old_root
        (only,) = hashes
        return only, only
    *lower, top = hashes
    k = k_of(n)
    if m <= k:
        old, new = roots_of_proof(m, k, lower, old_root, complete)
        return old, node(new, top)
    old, new = roots_of_proof(m - k, n - k, lower, old_root, False)
    return node(top, old), node(top, new)
