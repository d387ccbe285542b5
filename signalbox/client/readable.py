"""What a program prints, made fit for a report: the server takes no control and no direction characters."""

import re
from typing import Final

_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -~]?")
"""Colours, titles and what else a terminal is told."""
_LINE_ENDS: Final = re.compile("\r\n?|[\x85\u2028\u2029]")
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""As in domain/kernel/text.py, which no client loads: it starts too slowly for that."""


def readable(text: str) -> str:
    """The text without what only a terminal understands; it never gets longer."""
    return _UNFIT.sub("", _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)))
