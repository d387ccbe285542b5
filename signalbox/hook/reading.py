"""Reading what others wrote: standard input and files, bounded, and JSON without what is slow to load."""

import os

# Not imported from `typing`: loading that takes longer than the hook runs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

STDIN_BYTES_MAX = 32 * 1_048_576
"""A client sends the whole text that an agent writes, and after the call what the tool answered."""
FILE_BYTES_MAX = 4 * 1_048_576
_SPACE = " \t\r\n"


class UnreadableError(Exception):
    """What was read is too large, cut off or not what it should be; the message says so in words."""


class _Context:
    """How the scanner reads JSON: as the module ``json`` would."""

    array_hook = None
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    strict = True

    def __init__(self) -> None:
        self.memo: dict[str, str] = {}

    @staticmethod
    def parse_constant(text: str) -> float:
        raise ValueError(f"{text} is no JSON")


def _scanner() -> "Callable[[str, int], tuple[object, int]]":
    """What ``json`` reads with, without ``json``: importing that takes about as long as an interpreter to start."""
    context = _Context()
    try:
        made: Callable[[str, int], tuple[object, int]] = __import__("_json").make_scanner(context)
    except (ImportError, AttributeError):
        from json.decoder import JSONDecoder

        made = JSONDecoder(parse_constant=context.parse_constant).raw_decode
    return made


def json_of(text: str) -> object:
    """The value of a JSON text. Raises UnreadableError."""
    start = len(text) - len(text.lstrip(_SPACE))
    if start == len(text):
        raise UnreadableError("it is empty")
    try:
        value, end = _scanner()(text, start)
    except (ValueError, StopIteration, RecursionError, SystemError) as error:
        # The last where the exception of ``json``, which is not loaded, could not be raised.
        raise UnreadableError("it is not JSON") from error
    if text[end:].strip(_SPACE):
        raise UnreadableError("something follows the JSON")
    return value


def object_of(text: str) -> "dict[str, object]":
    """The JSON object of a text. Raises UnreadableError."""
    value = json_of(text)
    if not is_object(value):
        raise UnreadableError("it is not a JSON object")
    return value


def is_object(value: object) -> "TypeGuard[dict[str, object]]":
    """Keys of JSON objects are texts."""
    return isinstance(value, dict)


def is_list(value: object) -> "TypeGuard[list[object]]":
    return isinstance(value, list)


def text_in(fields: "dict[str, object]", name: str) -> str:
    """A text field; empty where it is missing or no text."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def number_in(fields: "dict[str, object]", name: str) -> float:
    """A number field; 0 where it is missing or no number."""
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def objects_in(fields: "dict[str, object]", name: str) -> "list[dict[str, object]]":
    """The objects of a list field; what else is in it is passed over."""
    value = fields.get(name)
    return [one for one in value if is_object(one)] if is_list(value) else []


def stdin_text() -> str:
    """All of standard input, once. Raises UnreadableError beyond 32 MiB or where it is no UTF-8."""
    return _decoded(_bounded(0, STDIN_BYTES_MAX))


def file_text(path: str, bytes_max: int = FILE_BYTES_MAX) -> str | None:
    """The text of a file of this user's; None where there is none. Raises UnreadableError, OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if os.name == "posix" and os.fstat(descriptor).st_uid != os.geteuid():
            raise UnreadableError(f"{path} belongs to another user")
        return _decoded(_bounded(descriptor, bytes_max))
    finally:
        os.close(descriptor)


def _bounded(descriptor: int, bytes_max: int) -> bytes:
    pieces: list[bytes] = []
    length = 0
    while piece := os.read(descriptor, 1_048_576):
        pieces.append(piece)
        length += len(piece)
        if length > bytes_max:
            raise UnreadableError(f"it is larger than {bytes_max} bytes")
    return b"".join(pieces)


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8") from error
