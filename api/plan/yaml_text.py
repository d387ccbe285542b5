"""YAML to the tree of a plan: one document, the core types of YAML 1.2, no tags, no merge keys, bounded aliases.

It works on the parser's events and never composes, so nothing recurses, nothing is constructed from a tag, and an
alias that would blow up is refused before it does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from api.plan.nodes import (
    DEPTH_MAX,
    NODES_MAX,
    Entry,
    Mapping,
    Node,
    Place,
    Scalar,
    Sequence,
    UnreadableError,
    add_entry,
    number,
    shown,
    too_deep,
    too_many_nodes,
)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


def read_yaml(text: str) -> Node | None:
    """The tree of the only document; None where there is none. Raises UnreadableError."""
    builder = _Builder(text)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from error
    except yaml.YAMLError as error:
        raise UnreadableError("syntax", Place(1, 1), _one_line(str(error)), _SYNTAX_ADVICE) from error
    return builder.root


def _events(text: str) -> Iterator[yaml.Event]:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    at: Place
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list[Node])
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    name: tuple[str, Place] | None = None
    """The field whose value comes next."""
    weight: int = 1


class _Builder:
    """Takes events in order; ``root`` is the document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = len(_lines(text))
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        """Node, its weight in values, and its height."""
        self._heights: list[int] = []
        self._documents = 0
        self._values = 0

    def take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        at = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
        if at.line > self._lines:
            at = _inside(at, self._text)
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise UnreadableError("several_documents", at, "a second document begins here", _ONE_DOCUMENT)
            case yaml.AliasEvent():
                self._take_alias(event.anchor, at)
            case yaml.ScalarEvent():
                self._take_scalar(event, at)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event, at)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._end()
            case _:
                pass

    def _take_scalar(self, event: yaml.ScalarEvent, at: Place) -> None:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise _tagged(event.tag, at)
        if self._awaits_name():
            self._name_field(event, at)
            return
        is_plain = event.tag is None and event.implicit[0]
        node = Scalar(_resolved(event.value, at) if is_plain else event.value, at)
        self._put(node, 1, 0, at)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1, 0)

    def _name_field(self, event: yaml.ScalarEvent, at: Place) -> None:
        if event.implicit[0] and event.value == "<<":
            raise UnreadableError(
                "merge_key", at, "merge keys (<<) are not read", "Put shared values under `defaults`."
            )
        if event.anchor is not None:
            raise UnreadableError("bad_alias", at, "a field name carries an anchor", "Anchor the value instead.")
        self._open[-1].name = (event.value, at)

    def _take_alias(self, anchor: str | None, at: Place) -> None:
        if self._awaits_name():
            raise _bad_name(at)
        known = self._anchors.get(anchor or "")
        if known is None:
            message = f"the alias *{shown(anchor or '')} names no finished anchor above it"
            raise UnreadableError("bad_alias", at, message, "Define &name on a value before *name repeats it.")
        node, weight, height = known
        self._put(node, weight, height, at)

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, at: Place) -> None:
        if event.tag is not None:
            raise _tagged(event.tag, at)
        if self._awaits_name():
            raise _bad_name(at)
        if len(self._open) >= DEPTH_MAX:
            raise too_deep(at)
        self._open.append(_Open(at, event.anchor, isinstance(event, yaml.MappingStartEvent)))
        self._heights.append(0)

    def _end(self) -> None:
        done, height = self._open.pop(), self._heights.pop() + 1
        node: Node = Mapping(done.at, done.entries) if done.is_mapping else Sequence(tuple(done.items), done.at)
        self._put(node, done.weight, height, done.at, counted=done.weight - 1)
        if done.anchor is not None:
            self._anchors[done.anchor] = (node, done.weight, height)

    def _put(self, node: Node, weight: int, height: int, at: Place, counted: int = 0) -> None:
        """Hand a finished value to what encloses it; ``counted`` of its weight was counted when its parts came."""
        self._values += weight - counted
        if self._values > NODES_MAX:
            raise too_many_nodes(at)
        if not self._open:
            self.root = node
            return
        if len(self._open) + height > DEPTH_MAX:
            raise too_deep(at)
        parent = self._open[-1]
        parent.weight += weight
        self._heights[-1] = max(self._heights[-1], height)
        if parent.name is None:
            parent.items.append(node)
        else:
            (name, name_at), parent.name = parent.name, None
            add_entry(parent.entries, name, Entry(name_at, node))

    def _awaits_name(self) -> bool:
        return bool(self._open) and self._open[-1].is_mapping and self._open[-1].name is None


def _resolved(text: str, at: Place) -> bool | int | float | str | None:
    """The core schema of YAML 1.2: ``no`` is a word, 1:30 is text, dates are text."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if not _NUMBER.fullmatch(text):
        return text
    return number(text.lower().replace(".inf", "inf").replace(".nan", "nan"), at)


def plain_value(text: str) -> bool | int | float | str | None:
    """What an unquoted YAML scalar of this text means. Raises UnreadableError for a number without end."""
    return _resolved(text, Place(1, 1))


_ONE_DOCUMENT: Final = "Keep one plan in one file; remove what follows the line `---`."
_SYNTAX_ADVICE: Final = "Mend the YAML here: check indentation, colons, quotes and brackets."


def _syntax(error: yaml.MarkedYAMLError, text: str) -> UnreadableError:
    mark = error.problem_mark or error.context_mark
    at = Place(1, 1) if mark is None else _inside(Place(mark.line + 1, mark.column + 1), text)
    return UnreadableError("syntax", at, f"this is not YAML: {_one_line(error.problem or str(error))}", _SYNTAX_ADVICE)


def _inside(place: Place, text: str) -> Place:
    """The parser tells of an unexpected end as one line below a last line that has no end."""
    lines = _lines(text)
    return place if place.line <= len(lines) else Place(len(lines), len(lines[-1]) + 1)


def _one_line(text: str) -> str:
    return shown(" ".join(text.split()), 200)


def _tagged(tag: str, at: Place) -> UnreadableError:
    message = f"the tag {shown(tag)} is not read"
    return UnreadableError("tag", at, message, "Remove the tag; write text in quotes and numbers without them.")


def _bad_name(at: Place) -> UnreadableError:
    return UnreadableError("bad_field_name", at, "a field's name must be plain text", "Write `name: value`.")


def _lines(text: str) -> list[str]:
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
