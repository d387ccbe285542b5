"""PostgreSQL arrays in their binary form, packed in one go: an append sends thirty of them in one round trip.

The driver's own lists are dumped item by item through generic code, which costs more than the rest of the append.
"""

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Final

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_TEXT_OID: Final = 25
_BYTES_OID: Final = 17
_INTEGER_OID: Final = 20
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = struct.Struct("!I").pack
_INTEGER: Final = struct.Struct("!q").pack


class PackedTexts(bytes):
    """A ``text[]`` parameter."""


class PackedBytes(bytes):
    """A ``bytea[]`` parameter."""


class PackedIntegers(bytes):
    """A ``bigint[]`` parameter."""


def texts(items: Sequence[str | None]) -> PackedTexts:
    """Pack texts; None becomes null."""
    present = [item for item in items if item is not None]
    if len(present) == len(items):
        return PackedTexts(_packed(_TEXT_OID, list(map(str.encode, present))))
    return PackedTexts(_packed_with_nulls(_TEXT_OID, [None if item is None else item.encode() for item in items]))


def blobs(items: Sequence[bytes]) -> PackedBytes:
    """Pack byte strings."""
    return PackedBytes(_packed(_BYTES_OID, items))


def integers(items: Sequence[int | None]) -> PackedIntegers:
    """Pack 64-bit integers; None becomes null."""
    packed = [None if item is None else _INTEGER(item) for item in items]
    return PackedIntegers(_packed_with_nulls(_INTEGER_OID, packed))


def register(connection: Connection) -> None:
    """Teach a connection the packed parameters."""
    for dumper, packed in ((_TextsDumper, PackedTexts), (_BytesDumper, PackedBytes), (_IntegersDumper, PackedIntegers)):
        connection.adapters.register_dumper(packed, dumper)


def _packed(element: int, items: Sequence[bytes]) -> bytes:
    pairs = zip(map(_LENGTH, map(len, items)), items, strict=True)
    return _header(element, len(items)) + b"".join(chain.from_iterable(pairs))


def _packed_with_nulls(element: int, items: Sequence[bytes | None]) -> bytes:
    parts = (_NULL if item is None else _LENGTH(len(item)) + item for item in items)
    return _header(element, len(items)) + b"".join(parts)


def _header(element: int, count: int) -> bytes:
    # One dimension from 1, flagged as if it held nulls: the flag is a hint that the server does not rely on.
    return struct.pack("!iiiii", 1, 1, element, count, 1) if count else struct.pack("!iii", 0, 0, element)


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> Buffer:
        return obj


class _TextsDumper(_PackedDumper):
    oid = 1009


class _BytesDumper(_PackedDumper):
    oid = 1001


class _IntegersDumper(_PackedDumper):
    oid = 1016
