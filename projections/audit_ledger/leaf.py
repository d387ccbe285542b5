"""The leaf of a stored event: every column as it is stored, length-prefixed, nothing encoded anew."""

from hashlib import sha256
from struct import Struct
from typing import Final

StoredRow = tuple[
    int, str, int, str, int, bytes, int, str | None, str | None, str | None, str | None, str | None, str | None
]
"""position, stream, stream_version, type, schema_version, state, recorded_at (microseconds), project, actor,
command_id, correlation_id, causation_id, traceparent: the columns of the log, in its order."""

LEAF_MARK: Final = b"\x00"
_HEAD: Final = Struct(">qqqq9i").pack
_ABSENT: Final = -1


def entry(row: StoredRow) -> bytes:
    """The bytes that stand for a row: four integers (64 bit, big-endian, signed: position, stream_version,
    schema_version, recorded_at), the byte lengths of the other nine columns (32 bit, big-endian, signed; -1 is NULL)
    in the log's order, then those columns themselves, texts in UTF-8."""
    position, stream, version, kind, schema, state, at, project, actor, command, correlation, causation, trace = row
    # Spelled out, since every event passes here more than once.
    stream_bytes, kind_bytes = stream.encode(), kind.encode()
    project_bytes = b"" if project is None else project.encode()
    actor_bytes = b"" if actor is None else actor.encode()
    command_bytes = b"" if command is None else command.encode()
    correlation_bytes = b"" if correlation is None else correlation.encode()
    causation_bytes = b"" if causation is None else causation.encode()
    trace_bytes = b"" if trace is None else trace.encode()
    head = _HEAD(
        position,
        version,
        schema,
        at,
        len(stream_bytes),
        len(kind_bytes),
        len(state),
        _ABSENT if project is None else len(project_bytes),
        _ABSENT if actor is None else len(actor_bytes),
        _ABSENT if command is None else len(command_bytes),
        _ABSENT if correlation is None else len(correlation_bytes),
        _ABSENT if causation is None else len(causation_bytes),
        _ABSENT if trace is None else len(trace_bytes),
    )
    texts = project_bytes + actor_bytes + command_bytes + correlation_bytes + causation_bytes + trace_bytes
    return head + stream_bytes + kind_bytes + state + texts


def leaf_hash(row: StoredRow) -> bytes:
    """The RFC 6962 hash of a row's leaf, 32 bytes."""
    return sha256(LEAF_MARK + entry(row)).digest()
