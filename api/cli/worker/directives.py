"""What a task's command may say on its standard output: one line each, begun with two colons and a word."""

import math
from dataclasses import dataclass
from typing import Final

NOTE_CHARACTERS_MAX: Final = 4_096
TEXT_CHARACTERS_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Progress:
    """``::progress 40 note``: per cent done, and words; either may be absent."""

    percent: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``::checkpoint TEXT``: handed to the next attempt, should this one end without completing."""

    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """``::summary TEXT``: what the completion says; without one it is the end of the output."""

    text: str


Directive = Progress | Checkpoint | Summary


def directive_of(line: str) -> Directive | None:
    """The directive of a line; None where it is ordinary output."""
    if not line.startswith("::"):
        return None
    word, _, rest = line[2:].partition(" ")
    rest = rest.strip()
    match word:
        case "progress" if rest:
            return _progress(rest)
        case "checkpoint":
            return Checkpoint(rest[:TEXT_CHARACTERS_MAX])
        case "summary":
            return Summary(rest[:TEXT_CHARACTERS_MAX])
        case _:
            return None


def _progress(rest: str) -> Progress:
    number, _, note = rest.partition(" ")
    try:
        percent = float(number.removesuffix("%"))
    except ValueError:
        return Progress(None, rest[:NOTE_CHARACTERS_MAX])
    if not math.isfinite(percent):
        return Progress(None, rest[:NOTE_CHARACTERS_MAX])
    return Progress(min(100.0, max(0.0, percent)), note.strip()[:NOTE_CHARACTERS_MAX])
