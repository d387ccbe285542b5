"""What a task's command may say on its standard output: one line each, begun with two colons and a word."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

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


@dataclass(frozen=True, slots=True)
class Output:
    """``::output JSON``: what the work gives to the phases of its run that come after it; the latest counts."""

    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """``::evidence commit HASH``, or ``::evidence {"kind": …}``: what proves the completion."""

    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Artifact:
    """``::artifact NAME URI [DIGEST]``: a result kept elsewhere."""

    name: str
    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class Spent:
    """``::usage {"input_tokens": …}``: what the attempt spent so far; the latest counts."""

    fields: Mapping[str, object]


Directive = Progress | Checkpoint | Summary | Output | Evidence | Artifact | Spent


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
        case "output" if rest:
            return Output(rest)
        case "evidence":
            return _evidence(rest)
        case "artifact":
            return _artifact(rest)
        case "usage":
            fields = _fields(rest)
            return None if fields is None else Spent(fields)
        case _:
            return None


def _evidence(rest: str) -> Evidence | None:
    fields = _fields(rest)
    if fields is not None:
        return Evidence(fields)
    kind, _, ref = rest.partition(" ")
    return Evidence({"kind": kind, "ref": ref.strip()}) if ref and kind.isidentifier() else None


def _artifact(rest: str) -> Artifact | None:
    words = rest.split()
    return Artifact(words[0], words[1], words[2] if len(words) > 2 else "") if 2 <= len(words) <= 3 else None


def _fields(text: str) -> Mapping[str, object] | None:
    """A flat JSON object; None where the text is none."""
    if not text.startswith("{") or len(text) > TEXT_CHARACTERS_MAX:
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def _progress(rest: str) -> Progress:
    number, _, note = rest.partition(" ")
    try:
        percent = float(number.removesuffix("%"))
    except ValueError:
        return Progress(None, rest[:NOTE_CHARACTERS_MAX])
    if not math.isfinite(percent):
        return Progress(None, rest[:NOTE_CHARACTERS_MAX])
    return Progress(min(100.0, max(0.0, percent)), note.strip()[:NOTE_CHARACTERS_MAX])
