"""Checkpoints are signed notes: a known one verifies, and no change of one does."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.ledger.signing import new_seed, public_key, signature, verified
from projections.audit_ledger.note import (
    Checkpoint,
    Note,
    NoteUnreadable,
    read_checkpoint,
    read_instant,
    read_key,
    read_note,
    with_periods,
    written,
)

# The example of Go's package sumdb/note, which defined the form.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SEED = bytes(range(32))
CHECKPOINT = Checkpoint("signalbox/test", 7, b"\x07" * 32, 1_700_000_000_123_456)


def signed(text: str, *seeds: bytes) -> Note:
    return Note(text, tuple(signature("signalbox/test", seed, text) for seed in seeds))


def test_a_note_of_others_verifies() -> None:
    key = read_key(EXAMPLE_KEY)
    note = read_note(EXAMPLE)
    assert verified(note, [key]) == (key,)
    assert str(note) == EXAMPLE
    assert str(key) == EXAMPLE_KEY
    assert verified(read_note(EXAMPLE.replace("answer", "Answer")), [key]) == ()


def test_a_checkpoint_reads_as_it_was_written() -> None:
    assert CHECKPOINT.text() == (
        "signalbox/test\n7\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n2023-11-14T22:13:20.123456Z\n"
    )
    assert read_checkpoint(CHECKPOINT.text()) == CHECKPOINT


@given(st.integers(0, 2**52))
def test_an_instant_reads_as_it_was_written(at: int) -> None:
    assert read_instant(written(at)) == at


def test_two_keys_sign_while_one_follows_the_other() -> None:
    old, new = public_key("signalbox/test", SEED), public_key("signalbox/test", new_seed())
    note = read_note(str(signed(CHECKPOINT.text(), SEED)))
    assert verified(note, [old, new]) == (old,)
    assert verified(note, [new]) == ()
    other = new_seed()
    both = read_note(str(signed(CHECKPOINT.text(), SEED, other)))
    assert verified(both, [old, public_key("signalbox/test", other)]) == (old, public_key("signalbox/test", other))


@settings(max_examples=60)
@given(st.data())
def test_no_changed_note_verifies(data: st.DataObject) -> None:
    text = str(signed(CHECKPOINT.text(), SEED))
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda one: one != text[place]))
    changed = text[:place] + letter + text[place + 1 :]
    key = public_key("signalbox/test", SEED)
    with suppress(NoteUnreadable):
        assert verified(read_note(changed), [key]) == () or read_note(changed) == read_note(text)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "a\n1\nx\n", "a\n-1\nBwc=\n2023-11-14T22:13:20.123456Z\n", CHECKPOINT.text() + "more\n", "\n" * 4],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteUnreadable):
        read_checkpoint(text)


@pytest.mark.parametrize("text", ["", "a", "a+b+c", EXAMPLE_KEY[:-4], EXAMPLE_KEY.replace("c74f", "c740")])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteUnreadable):
        read_key(text)


@pytest.mark.parametrize("text", ["", "text\n", "text\n\n", "text\n\nunsigned\n", EXAMPLE[:-1], "x" * 20_000])
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(NoteUnreadable):
        read_note(text)


def test_a_key_signs_in_its_period_give_or_take_a_minute() -> None:
    minute = 60_000_000
    line = f"{public_key('signalbox/test', bytes(32))} 2026-01-01T00:00:00.000000Z 2026-02-01T00:00:00.000000Z"
    key = read_key(line)
    since, until = read_instant("2026-01-01T00:00:00.000000Z"), read_instant("2026-02-01T00:00:00.000000Z")
    assert (key.since, key.until, key.line) == (since, until, line)
    instants = (since - 2 * minute, since - minute, since, until + minute, until + 2 * minute)
    assert [key.signs_at(at) for at in instants] == [False, True, True, True, False]
    bare = read_key(str(key))
    assert (bare, bare.since, bare.until) == (key, 0, None)
    assert bare.signs_at(until + 2 * minute)
    assert with_periods([bare], [key])[0].until == until
    assert with_periods([key], [bare])[0].until == until
    for wrong in (f"{key} yesterday", f"{line} 2026-03-01T00:00:00.000000Z", ""):
        with pytest.raises(NoteUnreadable):
            read_key(wrong)
