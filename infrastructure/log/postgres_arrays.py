"""PostgreSQL arrays in their binary form, packed in one go: an append sends thirty of them in one round trip.

The driver's own lists are dumped item by item through generic code, which costs more than the rest of the append.
"""

import struct
from collections.abc import Sequence
from typing import Final

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_TEXT_OID: Final = 25
_BYTES_OID: Final = 17
_INTEGER_OID: Final = 20
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH_OF_INTEGER: Final = 8


class PackedTexts(bytes):
    """A ``text[]`` parameter."""


class PackedBytes(bytes):
    """A ``bytea[]`` parameter."""


class PackedIntegers(bytes):
    """A ``bigint[]`` parameter."""


def texts(items: Sequence[str | None]) -> PackedTexts:
    """Pack texts; None becomes null."""
    return PackedTexts(_packed(_TEXT_OID, [None if item is None else item.encode() for item in items]))


def blobs(items: Sequence[bytes]) -> PackedBytes:
    """Pack byte strings."""
    return PackedBytes(_packed(_BYTES_OID, items))


def integers(items: Sequence[int | None]) -> PackedIntegers:
    """Pack 64-bit integers; None becomes null."""
    if None in items:
        packed = _packed(_INTEGER_OID, [None if item is None else struct.pack("!q", item) for item in items])
        return PackedIntegers(packed)
    flat = [part for item in items for part in (_LENGTH_OF_INTEGER, item)]
    return PackedIntegers(_header(_INTEGER_OID, len(items)) + struct.pack("!" + "iq" * len(items), *flat))


def register(connection: Connection) -> None:
    """Teach a connection the packed parameters."""
    for dumper, packed in ((_TextsDumper, PackedTexts), (_BytesDumper, PackedBytes), (_IntegersDumper, PackedIntegers)):
        connection.adapters.register_dumper(packed, dumper)


def _packed(element: int, items: Sequence[bytes | None]) -> bytes:
    parts: list[bytes] = [b""]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts.append(len(item).to_bytes(4, "big"))
            parts.append(item)
    # Nulls are flagged whether or not there are any; the flag is only a hint that the server does not check.
    parts[0] = _header(element, len(items))
    return b"".join(parts)


def _header(element: int, count: int) -> bytes:
    if count == 0:
        return struct.pack("!iii", 0, 0, element)
    return struct.pack("!iiiii", 1, 1, element, count, 1)


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
