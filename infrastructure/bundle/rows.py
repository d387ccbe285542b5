"""What reading an event from a bundle gives, whatever its format."""

from typing import NamedTuple

import orjson

from infrastructure.log.port import LogRow

UNREADABLE: int = 0
"""The position of what stands where an event should and is none."""


class ReadRow(NamedTuple):
    """An event of a bundle."""

    row: LogRow
    redacted: bool
    """Whether something was left out of it, so that its leaf cannot be computed from what is there."""


def unreadable(raw: bytes) -> ReadRow:
    """What stands for something that is no event."""
    return ReadRow(LogRow(UNREADABLE, "", 0, "", 0, raw, 0, None, None, None, None, None, None), redacted=False)


def is_sound(row: LogRow) -> bool:
    """Whether every column has its type and room, as it has in a log."""
    position, stream, version, kind, schema, _, at, *texts = row
    numbers = (position, version, schema, at)
    return (
        all(type(number) is int and -(2**63) <= number < 2**63 for number in numbers)
        and type(stream) is str
        and type(kind) is str
        and all(text is None or type(text) is str for text in texts)
    )


def is_json_line(state: bytes) -> bool:
    """Whether the bytes can stand in a line of JSON as they are."""
    if b"\n" in state or b"\r" in state:
        return False
    try:
        orjson.loads(state)
    except orjson.JSONDecodeError:
        return False
    return True
