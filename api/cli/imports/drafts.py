"""The tasks that come of an export: keys, needs among them, and what is left out and why."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from signalbox.client.errors import Refused
from signalbox.client.readable import readable

Fields = Mapping[str, object]
TITLE_CHARACTERS_MAX: Final = 300
BODY_CHARACTERS_MAX: Final = 65_536
LABEL_CHARACTERS_MAX: Final = 200
LABELS_MAX: Final = 64
KEY_CHARACTERS_MAX: Final = 200
NOTES_MAX: Final = 50
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._/@+-]+")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an export comes to."""

    tasks: tuple[Fields, ...]
    """As entries of a plan file."""
    left_out: Mapping[str, int]
    """Why -> how many."""
    notes: tuple[str, ...]
    """What could not be taken over as it was."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One task before its needs are known to exist."""

    title: str
    body: str = ""
    kind: str = "code"
    priority: int = 0
    labels: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """As the export names them."""
    parent: str | None = None
    more: Fields = field(default_factory=dict[str, object])
    """Further fields of the entry."""


class Drafts:
    """Gathers what an export says; ``imported`` is what comes of it."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._left_out: Counter[str] = Counter()
        self._over: set[str] = set()
        self._notes: list[str] = []

    def add(self, name: str, draft: Draft) -> None:
        """A task that is to be done, by the name that the export knows it by. Raises Refused for one that was there."""
        if name in self._drafts or name in self._over:
            raise faulty(f"{name} stands in it twice", "Export it anew.")
        self._drafts[name] = draft

    def leave_out(self, name: str, why: str) -> None:
        """Something that needs nothing done any more, or that is not imported; needs of it count as met."""
        self._over.add(name)
        self._left_out[why] += 1

    def note(self, words: str) -> None:
        """Something that a person should know."""
        if len(self._notes) < NOTES_MAX:
            self._notes.append(words)

    def imported(self) -> Imported:
        """All tasks in the order of the export."""
        keys = _keys(self._drafts)
        tasks = tuple(self._entry(name, draft, keys) for name, draft in self._drafts.items())
        return Imported(tasks, dict(self._left_out), tuple(self._notes))

    def _entry(self, name: str, draft: Draft, keys: Mapping[str, str]) -> Fields:
        entry: dict[str, object] = {"key": keys[name], "title": self._title(name, draft)}
        parent = draft.parent if draft.parent in keys and draft.parent != name else None
        said: dict[str, object] = {
            "body": self._body(name, draft),
            "kind": draft.kind,
            "priority": max(-100, min(100, draft.priority)),
            "labels": _labels(draft.labels),
            "needs": [keys[need] for need in self._needs(name, draft)],
            "parent": None if parent is None else keys[parent],
            **draft.more,
        }
        return {**entry, **{field: value for field, value in said.items() if value not in (None, "", [], 0)}}

    def _needs(self, name: str, draft: Draft) -> list[str]:
        found = list[str]()
        for need in dict.fromkeys(draft.needs):
            if need == name or name in self._above(need) or need in self._over:
                continue  # A task waits for its parts anyway, and for what is over nobody waits.
            if need not in self._drafts:
                self.note(f"{name} needs {need}, which is not in the export: left out")
            elif need in self._above(name):
                self.note(f"{name} needs {need}, of which it is a part: left out")
            else:
                found.append(need)
        return found

    def _above(self, name: str) -> set[str]:
        """The tasks that it is a part of; a circle of parts ends where it began and is told by the plan's check."""
        found = set[str]()
        parent = self._drafts[name].parent if name in self._drafts else None
        while parent is not None and parent in self._drafts and parent not in found:
            found.add(parent)
            parent = self._drafts[parent].parent
        return found

    def _title(self, name: str, draft: Draft) -> str:
        words = " ".join(readable(draft.title).split()) or name
        return words if len(words) <= TITLE_CHARACTERS_MAX else words[: TITLE_CHARACTERS_MAX - 1] + "…"

    def _body(self, name: str, draft: Draft) -> str:
        body = readable(draft.body).strip()
        if len(body) > BODY_CHARACTERS_MAX:
            self.note(f"the text of {name} is longer than {BODY_CHARACTERS_MAX} characters: cut")
        return body[:BODY_CHARACTERS_MAX]


def read_json(content: bytes) -> object:
    """Raises Refused where it is none."""
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise faulty(f"it is not JSON: {error}", "Export it again as JSON, in UTF-8.") from error


def fields_of(value: object, what: str) -> Fields:
    """An object. Raises Refused for anything else."""
    found = object_in(value)
    if found is None:
        raise faulty(f"{what} is not an object", "See that it is an export of that tracker.")
    return found


def object_in(value: object) -> Fields | None:
    """An object; None for anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def list_of(value: object, what: str) -> Sequence[object]:
    """A list; none where nothing is said. Raises Refused for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise faulty(f"{what} is not a list", "See that it is an export of that tracker.")
    return cast("list[object]", value)


def said(fields: Fields, *names: str) -> str:
    """The first of the fields that says something, as text; numbers as they are written."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def sections(*parts: tuple[str, str]) -> str:
    """A body of several parts; the heading of the first may be empty."""
    return "\n\n".join(f"## {heading}\n\n{text}" if heading else text for heading, text in parts if text.strip())


def faulty(message: str, advice: str) -> Refused:
    """What is raised for an export that cannot be read."""
    return Refused("bad_export", message, advice)


def _keys(names: Iterable[str]) -> dict[str, str]:
    """A key for each name: itself where it can be one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = _UNFIT.sub("-", name).lstrip("._/@+-")[: KEY_CHARACTERS_MAX - 6] or "task"
        key, number = stem, 2
        while key in taken:
            key, number = f"{stem}-{number}", number + 1
        taken.add(key)
        found[name] = key
    return found


def _labels(labels: Iterable[str]) -> list[str]:
    clean = (" ".join(readable(label).split())[:LABEL_CHARACTERS_MAX] for label in labels)
    return list(dict.fromkeys(label for label in clean if label))[:LABELS_MAX]
