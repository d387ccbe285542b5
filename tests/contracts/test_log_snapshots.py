"""Snapshots: the latest of each stream is kept."""

from infrastructure.log.port import Log, StoredSnapshot


def snapshot(stream: str, version: int, kind: str = "task.1") -> StoredSnapshot:
    return StoredSnapshot(stream, version, kind, b'{"version":%d}' % version)


def test_the_latest_snapshot_of_each_stream_is_found(log_store: Log) -> None:
    log_store.keep_snapshots([snapshot("task_1", 100), snapshot("task_2", 50)])
    log_store.keep_snapshots([snapshot("task_1", 200)])

    assert log_store.snapshots(["task_1", "task_2", "task_3"]) == {
        "task_1": snapshot("task_1", 200),
        "task_2": snapshot("task_2", 50),
    }
    assert log_store.snapshots([]) == {}


def test_an_earlier_snapshot_does_not_replace_a_later_one(log_store: Log) -> None:
    log_store.keep_snapshots([snapshot("task_1", 200)])
    log_store.keep_snapshots([snapshot("task_1", 100)])

    assert log_store.snapshots(["task_1"]) == {"task_1": snapshot("task_1", 200)}


def test_a_snapshot_of_another_shape_replaces_one_of_the_same_version(log_store: Log) -> None:
    log_store.keep_snapshots([snapshot("task_1", 100)])
    log_store.keep_snapshots([snapshot("task_1", 100, "task.2")])

    assert log_store.snapshots(["task_1"]) == {"task_1": snapshot("task_1", 100, "task.2")}
