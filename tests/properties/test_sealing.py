"""Keys from a tree of seeds, and events whose words are under them: for any subjects, in any order."""

from functools import cache
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from domain.catalogue import REGISTRY, SEALINGS
from domain.kernel.ids import Instant, ProjectId, StreamId, derived_id
from domain.kernel.sealing import blanked
from domain.task.terms import Origin
from infrastructure.erasure.envelope import Envelopes, SealBrokenError
from infrastructure.erasure.keys import OwnedKeys, SeedMissingError, SubjectKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.erasure.seed_tree import PATH_STEPS, path_of
from infrastructure.log.mapper import new_event
from infrastructure.log.port import LogRow, NewEvent

ROOT = bytes(range(32))
GOLDEN = Path(__file__).parents[1] / "golden" / "events"
TASK = "task_01kdvjv9r3f2m8q4t6w0x2z4b6"
KNOWN = (
    b'{"at":1,"reason":"[sealed]","sealed":{"of":"task_01kdvjv9r3f2m8q4t6w0x2z4b6","from":8,"text":"'
    b'OTAvJEtyeaByKtbbTSbxftXZBrwKRK988vH8uz8H2ozffKfYT/IvPPSahA0V8dcusA=="}}'
)
"""Sealed under the key that follows from ROOT for TASK."""
subjects = st.integers(0, 40).map(lambda number: derived_id("task", Instant(1), (str(number),)))


def planted() -> tuple[MemorySeeds, OwnedKeys]:
    seeds = MemorySeeds()
    seeds.begin(ROOT)
    return seeds, OwnedKeys(seeds)


def secret(keys: SubjectKeys, subject: str) -> bytes | None:
    key = keys.key(subject)
    return None if key is None else key.secret


@given(st.lists(subjects, max_size=12), st.lists(subjects, min_size=1, max_size=12))
def test_a_key_that_was_destroyed_is_gone_and_every_other_one_is_what_it_was(
    destroyed: list[str], asked: list[str]
) -> None:
    before = {subject: secret(planted()[1], subject) for subject in asked}
    seeds, keys = planted()
    elsewhere = SubjectKeys(seeds)
    for subject in destroyed:
        assert secret(elsewhere, subject) == (None if elsewhere.is_destroyed(subject) else secret(keys, subject))
        keys.destroy(subject)
        elsewhere.forget()
    for one in (keys, elsewhere, SubjectKeys(seeds)):
        for subject, known in before.items():
            assert secret(one, subject) == (None if subject in destroyed else known)
    for subject in destroyed:
        path = path_of(subject)
        assert not [path[:steps] for steps in range(PATH_STEPS + 1) if seeds.seed(path[:steps]) is not None]


def test_a_tree_without_its_seeds_is_a_fault_and_no_erasure() -> None:
    seeds, keys = planted()
    keys.destroy("task_1")
    seeds.cut(path_of("task_2")[:1], path_of("task_3"), {})
    with pytest.raises(SeedMissingError):
        SubjectKeys(seeds).key("task_2")


def an_event(name: str) -> NewEvent:
    text = (GOLDEN / f"{name}.json").read_bytes().strip()
    event = REGISTRY.read(name, text)
    return new_event(StreamId(TASK), 1, event, ProjectId("proj_1"))


def a_row(event: NewEvent) -> LogRow:
    stored = (event.stream, event.version, event.type, event.schema_version, event.state)
    return LogRow(7, *stored, 1, "proj_1", "key_1", "cmd_1", "cmd_1", None, None)


def test_what_a_gate_asked_for_is_sealed_in_the_task_that_does_it_anew_and_where_it_came_from_stays() -> None:
    _, keys = planted()
    envelopes = Envelopes(SEALINGS, keys)
    event = an_event("task.planned.v1")
    origin = Origin(run="run_1", place="build", generation=2, changes="Zibeline").model_dump(mode="json")
    said = orjson.loads(event.state) | {"origin": origin}
    sealed = envelopes.sealed(event._replace(state=orjson.dumps(said)))
    assert b"Zibeline" not in sealed.state
    assert orjson.loads(sealed.state)["origin"] == origin | {"changes": "[sealed]"}
    assert orjson.loads(envelopes.opened(a_row(sealed)).state) == said
    keys.destroy(TASK)
    assert orjson.loads(envelopes.opened(a_row(sealed)).state)["origin"] == origin | {"changes": "[erased]"}


@pytest.mark.parametrize("name", sorted(SEALINGS))
def test_what_is_sealed_is_read_by_anybody_without_its_words_and_opened_again(name: str) -> None:
    _, keys = planted()
    envelopes = Envelopes(SEALINGS, keys)
    event = an_event(name)
    sealed = envelopes.sealed(event)
    assert envelopes.sealed(event) == sealed
    said, kept = orjson.loads(event.state), orjson.loads(sealed.state)
    for field, kind in SEALINGS[name].fields.items():
        if said[field]:
            assert kept[field] == blanked(kind, said[field], "[sealed]")
            assert not isinstance(kind, str) or orjson.dumps(said[field]) not in sealed.state
    opened = envelopes.opened(a_row(sealed))
    assert opened._replace(state=b"") == a_row(event)._replace(state=b"")
    assert orjson.loads(opened.state) == said
    assert REGISTRY.read(name, opened.state).stored() == event.state
    REGISTRY.read(name, sealed.state)
    keys.destroy(next((said[field] for field in SEALINGS[name].about), TASK))
    gone = envelopes.opened(a_row(sealed))
    assert gone.state == sealed.state[: sealed.state.index(b',"sealed":')].replace(b"[sealed]", b"[erased]") + b"}"
    REGISTRY.read(name, gone.state)
    late = envelopes.sealed(event)
    assert late.state == gone.state


def test_an_event_without_words_is_stored_as_it_is() -> None:
    envelopes = Envelopes(SEALINGS, planted()[1])
    for name in ("task.readied.v1", "lock.granted.v1"):
        event = an_event(name)
        assert envelopes.sealed(event) is event
    nothing = an_event("task.failed.v1")._replace(state=b'{"reason":"","at":1}')
    assert envelopes.sealed(nothing) is nothing
    assert envelopes.sealed(a_note(session=None)) is a_note(session=None)


def test_a_note_on_the_board_of_a_project_is_under_the_key_of_the_session_that_wrote_it() -> None:
    _, keys = planted()
    envelopes, note = Envelopes(SEALINGS, keys), a_note(session="sess_1")
    sealed = a_row(envelopes.sealed(note))
    keys.destroy(TASK)
    assert orjson.loads(envelopes.opened(sealed).state) == orjson.loads(note.state)
    keys.destroy("sess_1")
    assert orjson.loads(envelopes.opened(sealed).state)["text"] == "[erased]"


@cache
def a_note(*, session: str | None) -> NewEvent:
    """One on the board of a project."""
    note = an_event("note.posted.v1")
    return note._replace(state=orjson.dumps({**orjson.loads(note.state), "task": None, "session": session}))


def test_a_text_that_looks_like_a_seal_is_a_text() -> None:
    envelopes = Envelopes(SEALINGS, planted()[1])
    event = an_event("task.failed.v1")._replace(state=orjson.dumps({"reason": ',"sealed":{"of":"x"}', "at": 1}))
    assert envelopes.opened(a_row(event)) == a_row(event)
    assert orjson.loads(envelopes.opened(a_row(envelopes.sealed(event))).state) == orjson.loads(event.state)


def test_numbers_of_any_size_stay_what_they_are() -> None:
    state = b'{"reason":"it broke","at":123456789012345678901234567890,"share":0.1}'
    envelopes = Envelopes(SEALINGS, planted()[1])
    event = an_event("task.failed.v1")._replace(state=state)
    assert from_json(envelopes.opened(a_row(envelopes.sealed(event))).state) == from_json(state)


def test_words_of_one_subject_cannot_be_passed_off_as_those_of_another() -> None:
    envelopes = Envelopes(SEALINGS, planted()[1])
    sealed = envelopes.sealed(an_event("task.failed.v1"))
    other = sealed._replace(state=sealed.state.replace(TASK.encode(), b"task_01kdvjv9r3f2m8q4t6w0x2z4b7"))
    with pytest.raises(SealBrokenError):
        envelopes.opened(a_row(other))


def test_what_was_sealed_once_is_opened_for_ever() -> None:
    """A known answer: whoever changes tree, nonce or form makes all that was ever sealed unreadable."""
    envelopes = Envelopes(SEALINGS, planted()[1])
    event = an_event("task.failed.v1")._replace(state=b'{"reason":"it broke","at":1}')
    assert envelopes.sealed(event).state == KNOWN
    assert envelopes.opened(a_row(event._replace(state=KNOWN))).state == b'{"at":1,"reason":"it broke"}'
