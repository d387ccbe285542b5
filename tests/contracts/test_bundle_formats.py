"""Every format of a bundle gives back each column of each event as it was stored; CSV runs no formula."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infrastructure.bundle import cloudevents, csv_rows, jsonl, parquet
from infrastructure.bundle.examination import leaf_or_nothing
from infrastructure.bundle.judging import leaves_of_lines
from infrastructure.bundle.layout import BundleUnreadable, Format, Manifest, events_file
from infrastructure.bundle.reader import Bundle, reader_of
from infrastructure.log.port import LogRow
from projections.audit_ledger.leaf import leaf_hash

Write = Callable[[Path, Iterable[LogRow]], None]


def write_jsonl(file: Path, rows: Iterable[LogRow]) -> None:
    file.write_bytes(b"".join(map(jsonl.write_line, rows)))


def write_csv(file: Path, rows: Iterable[LogRow]) -> None:
    file.write_bytes(csv_rows.write_heading() + b"".join(map(csv_rows.write_line, rows)))


def write_cloudevents(file: Path, rows: Iterable[LogRow]) -> None:
    file.write_bytes(b"".join(cloudevents.write_line(row, "signalbox/test") for row in rows))


def write_parquet(file: Path, rows: Iterable[LogRow]) -> None:
    table = parquet.Table()
    for row in rows:
        table.add(row, redacted=False)
    table.write(file)
    table.close()


WRITERS: dict[Format, Write] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "cloudevents": write_cloudevents,
    "parquet": write_parquet,
}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
STATES = st.one_of(
    st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda one: json.dumps(one).encode()),
    st.binary(max_size=20),
    st.sampled_from([b"", b"{", b'{"a":1}\n', b' {"a": "\xc3\xa9"} ', b',"state":1', b'"x","state":', b"\xff"]),
)
ROWS = st.builds(
    LogRow,
    st.integers(1, 2**63 - 1),
    TEXTS,
    st.integers(0, 2**31),
    TEXTS,
    st.integers(1, 9),
    STATES,
    st.integers(0, 10**16),
    *[st.none() | TEXTS | st.sampled_from(["=1+1", "'", "@x", "-1", "\t", ',"state":'])] * 6,
)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_every_column_comes_back_as_it_was_stored(kind: Format, tmp_path: Path) -> None:
    @settings(
        max_examples=25 if kind != "parquet" else 5,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
    )
    @given(st.lists(ROWS, max_size=8, unique_by=lambda row: row.position))
    def comes_back(rows: list[LogRow]) -> None:
        rows = sorted(rows)
        WRITERS[kind](tmp_path / "events", rows)
        assert [one.row for one in reader_of(kind)(tmp_path / "events")] == rows

    comes_back()


PLAIN_ROWS = st.builds(
    LogRow,
    st.integers(1, 10**17),
    st.sampled_from(["task_1", "locks_\u00e9", "a b"]),
    st.integers(0, 2**31),
    st.just("task.made.v1"),
    st.integers(1, 9),
    st.sampled_from([b"{}", b'{"a":",\\"state\\":{}}\\n"}', '{"\u00e9":1}'.encode()]),
    st.integers(0, 10**16),
    *[st.none() | st.sampled_from(["proj_1", "x", ""])] * 6,
)
MARKS = st.sampled_from([b"", b'"', b"\\", b"\n", b"null", b" ", b"{", b"}", b',"state":', b"0", b"x"])


@settings(max_examples=60, deadline=None)
@given(st.lists(PLAIN_ROWS | ROWS, max_size=6), st.none() | st.tuples(st.floats(0, 1), st.integers(0, 3), MARKS))
def test_leaves_of_lines_are_those_of_what_is_read_in_them(
    rows: list[LogRow], damage: tuple[float, int, bytes] | None
) -> None:
    lines = b"".join(map(jsonl.write_line, rows))
    if damage is None:
        assert b"".join(leaves_of_lines(lines)) == b"".join(map(leaf_hash, rows))
        return
    place, length, mark = int(damage[0] * len(lines)), damage[1], damage[2]
    damaged = lines[:place] + mark + lines[place + length :]
    read = (leaf_or_nothing(jsonl.read_line(line).row) for line in io.BytesIO(damaged))
    assert b"".join(leaves_of_lines(damaged)) == b"".join(read)


def test_no_cell_of_csv_begins_like_a_formula(tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0"
    row = LogRow(1, evil, 1, "+" + evil, 1, b"-1", 1, "@" + evil, "\t" + evil, "\r" + evil, "\n=", "", None)
    write_csv(tmp_path / "events", [row])
    with (tmp_path / "events").open(newline="", encoding="utf-8") as lines:
        _, cells = csv.reader(lines)
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n")]
    assert [one.row for one in csv_rows.read_file(tmp_path / "events")] == [row]


def test_a_state_stands_in_its_line_byte_for_byte() -> None:
    row = LogRow(1, "task_1", 1, "task.made.v1", 1, b'{ "b": 1.0,"a":"\\u00e9" }', 1, *[None] * 6)
    assert jsonl.write_line(row).endswith(b',"state":' + row.state + b"}\n")
    assert json.loads(jsonl.write_line(row))["state"] == {"b": 1.0, "a": "é"}
    event = json.loads(cloudevents.write_line(row, "signalbox/test"))
    assert event["specversion"] == "1.0"
    assert {"id", "source", "type", "subject", "time", "datacontenttype", "data"} <= event.keys()


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b"null\n", b'{"position":"1"}', b'{"state":{}}', b"\xff"])
def test_what_is_no_event_is_read_as_such(line: bytes, tmp_path: Path) -> None:
    assert jsonl.read_line(line).row.position == 0
    (tmp_path / "events").write_bytes(line + b"\n")
    assert {one.row.position for one in csv_rows.read_file(tmp_path / "events")} == {0}
    assert {one.row.position for one in cloudevents.read_file(tmp_path / "events")} == {0}


def test_a_bundle_is_read_part_by_part_from_any_position(tmp_path: Path) -> None:
    rows = [LogRow(number, "task_1", number, "task.made.v1", 1, b"{}", 1, *[None] * 6) for number in range(5, 12)]
    manifest = Manifest(bundle=1, origin="signalbox/test", format="jsonl", first=5, last=11, events=7, part_positions=4)
    (tmp_path / "events").mkdir()
    for part, some in ((5, rows[:4]), (9, rows[4:])):
        write_jsonl(events_file(tmp_path, part, "jsonl"), some)
    with pytest.raises(BundleUnreadable):
        Bundle(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    bundle = Bundle(tmp_path)
    assert list(bundle.rows()) == rows
    assert list(bundle.rows(after=7)) == rows[3:]
    assert list(bundle.rows(after=11)) == []
    with events_file(tmp_path, 9, "jsonl").open("ab") as file:
        file.write(b"no event\n")
    with pytest.raises(BundleUnreadable):
        list(bundle.rows())
