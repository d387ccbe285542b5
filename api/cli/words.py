"""Values as people read them: ages, claims, capabilities, short ids."""

import json
import re
import shutil
import sys
import time
from typing import Final, cast

from signalbox.client.fields import Fields, objects, optional_object

SHORT_CHARACTERS: Final = 6
LINE_CHARACTERS_MAX: Final = 160
"""Of a line that tells an event or the like, where the output is no terminal or one that is wider."""
_MICROSECONDS: Final = 1_000_000


def short(identifier: object) -> str:
    """The end of an id, as commands take it."""
    return "" if identifier is None else str(identifier).rpartition("_")[2][-SHORT_CHARACTERS:]


def age(instant: object, now: float | None = None) -> str:
    """How long ago an instant in microseconds was, by this machine's clock: 12s, 5m, 3h, 2d."""
    if not isinstance(instant, int):
        return ""
    return span(max(0.0, (time.time() if now is None else now) - instant / _MICROSECONDS))


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def moment(instant: object) -> str:
    """An instant in microseconds as local date and time."""
    if not isinstance(instant, int):
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(instant / _MICROSECONDS))


def claims(row: Fields, name: str = "claims") -> str:
    """The claims of a row; shared ones are marked."""
    return ", ".join(
        f"{one.get('claim')}" + (" (shared)" if str(one.get("mode")).lower() == "shared" else "")
        for one in objects(row, name)
    )


def pairs(values: Fields) -> str:
    """A mapping as key=value."""
    return " ".join(f"{key}={value}" for key, value in values.items())


def indented(value: object) -> str:
    """A value of several lines, each below the first one's beginning."""
    return str(value).replace("\n", "\n" + " " * 12)


def count(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """The text without control characters: what others wrote must not steer this terminal."""
    return "".join(letter if letter in "\n\t" or letter.isprintable() else "\ufffd" for letter in text)


def in_line(text: str, taken: int = 0) -> str:
    """The text, cut where the screen ends, or where nobody would read on."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else LINE_CHARACTERS_MAX
    room = max(1, min(width, LINE_CHARACTERS_MAX) - taken)
    return text if len(text) <= room else text[: room - 1] + "…"


def snake_row(row: Fields) -> dict[str, object]:
    """The row with names in snake_case, also of rows that it lists; what people named themselves stays as it is."""
    return {_snake(name): _snake_value(value) for name, value in row.items()}


def _snake_value(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [snake_row(cast("Fields", one)) if isinstance(one, dict) else one for one in cast("list[object]", value)]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def event_words(event: Fields, taken: int = 0) -> str:
    """An event in one line, behind so many characters that are taken."""
    said = json.dumps(_brief(optional_object(event, "event")), ensure_ascii=False)
    stream = str(event.get("stream", ""))
    place = f"{stream.rpartition('_')[0]}:{short(stream)}"
    line = f"{event.get('position'):>8} {moment(event.get('at'))} {place:14} {event.get('type'):28} {said}"
    return in_line(line, taken)


def _brief(content: Fields) -> dict[str, object]:
    """Without what is empty and without the instant, which stands before."""
    return {name: value for name, value in content.items() if name != "at" and value not in (None, "", [], {})}
