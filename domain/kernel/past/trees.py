"""States and rows as trees of plain values, and what differs between two of them, field by field."""

import dataclasses
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal, NamedTuple, cast

from immutables import Map

from domain.kernel.message import Message

Tree = dict[str, Any] | list[Any] | str | int | float | bool | None
"""What JSON can hold. Never changed once it was made: trees share their parts."""
Path = tuple[str | int, ...]
KIND: Final = "is"
"""Field that names the class where a state may be one of several."""
REMEMBERED_MAX: Final = 50_000


class Missing:
    """Stands for a field that is not there; there is one, MISSING."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Change(NamedTuple):
    """A field that two trees have differently; MISSING where one of them lacks it."""

    path: Path
    before: "Tree | Missing"
    after: "Tree | Missing"

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What happened to the field."""
        if isinstance(self.before, Missing):
            return "added"
        return "removed" if isinstance(self.after, Missing) else "changed"


class Trees:
    """Makes trees of states. What did not change from one state to the next is the same object in both trees."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Tree]] = {}

    def of(self, value: Any) -> Tree:
        """A state, an event or any part of one as a tree; the keys of maps become texts."""
        if isinstance(value, str | int | float | bool | None):
            return value
        known = self._made.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        made = self._of(value)
        if len(self._made) >= REMEMBERED_MAX:
            self._made.clear()
        # The value is kept with its tree, so that its identity is not handed out again.
        self._made[id(value)] = (value, made)
        return made

    def _of(self, value: Any) -> Tree:
        if isinstance(value, Message):
            dumped: dict[str, Any] = value.model_dump(mode="json")
            return dumped
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            # What equality leaves out is derived from the rest, an index for decisions.
            fields = [field.name for field in dataclasses.fields(value) if field.compare]
            return {KIND: type(value).__name__, **{name: self.of(getattr(value, name)) for name in fields}}
        if isinstance(value, Map | dict):
            pairs = cast("Mapping[Any, Any]", value).items()
            return {_key(key): self.of(item) for key, item in sorted(pairs, key=lambda pair: _key(pair[0]))}
        if isinstance(value, AbstractSet):
            return sorted((self.of(item) for item in _items(value)), key=repr)
        if isinstance(value, Sequence):
            return [self.of(item) for item in _items(value)]
        return repr(value)


def _key(key: Any) -> str:
    return ":".join(str(part) for part in _items(key)) if isinstance(key, tuple) else str(key)


def _items(value: Any) -> Collection[Any]:
    items: Collection[Any] = value
    return items


def differences(before: "Tree | Missing", after: "Tree | Missing", path: Path = ()) -> Iterator[Change]:
    """Every field that differs, in the order of the fields; nothing where the trees are equal."""
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from differences(before.get(name, MISSING), after.get(name, MISSING), (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from differences(_item(before, place), _item(after, place), (*path, place))
    elif type(before) is not type(after) or before != after:
        yield Change(path, before, after)


def _item(items: list[Any], place: int) -> "Tree | Missing":
    return items[place] if place < len(items) else MISSING


def parts_of(tree: Tree) -> list[tuple[str | int, Tree]]:
    """The parts of an object or a list by name or place; nothing of a plain value."""
    match tree:
        case dict():
            return list(tree.items())
        case list():
            return list(enumerate(tree))
        case _:
            return []


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """Every field that holds no further ones, with its path; empty lists and objects are fields, too."""
    parts = parts_of(tree)
    if not parts:
        yield path, tree
    for name, part in parts:
        yield from leaves(part, (*path, name))


def within(tree: Tree, *, values_max: int, parts_max: int) -> tuple[Tree, tuple[Path, ...]]:
    """A tree with so many values and parts of one part at most, and the paths of those parts that are not whole.

    What is near the root comes first. A part for which there was no room is empty, and named.
    """
    root = _empty(tree)
    cut: list[Path] = []
    ahead: deque[tuple[Path, Tree, Tree]] = deque([((), tree, root)])
    told = 0
    while ahead:
        path, whole, shown = ahead.popleft()
        parts = parts_of(whole)
        room = max(0, min(parts_max, values_max - told))
        told += min(room, len(parts))
        if len(parts) > room:
            cut.append(path)
        for name, value in parts[:room]:
            inner = _empty(value)
            if isinstance(shown, dict):
                shown[str(name)] = inner
            elif isinstance(shown, list):
                shown.append(inner)
            ahead.append(((*path, name), value, inner))
    return root, tuple(cut)


def _empty(tree: Tree) -> Tree:
    """A tree of the same kind without its parts; a plain value as it is."""
    return {} if isinstance(tree, dict) else [] if isinstance(tree, list) else tree


def at_path(tree: "Tree | Missing", path: Path) -> "Tree | Missing":
    """The part of a tree at a path; MISSING where there is none."""
    for name in path:
        if isinstance(tree, dict):
            tree = tree.get(str(name), MISSING)
        elif isinstance(tree, list) and str(name).isdigit():
            tree = _item(tree, int(name))
        else:
            return MISSING
    return tree


def path_text(path: Path) -> str:
    """A path as people write it: ``plan.needs.0.key``."""
    return ".".join(map(str, path))


def path_of(text: str) -> Path:
    """The path of such a text."""
    return tuple(part for part in text.split(".") if part)
