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
    stream_bytes, kind_bytes = stream.encode(), kind.encode()
    project_bytes, project_length = _measured(project)
    actor_bytes, actor_length = _measured(actor)
    command_bytes, command_length = _measured(command)
    correlation_bytes, correlation_length = _measured(correlation)
    causation_bytes, causation_length = _measured(causation)
    trace_bytes, trace_length = _measured(trace)
    head = _HEAD(
        position,
        version,
        schema,
        at,
        len(stream_bytes),
        len(kind_bytes),
        len(state),
        project_length,
        actor_length,
        command_length,
        correlation_length,
        causation_length,
        trace_length,
    )
    texts = project_bytes + actor_bytes + command_bytes + correlation_bytes + causation_bytes + trace_bytes
    return head + stream_bytes + kind_bytes + state + texts


def leaf_hash(row: StoredRow) -> bytes:
    """The RFC 6962 hash of a row's leaf, 32 bytes."""
    return sha256(LEAF_MARK + entry(row)).digest()


def _measured(text: str | None) -> tuple[bytes, int]:
    if text is None:
        return b"", _ABSENT
    encoded = text.encode()
    return encoded, len(encoded)
