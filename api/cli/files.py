"""Files that a command is given: read whole, within a bound, or refused in words."""

import sys
from pathlib import Path
from typing import Final

from signalbox.client.errors import Refused

FILE_BYTES_MAX: Final = 64 * 1_048_576


def file_bytes(file: Path) -> bytes:
    """What is in the file, or on standard input for ``-``; 64 MiB at most. Raises Refused.

    It is not asked how large the file is: a device, or a pipe, does not say.
    """
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with file.open("rb") as opened:
                content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("unreadable_file", f"{file}: {error.strerror}", "Name a file that can be read.") from None
    if len(content) > FILE_BYTES_MAX:
        raise Refused("file_too_large", f"{file} is larger than 64 MiB", "Give less at a time.")
    return content


def file_text(file: Path) -> str:
    """The same as text. Raises Refused where it is no UTF-8, too."""
    try:
        return file_bytes(file).decode()
    except UnicodeDecodeError as error:
        raise Refused("unreadable_file", f"{file}: {error}", "Save it as UTF-8.") from None
