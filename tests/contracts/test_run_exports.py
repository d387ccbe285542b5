"""An export of a run is read only if it is whole, and tells where the rules of today would go otherwise."""

import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from infrastructure.history.exported import Export, ExportUnreadable, read_export, unpack_export
from infrastructure.history.refolding import refold
from infrastructure.history.sqlite import SqliteHistory
from tests.support.exports import export_of
from tests.support.nested import Yard, nested
from tests.support.runs import work


@pytest.fixture
def export() -> Export:
    """Of a run with another one inside."""
    yard = Yard()
    yard.publish("inner", work("x"))
    yard.publish("plain", work("a"), nested("b", "a"))
    run = yard.start("plain")
    yard.succeed(run, "a")
    yard.succeed(yard.child(run, "b"), "x")
    assert yard.stands(run) == "succeeded"
    phases = [{"place": place, "status": "succeeded", "generation": 1} for place in "ab"]
    return export_of(yard, run, status="succeeded", version=1, phases=phases)


def written(export: Export, file: Path) -> list[bytes]:
    """The lines of the file, as the command line writes them."""
    lines = [orjson.dumps({"signalbox_run_export": 1, "run": export.run, **export.header}) + b"\n"]
    names = (
        "position",
        "stream",
        "version",
        "type",
        "project",
        "actor",
        "command_id",
        "correlation_id",
        "causation_id",
    )
    for row in export.rows:
        said: dict[str, Any] = {name: getattr(row, name) for name in names}
        lines.append(orjson.dumps({**said, "event": orjson.loads(row.state), "at": row.recorded_at}) + b"\n")
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    lines.append(orjson.dumps({"end": len(export.rows), "sha256": digest}) + b"\n")
    file.write_bytes(b"".join(lines))
    return lines


def test_what_was_written_is_read_again_and_folds_as_it_was_recorded(export: Export, tmp_path: Path) -> None:
    written(export, tmp_path / "run.jsonl")
    found = read_export(tmp_path / "run.jsonl")
    assert [row._replace(state=b"") for row in found.rows] == [row._replace(state=b"") for row in export.rows]
    first, second = refold(found)
    assert (first.run, first.status, first.differences) == (export.run, "succeeded", ())
    assert (second.phases, second.differences) == ({"x": "succeeded"}, ())


def test_it_is_looked_at_as_a_log_of_its_own(export: Export, tmp_path: Path) -> None:
    unpack_export(export, tmp_path / "copy" / "log.db")
    history = SqliteHistory(tmp_path / "copy" / "log.db")
    try:
        assert history.events_of(export.run) == [row for row in export.rows if row.stream == export.run]
        assert history.head() == export.rows[-1].position
    finally:
        history.close()


@pytest.mark.parametrize("spoil", ["cut", "changed", "foreign", "swapped"])
def test_what_is_not_whole_is_not_read(export: Export, tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "run.jsonl"
    lines = written(export, file)
    match spoil:
        case "cut":
            file.write_bytes(b"".join(lines[:-1]))
        case "changed":
            file.write_bytes(b"".join(lines).replace(b'"succeeded"', b'"cancelled"', 1))
        case "foreign":
            file.write_bytes(b'{"some": "thing"}\n')
        case _:
            file.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(ExportUnreadable):
        read_export(file)


def test_a_missing_event_and_what_was_told_otherwise_are_differences(export: Export) -> None:
    own = [row for row in export.rows if row.stream == export.run]
    less = Export(export.run, export.header, tuple(row for row in export.rows if row != own[-2]))
    assert f"its event {len(own) - 1} is missing" in refold(less)[0].differences
    told = {**export.header, "status": "failed"}
    assert refold(Export(export.run, told, export.rows))[0].differences == (
        "its status was told as failed, and is succeeded",
    )


def test_what_follows_by_the_rules_and_was_not_recorded_is_a_difference(export: Export) -> None:
    """As if another program had written it: the run settles, and nobody said so."""
    own = [row for row in export.rows if row.stream == export.run]
    cut = Export(export.run, {}, tuple(row for row in export.rows if row != own[-1]))
    assert refold(cut)[0].differences == (f"behind event {own[-2].version} follows run.settled.v1",)


def test_rules_that_this_program_does_not_know_are_no_rules(export: Export) -> None:
    assert refold(export, 1)[0].differences == ()
    with pytest.raises(ValueError, match="not by 2"):
        refold(export, 2)
