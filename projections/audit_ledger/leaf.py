"""The leaf of a stored event: every column as it is stored, length-prefixed, nothing encoded anew."""

from hashlib import sha256
from struct import Struct
from typing import Final

StoredRow = tuple[
    int, str, int, str, int, bytes, int, str | None, str | None, str | None, str | None, str | None, str | None
]
"""position, stream, stream_version, type, schema_version, state, recorded_at (microseconds), project, actor,
command_id, correlation_id, causation_id, traceparent: the columns of the log, in its order."""

StoredBytes = tuple[
    int,
    bytes,
    int,
    bytes,
    int,
    bytes,
    int,
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | None,
]
"""The same with texts as they are stored."""

LEAF_MARK: Final = b"\x00"
_HEAD: Final = Struct(">qqqq9i").pack
_ABSENT: Final = -1


def entry(row: StoredRow) -> bytes:
    """The bytes that stand for a row: four integers (64 bit, big-endian, signed: position, stream_version,
    schema_version, recorded_at), the byte lengths of the other nine columns (32 bit, big-endian, signed; -1 is NULL)
    in the log's order, then those columns themselves, texts in UTF-8."""
    position, stream, version, kind, schema, state, at, project, actor, command, correlation, causation, trace = row
    # Spelled out, since every event passes here more than once.
    columns = (
        position,
        stream.encode(),
        version,
        kind.encode(),
        schema,
        state,
        at,
        None if project is None else project.encode(),
        None if actor is None else actor.encode(),
        None if command is None else command.encode(),
        None if correlation is None else correlation.encode(),
        None if causation is None else causation.encode(),
        None if trace is None else trace.encode(),
    )
    return entry_of_bytes(columns)


def entry_of_bytes(columns: StoredBytes) -> bytes:
    """The same of columns whose texts are in UTF-8 already. Raises struct.error for an integer of more than 64 bits."""
    position, stream, version, kind, schema, state, at, project, actor, command, correlation, causation, trace = columns
    head = _HEAD(
        position,
        version,
        schema,
        at,
        len(stream),
        len(kind),
        len(state),
        _ABSENT if project is None else len(project),
        _ABSENT if actor is None else len(actor),
        _ABSENT if command is None else len(command),
        _ABSENT if correlation is None else len(correlation),
        _ABSENT if causation is None else len(causation),
        _ABSENT if trace is None else len(trace),
    )
    texts = (project or b"", actor or b"", command or b"", correlation or b"", causation or b"", trace or b"")
    return b"".join((head, stream, kind, state, *texts))


def leaf_hash(row: StoredRow) -> bytes:
    """The RFC 6962 hash of a row's leaf, 32 bytes."""
    return hash_of(entry(row))


def hash_of(content: bytes) -> bytes:
    """The RFC 6962 hash of the leaf of an entry, 32 bytes."""
    return sha256(LEAF_MARK + content).digest()
