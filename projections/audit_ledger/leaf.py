"""The leaf of a stored event: every column as it is stored, length-prefixed, nothing encoded anew."""

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Final

StoredRow = tuple[
    int, str, int, str, int, bytes, int, str | None, str | None, str | None, str | None, str | None, str | None
]
"""position, stream, stream_version, type, schema_version, state, recorded_at (microseconds), project, actor,
command_id, correlation_id, causation_id, traceparent: the columns of the log, in its order."""

WrittenRow = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""The same columns, but the state last: numbers in decimal, texts in UTF-8, nothing at all for NULL."""

LEAF_MARK: Final = b"\x00"
_HEAD: Final = Struct(">qqqq9i").pack
_MARKED_HEAD: Final = Struct(">xqqqq9i").pack
"""The same behind the mark of a leaf."""
_ABSENT: Final = -1


def entry(row: StoredRow) -> bytes:
    """The bytes that stand for a row: four integers (64 bit, big-endian, signed: position, stream_version,
    schema_version, recorded_at), the byte lengths of the other nine columns (32 bit, big-endian, signed; -1 is NULL)
    in the log's order, then those columns themselves, texts in UTF-8.

    Raises struct.error for an integer of more than 64 bits.
    """
    position, stream, version, kind, schema, state, at, project, actor, command, correlation, causation, trace = row
    # Spelled out, since every event passes here more than once.
    named, typed = stream.encode(), kind.encode()
    projected = None if project is None else project.encode()
    acted = None if actor is None else actor.encode()
    commanded = None if command is None else command.encode()
    correlated = None if correlation is None else correlation.encode()
    caused = None if causation is None else causation.encode()
    traced = None if trace is None else trace.encode()
    head = _HEAD(
        position,
        version,
        schema,
        at,
        len(named),
        len(typed),
        len(state),
        _ABSENT if projected is None else len(projected),
        _ABSENT if acted is None else len(acted),
        _ABSENT if commanded is None else len(commanded),
        _ABSENT if correlated is None else len(correlated),
        _ABSENT if caused is None else len(caused),
        _ABSENT if traced is None else len(traced),
    )
    texts = (projected or b"", acted or b"", commanded or b"", correlated or b"", caused or b"", traced or b"")
    return b"".join((head, named, typed, state, *texts))


def leaf_hash(row: StoredRow) -> bytes:
    """The RFC 6962 hash of a row's leaf, 32 bytes."""
    return sha256(LEAF_MARK + entry(row)).digest()


def leaf_hashes(rows: Iterable[WrittenRow]) -> bytes:
    """The same of many rows as they are written, one behind the other. An empty text counts as NULL."""
    leaves: list[bytes] = []
    # Spelled out once more: to verify a log is to do this for every event of it, and little else.
    for (
        position,
        stream,
        version,
        kind,
        schema,
        at,
        project,
        actor,
        command,
        correlation,
        causation,
        trace,
        state,
    ) in rows:
        head = _MARKED_HEAD(
            int(position),
            int(version),
            int(schema),
            int(at),
            len(stream),
            len(kind),
            len(state),
            len(project) or _ABSENT,
            len(actor) or _ABSENT,
            len(command) or _ABSENT,
            len(correlation) or _ABSENT,
            len(causation) or _ABSENT,
            len(trace) or _ABSENT,
        )
        texts = (head, stream, kind, state, project, actor, command, correlation, causation, trace)
        leaves.append(sha256(b"".join(texts)).digest())
    return b"".join(leaves)
