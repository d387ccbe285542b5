"""The tree is that of RFC 6962: known answers, and an independent verifier over random trees."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.audit_ledger.leaf import StoredRow, entry, leaf_hash
from projections.audit_ledger.proofs import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    root_by_inclusion,
    root_of,
)
from projections.audit_ledger.tiles import TileName, grown, node_reader, open_tiles
from projections.audit_ledger.tree import EMPTY_ROOT, Frontier, perfect_parts
from tests.support import rfc6962

# The vectors that implementations of certificate transparency test each other with.
SIZES = (1, 2, 3, 5, 8, 13, 255, 256, 257, 300, 511, 513, 700)
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATH_0_OF_8 = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
CONSISTENCY_6_8 = (
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)
ROW: StoredRow = (7, "task_1", 2, "task.claimed.v1", 1, b'{"at":1}', 9, "proj_1", "key_1", "cmd_1", "", None, "00-é")


class Tiles:
    """Tiles as a store keeps them."""

    def __init__(self) -> None:
        self.size = 0
        self.kept: dict[TileName, bytes] = {}

    def add(self, leaves: list[bytes]) -> None:
        growth = grown(self.size, {name: self.kept[name] for name in open_tiles(self.size)}, leaves)
        self.size = growth.size
        self.kept.update(growth.tiles)

    def node(self, height: int, index: int) -> bytes:
        return node_reader(lambda level, number: self.kept[level, number])(height, index)


def hashes(count: int) -> list[bytes]:
    return [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count)]


def test_the_roots_are_the_known_ones() -> None:
    tree, tiles = Frontier(), Tiles()
    assert tree.root() == EMPTY_ROOT == hashlib.sha256().digest()
    for data, root in zip(LEAVES, ROOTS, strict=True):
        tree.add(rfc6962.leaf(data))
        tiles.add([rfc6962.leaf(data)])
        assert tree.root().hex() == root
        assert root_of(0, tiles.size, tiles.node).hex() == root


def test_the_proofs_are_the_known_ones() -> None:
    tiles = Tiles()
    tiles.add([rfc6962.leaf(data) for data in LEAVES])
    assert tuple(one.hex() for one in inclusion_proof(0, 8, tiles.node)) == PATH_0_OF_8
    assert tuple(one.hex() for one in consistency_proof(6, 8, tiles.node)) == CONSISTENCY_6_8


def test_a_leaf_is_every_column_with_its_length() -> None:
    texts = [b"task_1", b"task.claimed.v1", b'{"at":1}', b"proj_1", b"key_1", b"cmd_1", b"", None, "00-é".encode()]
    written = b"".join(number.to_bytes(8, "big") for number in (7, 2, 1, 9))
    written += b"".join((-1 if text is None else len(text)).to_bytes(4, "big", signed=True) for text in texts)
    written += b"".join(text or b"" for text in texts)
    assert entry(ROW) == written
    assert leaf_hash(ROW) == rfc6962.leaf(written)
    assert leaf_hash(ROW).hex() == "dfc07e5fc78587d1522b5c4b1a934e5a36939b7d430b73c05471c515ca0e0f3d"


@given(st.integers(0, 12), st.data())
def test_no_two_rows_share_a_leaf(column: int, data: st.DataObject) -> None:
    value = ROW[column]
    other: object
    if isinstance(value, int):
        other = data.draw(st.integers(-(2**63), 2**63 - 1).filter(lambda one: one != value))
    elif isinstance(value, bytes):
        other = data.draw(st.binary().filter(lambda one: one != value))
    else:
        texts = st.text() if column in (1, 3) else st.none() | st.text()
        other = data.draw(texts.filter(lambda one: one != value and (one is None or one.isascii())))
    changed = list[object](ROW)
    changed[column] = other
    assert entry(tuple(changed)) != entry(ROW)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
def test_proofs_convince_an_independent_verifier(size: int) -> None:
    leaves, tiles = hashes(size), Tiles()
    tiles.add(leaves)
    root = rfc6962.tree_hash(leaves)
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        path = inclusion_proof(index, size, tiles.node)
        assert list(path) == rfc6962.path(index, leaves)
        assert rfc6962.root_of_path(index, size, leaves[index], list(path)) == root
        assert is_included(leaves[index], index, size, path, root)
        assert not is_included(leaves[index], index, size, path, EMPTY_ROOT)
        if index:
            assert not is_included(leaves[index], index - 1, size, path, root)
    for old in {1, 2, size // 3, size // 2, size - 1, size} & set(range(1, size + 1)):
        path, old_root = consistency_proof(old, size, tiles.node), rfc6962.tree_hash(leaves[:old])
        assert list(path) == rfc6962.proof(old, leaves)
        assert rfc6962.roots_of_proof(old, size, list(path), old_root) == (old_root, root)
        assert is_consistent(old, size, path, old_root, root)
        if old < size:
            assert not is_consistent(old, size, path, root, root)
            assert not is_consistent(old, size, path[:-1], old_root, root)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=4))
def test_a_tree_grows_the_same_in_any_steps(steps: list[int]) -> None:
    leaves, tiles, tree = hashes(sum(steps)), Tiles(), Frontier()
    for step in steps:
        tiles.add(leaves[tiles.size : tiles.size + step])
    whole = Tiles()
    whole.add(leaves)
    assert tiles.kept == whole.kept
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == root_of(0, len(leaves), whole.node)
    assert tree.copy().root() == Frontier(tree.size, tree.peaks()).root() == tree.root()


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_perfect_parts_cover_a_range_without_gap(first: int, length: int) -> None:
    place = first
    for height, index in perfect_parts(first, first + length):
        assert index << height == place
        place += 1 << height
    assert place == first + length


@settings(max_examples=30)
@given(st.integers(1, 300), st.data())
def test_a_path_that_cannot_be_is_none(size: int, data: st.DataObject) -> None:
    leaves, tiles = hashes(size), Tiles()
    tiles.add(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, tiles.node)
    assert root_by_inclusion(leaves[index], size, size, path) is None
    assert root_by_inclusion(leaves[index], index, size, (*path, leaves[0])) is None
    assert not path or root_by_inclusion(leaves[index], index, size, path[1:]) is None
