"""What every store keeps of an archived beginning: ranges in order, what streams had come to, the last events."""

from pathlib import Path

from infrastructure.log.archived import Archive, BaseState, LostEvent
from infrastructure.log.port import Log
from infrastructure.log.sqlite import SqliteLog
from infrastructure.sql import load
from tests.contracts.groups import NOW, member

A, B = "task_01kdvjv9r3f2m8q4t6w0x2z4b6", "task_01kdvjv9r3f2m8q4t6w0x2z4b7"
FIRST = Archive(1, 4, "00" * 32, "000000000001-000000000004", "key_1", NOW, pruned=False)
SECOND = FIRST._replace(first=5, last=9, name="000000000005-000000000009")


def written(log: Log, *streams: str) -> None:
    """One event in each, in order; the same stream may come again."""
    for stream in streams:
        rows = log.events_of(stream)
        log.append([member(f"cmd_{log.head()}", (stream, rows[-1].version + 1 if rows else 1))], now=NOW)


def test_ranges_follow_each_other_without_a_gap(log_store: Log) -> None:
    assert not log_store.keep_archive(SECOND)
    assert log_store.keep_archive(FIRST)
    assert log_store.keep_archive(FIRST), "it is kept already: an answer may have been lost"
    assert not log_store.keep_archive(FIRST._replace(last=6)), "somebody else was faster"
    assert not log_store.keep_archive(SECOND._replace(first=6))
    assert log_store.keep_archive(SECOND)
    log_store.mark_pruned(4)
    assert log_store.keep_archive(FIRST)
    assert log_store.archives() == [FIRST._replace(pruned=True), SECOND]


def test_a_state_gives_way_to_later_ones_only(log_store: Log) -> None:
    states = [BaseState(stream, 3, 7, "task.s1", b'{"n":1}', b"[]") for stream in (A, B)]
    log_store.keep_base_states(states)
    later = states[0]._replace(version=5, position=9, kind="task.s2", words=b"")
    log_store.keep_base_states([later])
    log_store.keep_base_states([states[0]])
    assert log_store.base_states([A, B, "task_none"]) == {A: later, B: states[1]}
    assert log_store.outdated_bases(["task.s2"], limit=5) == [states[1]]
    assert log_store.outdated_bases(["task.s1", "task.s2"], limit=5) == []
    same = states[1]._replace(kind="task.s2", state=b"{}")
    log_store.keep_base_states([same])
    assert log_store.base_states([B]) == {B: same}
    assert log_store.base_states_behind("", limit=5) == [later, same]
    assert log_store.base_states_behind("", limit=1) == [later]
    assert log_store.base_states_behind(A, limit=5) == [same]
    assert log_store.base_states_behind(B, limit=5) == []


def test_no_state_is_looked_at_to_find_that_none_is_outdated(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "signalbox.db")
    with log.file.reading() as connection:
        asked = "EXPLAIN QUERY PLAN " + load("sqlite/archives.sql")["outdated_bases"]
        plan = [str(row[3]) for row in connection.execute(asked, ("[]", 1)).fetchall()]
    log.close()
    touched = [one for one in plan if "base_states" in one or "later" in one]
    assert touched
    assert all(one.startswith("SEARCH") and "base_states_by_kind" in one for one in touched), plan


def test_pruning_leaves_the_last_event_of_each_stream(log_store: Log) -> None:
    written(log_store, A, A, B, A, B, A)
    before = log_store.page(after=0, limit=50)
    end, after = 0, 0
    for _ in range(9):
        found = log_store.prune(after=after, through=5, rows_max=2)
        if found is None:
            break
        assert after < found <= 5
        end = after = found
    assert end == 5
    assert log_store.page(after=0, limit=50) == before[4:], "of B the last event is its second"
    assert log_store.events_of(A) == before[5:]
    assert log_store.events_of(B) == [before[4]]
    assert (log_store.has_stream(A), log_store.has_stream(B), log_store.has_stream("task_none")) == (True, True, False)
    assert log_store.head() == 6
    written(log_store, B)
    assert [row.version for row in log_store.events_of(B)] == [2, 3]
    log_store.prune(after=0, through=6, rows_max=50)
    assert [row.position for row in log_store.page(after=0, limit=50)] == [6, 7], "somebody follows it now"


def test_a_pruned_stream_has_the_version_that_it_had(log_store: Log) -> None:
    written(log_store, A, A, A)
    log_store.prune(after=0, through=3, rows_max=50)
    (moved,) = log_store.append([member("cmd_stale", (A, 1))], now=NOW)
    assert type(moved).__name__ == "Moved"
    (appended,) = log_store.append([member("cmd_next", (A, 4))], now=NOW)
    assert type(appended).__name__ == "Appended"
    assert [(row.position, row.version) for row in log_store.events_of(A, after=3)] == [(4, 4)]


def test_a_last_event_that_is_not_there_is_missed(log_store: Log) -> None:
    written(log_store, A, B, A)
    states = [BaseState(A, 2, 3, "task.s1", b"{}", b""), BaseState(B, 1, 2, "task.s1", b"{}", b"")]
    log_store.keep_base_states(states)
    log_store.prune(after=0, through=3, rows_max=50)
    assert log_store.lost_events(limit=5) == []
    written(log_store, B)
    log_store.prune(after=0, through=4, rows_max=50)
    assert log_store.lost_events(limit=5) == [], "a later one is there"
    log_store.keep_base_states([one._replace(version=9, position=one.position + 9) for one in states])
    assert log_store.lost_events(limit=5) == [LostEvent(B, 9, 11), LostEvent(A, 9, 12)]
    assert log_store.lost_events(limit=1) == [LostEvent(B, 9, 11)]
