"""Every stored event type has one stored text that today's code reads, and writes again byte for byte."""

import hashlib
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.catalogue import EVENTS, REGISTRY
from domain.kernel.message import Event
from domain.kernel.registry import UnknownEventType

HERE = Path(__file__).parent
FILES = {file.stem: file for file in sorted((HERE / "events").iterdir())}
EARLIER = {file.stem: file for file in sorted((HERE / "earlier").glob("*.json"))}
"""Texts of types that got further fields since: ``task.planned.v1@1`` is the first of them."""
TODAY = {event.TYPE: event for event in EVENTS}


def stored(name: str) -> bytes:
    return FILES[name].read_bytes().removesuffix(b"\n")


def index() -> dict[str, str]:
    """Digest by type, one line each: what was stored once is never edited and never leaves."""
    lines = (HERE / "index.txt").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def test_every_type_of_today_has_a_golden_file() -> None:
    assert not [name for name in TODAY if name not in FILES]


def test_nothing_stored_once_vanishes_or_changes() -> None:
    files = FILES | EARLIER
    assert index() == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    assert {name for name in index() if "@" not in name} == set(REGISTRY.names())


def test_names_are_plain_and_versioned() -> None:
    assert all(re.fullmatch(r"[a-z]+(\.[a-z_]+)+\.v[1-9][0-9]*", name) for name in FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_stored_text_is_read_and_written_again_byte_for_byte(name: str) -> None:
    event = REGISTRY.read(name, stored(name))
    if name in TODAY:
        assert type(event) is TODAY[name]
        assert event.stored() == stored(name)
    # What an upcast made is today's event, and as stable as any other.
    assert REGISTRY.read(type(event).TYPE, event.stored()) == event


@pytest.mark.parametrize("name", sorted(TODAY))
def test_the_golden_text_says_every_field_with_a_value_of_its_own(name: str) -> None:
    """A field with a default, or left empty, would let a renamed one pass unseen."""
    fields = orjson.loads(stored(name))
    assert list(fields) == list(TODAY[name].model_fields)
    empty = [field for field, value in fields.items() if value in (None, "", [], {})]
    assert empty == (["checkpoint"] if name == "task.attempt_ended.v1" else [])


@pytest.mark.parametrize("name", sorted(TODAY))
def test_fields_of_a_later_program_are_ignored_everywhere(name: str) -> None:
    later = orjson.dumps(_with_more(orjson.loads(stored(name))))
    assert later != stored(name)
    assert REGISTRY.read(name, later).stored() == stored(name)


@pytest.mark.parametrize("name", sorted(TODAY))
def test_a_missing_field_is_told_not_guessed(name: str) -> None:
    """A default gives old rows a value that nobody stored: only a field that came later has one, and shows the rows."""
    kind: type[Event] = TODAY[name]
    optional = {field for field, info in kind.model_fields.items() if not info.is_required()}
    before = [orjson.loads(file.read_bytes()) for earlier, file in EARLIER.items() if earlier.startswith(f"{name}@")]
    assert optional == {field for text in before for field in kind.model_fields if field not in text}


def test_a_text_from_before_further_fields_is_read_as_it_was_meant() -> None:
    for name, file in EARLIER.items():
        event = REGISTRY.read(name.partition("@")[0], file.read_bytes())
        assert _says(orjson.loads(event.stored()), orjson.loads(file.read_bytes())), name


def test_a_name_outside_the_registry_is_refused() -> None:
    with pytest.raises(UnknownEventType):
        REGISTRY.read("task.invented.v1", b"{}")


def _with_more(value: Any) -> Any:
    """Something unknown in every object that is a message: but not in maps of free keys, such as capabilities."""
    if isinstance(value, dict):
        more = {key: item if key == "capabilities" else _with_more(item) for key, item in value.items()}
        return {"added_later": {"deep": [1]}, **more}
    return [_with_more(item) for item in value] if isinstance(value, list) else value


def _says(written: Any, before: Any) -> bool:
    """Whether what was said before is still said; messages may say more."""
    if isinstance(before, dict):
        return all(field in written and _says(written[field], value) for field, value in before.items())
    if isinstance(before, list):
        return len(written) == len(before) and all(map(_says, written, before))
    return bool(written == before)
