"""The raw text of a plan file: its size, its encoding and the characters that it may hold."""

import re
from typing import Final

from api.plan.nodes import Place, UnreadableError

BYTES_MAX: Final = 8 * 1024 * 1024
"""Size of a plan file in UTF-8."""

_BAD: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_MARK: Final = "\ufeff"
_FOREIGN_MARKS: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def decoded(data: bytes) -> str:
    """The text of a file's bytes, which must be UTF-8. Raises UnreadableError."""
    if len(data) > BYTES_MAX:
        raise _too_large(len(data))
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            raise UnreadableError("bad_encoding", Place(1, 1), f"the file is {name}, not UTF-8", _SAVE_AS)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise UnreadableError("bad_encoding", Place(line, column), message, _SAVE_AS) from error


def checked(text: str) -> str:
    """The text without a byte order mark, if it is fit to be parsed. Raises UnreadableError."""
    size = len(text) if len(text) > BYTES_MAX else len(text.encode("utf-8", "surrogatepass"))
    if size > BYTES_MAX:
        raise _too_large(size)
    text = text.removeprefix(_MARK)
    found = _BAD.search(text)
    if found is not None:
        start = found.start()
        at = Place(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        message = f"the character U+{ord(found.group()):04X} has no place in a plan"
        raise UnreadableError(
            "bad_character", at, message, "Remove it; only printable text, tabs and line ends are read."
        )
    return text


_SAVE_AS: Final = "Save the file as UTF-8 and check again."


def _too_large(size: int) -> UnreadableError:
    message = f"the file has at least {size:,} bytes, and at most {BYTES_MAX:,} are read"
    return UnreadableError(
        "too_large", Place(1, 1), message, "Split the plan; a later one may need tasks of an earlier one."
    )
