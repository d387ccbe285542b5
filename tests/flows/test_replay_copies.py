"""Copies of the past to look at and to play with, and recorded commands asked again, over one real history."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import application
from api.composition.opening import opened
from api.composition.replay import Replay
from domain import catalogue
from domain.dispatch.ready import ReadyIndex
from domain.kernel.decider import Decision, View, Write
from domain.kernel.decisions import Rules
from domain.kernel.message import Event, Stamp
from domain.task.commands import CompleteTask
from domain.task.events import TaskCompleted
from infrastructure.bundle import jsonl
from infrastructure.bundle.layout import Manifest, events_file
from infrastructure.erasure.belonging import check_belonging
from infrastructure.erasure.envelope import Envelopes
from infrastructure.erasure.keys import SubjectKeys
from infrastructure.erasure.memory import MemorySeeds
from infrastructure.history.forking import Edits, fork
from infrastructure.history.sqlite import SqliteHistory
from infrastructure.log.archived import Archive
from infrastructure.log.mapper import recorded
from infrastructure.log.port import NewEvent
from infrastructure.log.sqlite import SqliteLog
from infrastructure.rows.sqlite import SqliteRows
from infrastructure.runtime.projector import Projector
from projections.catalogue import PROJECTIONS
from projections.kernel.errors import RequestRefused
from projections.kernel.replay import replay as folded
from signalbox.client.errors import Refused
from tests.contracts.groups import member
from tests.support.archived import Archives
from tests.support.teller import Step, told_on

SCRIPT: list[Step] = [
    ("plan", 0, 4),
    ("claim", 0, 0),
    ("claim", 1, 0),
    ("complete", 0, 0),
    ("complete", 0, 2),
    ("complete", 0, 4),
    ("complete", 0, 4),
    ("fail", 0, 4),
    ("acquire", 2, 1),
    ("end", 1, 0),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a history and its rows, which no server has open."""
    place = tmp_path_factory.mktemp("history")
    log, rows = SqliteLog(place / "signalbox.db"), SqliteRows(place / "rows.db")
    told_on(log, SCRIPT)
    projector = Projector(log, rows, PROJECTIONS, lambda row: recorded(row, catalogue.REGISTRY))
    projector.open()
    projector.catch_up()
    rows.close()
    log.close()
    return place


@pytest.fixture
def replay(folder: Path) -> Iterator[Replay]:
    with opened(None, folder) as past:
        yield past


def quiet(*_: Any) -> None:
    """Nobody looks."""


def rows_of(file: Path, text: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(file) as connection:
        found = connection.execute(text).fetchall()
    connection.close()
    return found


def events_of(replay: Replay, until: int) -> list[Any]:
    from infrastructure.history.port import Filter

    rows = replay.log(Filter(), None, after=0, until=until, progress=quiet)
    return [recorded(row, catalogue.REGISTRY) for row in rows]


@pytest.mark.parametrize("kept", [True, False])
def test_all_read_models_stand_in_a_file_as_they_were(folder: Path, tmp_path: Path, kept: bool) -> None:
    source = folder
    if not kept:
        # Without the versions that a server keeps, everything is folded from the log.
        source = tmp_path / "log-only"
        source.mkdir()
        (source / "signalbox.db").write_bytes((folder / "signalbox.db").read_bytes())
    with opened(None, source) as replay:
        position = replay.head() // 2
        counts = replay.stand_up(position, tmp_path / "scratch.db", quiet)
        events = events_of(replay, position)
    for projection in PROJECTIONS:
        expected = sorted(tuple(row) for row in folded(projection, events).values())
        found = rows_of(tmp_path / "scratch.db", f"SELECT * FROM {projection.name}")
        assert sorted(found) == expected, projection.name
        assert counts[projection.name] == len(expected)
    assert rows_of(tmp_path / "scratch.db", "SELECT position FROM about") == [(position,)]


def test_standing_up_that_is_broken_off_leaves_nothing(replay: Replay, tmp_path: Path) -> None:
    def interrupted(_what: str, _count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay.stand_up(replay.head(), tmp_path / "scratch.db", interrupted)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "scratch.db.partial").write_text("what a kill left")
    replay.stand_up(replay.head(), tmp_path / "scratch.db", quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["scratch.db"]


def test_rows_are_not_compared_over_events_that_are_archived_and_not_at_hand(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    log = SqliteLog(tmp_path / "signalbox.db")
    head = log.head()
    log.keep_archive(Archive(1, head - 2, "0" * 64, "elsewhere", "principal", 1, False))
    assert log.prune(after=0, through=head - 2, rows_max=head) == head - 2
    log.mark_pruned(head - 2)
    log.close()
    with opened(None, tmp_path) as pruned:
        assert list(pruned.changed_rows((), head - 2, head)) != []
    for after, until in ((0, head), (2, 5)):
        with pytest.raises(Refused, match="archived in the bundle elsewhere"), opened(None, tmp_path) as pruned:
            list(pruned.changed_rows((), after, until))


def test_a_file_that_is_written_by_somebody_else_is_not_written(replay: Replay, tmp_path: Path) -> None:
    def meanwhile(_what: str, _count: int) -> None:
        with pytest.raises(RequestRefused, match="written by another process"):
            replay.stand_up(replay.head(), tmp_path / "scratch.db", quiet)
        assert (tmp_path / "scratch.db.partial").exists()

    replay.stand_up(replay.head(), tmp_path / "scratch.db", meanwhile)
    assert [path.name for path in tmp_path.iterdir()] == ["scratch.db"]


def test_todays_rules_decide_what_was_decided(replay: Replay) -> None:
    verdicts = list(replay.redecide(after=0, until=replay.head(), progress=quiet))
    assert {one.kind for one in verdicts} == {"same"}
    assert {"apply_plan", "claim_task", "complete_task", "settle_need"} <= {one.name for one in verdicts}


def test_a_changed_rule_is_found_and_nothing_else(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    real = catalogue.rules

    def changed(ready: ReadyIndex, **others: Any) -> Rules:
        rules = real(ready, **others)
        decide = rules.decisions[CompleteTask]

        def other(command: CompleteTask, stamp: Stamp, view: View) -> Decision:
            decision = decide(command, stamp, view)
            writes = tuple(Write(one.stream, tuple(map(praised, one.events)), one.project) for one in decision.writes)
            return Decision(writes, decision.answer, decision.rejection, decision.keys, decision.leases)

        return Rules({**rules.decisions, CompleteTask: other})

    def praised(event: Event) -> Event:
        return event.model_copy(update={"summary": "well done"}) if isinstance(event, TaskCompleted) else event

    monkeypatch.setattr(catalogue, "rules", changed)
    verdicts = list(replay.redecide(after=0, until=replay.head(), progress=quiet))
    different = [one for one in verdicts if one.kind != "same"]
    assert different
    for one in different:
        assert (one.kind, one.name) == ("different", "complete_task")
        [(was, now)] = [
            (a["event"]["summary"], b["event"]["summary"])
            for a, b in zip(one.recorded, one.decided, strict=True)
            if a != b
        ]
        assert (was, now) == ("", "well done")
    completed = [row for row in events_of(replay, replay.head()) if isinstance(row.event, TaskCompleted)]
    assert len(different) == len(completed)


def test_a_fork_is_a_log_of_its_own_with_what_was_edited(folder: Path, replay: Replay, tmp_path: Path) -> None:
    before = (folder / "signalbox.db").read_bytes()
    events = events_of(replay, replay.head())
    planned = next(one for one in events if one.event.TYPE == "task.planned.v1")
    dependant = next(one for one in events if one.event.TYPE == "task.dependant_added.v1")
    edits = f"""
- change: "@{planned.position}"
  event: {{title: another}}
- drop: {dependant.stream}@{dependant.version}
- add: "@{planned.position}"
  stream: {planned.stream}
  type: task.held_back.v1
  event: {{at: never}}
"""
    until = replay.head() - 3
    with pytest.raises(Refused, match="do not fit"), opened(None, folder) as past:
        past.fork(until, edits, tmp_path / "bad", quiet)
    assert not (tmp_path / "bad" / "signalbox.db").exists()
    edits = edits[: edits.index("- add")]
    for wrong, words in (
        (f'- change: "@{planned.position}"\n  event: {{titel: another}}', "has no field titel"),
        (
            f'- add: "@{planned.position}"\n  stream: {planned.stream}\n  type: task.failed.v1\n  event: {{x: 1}}',
            "field x",
        ),
        (f'- drop: "@{until + 1}"', f"lies behind @{until}, where the copy ends"),
        (f'{edits}- drop: "@{planned.position}"', "is both changed and dropped"),
        ("drop: all", "so: Input should be a valid list"),
    ):
        with pytest.raises(Refused, match=words), opened(None, folder) as past:
            past.fork(until, wrong, tmp_path / "bad", quiet)
    made = replay.fork(until, edits, tmp_path / "fork", quiet)
    assert (made.events, made.dropped, made.changed, made.added) == (until - 1, 1, 1, 0)
    with opened(None, tmp_path / "fork") as fork:
        copied = events_of(fork, fork.head())
        assert [one.position for one in copied] == list(range(1, until))
        state: Any = fork.state(planned.stream, fork.head()).tree
        assert state["plan"]["title"] == "another"
        kept = [one for one in events[:until] if one.position != dependant.position]
        for one, original in zip(copied, kept, strict=True):
            assert one.stream == original.stream
            assert one.event == original.event or original.position == planned.position
        assert fork.position("now", 0) == until - 1
    log = SqliteLog(tmp_path / "fork" / "signalbox.db")
    assert (log.era, log.head()) == (2, until - 1)
    log.close()
    assert (folder / "signalbox.db").read_bytes() == before


def test_a_server_opens_a_fork_that_was_made_without_keys(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "signalbox.db")
    told_on(Archives(log, tmp_path).log, SCRIPT)
    rows = log.page(after=0, limit=500)
    log.close()
    planned = next(row for row in rows if row.type == "task.planned.v1")
    assert b'"sealed":{' in planned.state
    history = SqliteHistory(tmp_path / "signalbox.db")
    edits = Edits(changed={planned.position: {"priority": 9}}, streams={planned.stream})
    (tmp_path / "copy").mkdir()
    fork(history, rows[-1].position, edits, tmp_path / "copy" / "signalbox.db", quiet)
    history.close()
    copy, seeds = SqliteLog(tmp_path / "copy" / "signalbox.db"), MemorySeeds()
    keys = SubjectKeys(seeds)
    check_belonging(copy, seeds, keys, Envelopes(catalogue.SEALINGS, keys))
    made = json.loads(copy.events_of(planned.stream, limit=1)[0].state)
    assert (made["title"], made["priority"], "sealed" in made) == ("[sealed]", 9, False)
    assert len(copy.page(after=0, limit=500)) == len(rows)
    copy.close()


def test_an_exact_fork_is_decided_the_same(replay: Replay, tmp_path: Path) -> None:
    replay.fork(replay.head(), None, tmp_path / "fork", quiet)
    with opened(None, tmp_path / "fork") as fork:
        assert {one.kind for one in fork.redecide(after=0, until=fork.head(), progress=quiet)} == {"same"}


def test_a_refusal_is_explained_by_its_rule_and_what_it_saw(folder: Path, replay: Replay) -> None:
    refused = next(one for one in events_of(replay, replay.head()) if one.event.TYPE == "command.refused.v1")
    found = replay.refusal(refused.command_id)
    assert found.rejection is not None
    assert found.rejection.code() == refused.event.code
    assert found.rule.startswith("domain/")
    assert any(stream.startswith("task_") for stream in found.states)
    assert found.command is not None
    with pytest.raises(Refused, match="recorded refusal"), opened(None, folder) as past:
        past.refusal("cmd_never")


def test_who_was_not_let_in_is_told_so_by_either_id(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "signalbox.db")
    told_on(log, SCRIPT)
    stream = "refusals_01kdvjv9r3f2m8q4t6w0x2z4b6"
    fields = {"command": "issue_key", "code": "not_permitted", "message": "No.", "principal": "key_1", "at": 1}
    refused = NewEvent(stream, 1, "command.refused.v1", 1, json.dumps(fields).encode(), "project_1")
    # As the edge has it kept: by a command of its own, which was accepted.
    body = json.dumps({"type": "record_refusal", "command": {**fields, "at": None}}).encode()
    said = member("cmd_record", (stream, 1))._replace(events=(refused,), causation_id="cmd_asked", body=body)
    log.append([said], now=log.now())
    log.close()
    with opened(None, tmp_path) as past:
        for command_id in ("cmd_asked", "cmd_record"):
            found = past.refusal(command_id)
            assert (found.name, found.command, list(found.states)) == ("issue_key", None, ["key_1"])
            assert found.note == "it was refused before anything was decided: who asked may not"


def test_a_bundle_is_looked_at_like_the_log_that_it_came_from(folder: Path, replay: Replay, tmp_path: Path) -> None:
    log = SqliteLog(folder / "signalbox.db")
    stored = log.page(after=0, limit=5_000)
    log.close()
    bundle = tmp_path / "bundle"
    file = events_file(bundle, 1, "jsonl")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"".join(map(jsonl.write_line, stored)))
    manifest = Manifest(bundle=1, origin="test", format="jsonl", first=1, last=len(stored), events=len(stored))
    (bundle / "manifest.json").write_text(manifest.model_dump_json())
    head = replay.head()
    with opened(None, tmp_path / "none", bundle) as offline:
        assert events_of(offline, head) == events_of(replay, head)
        assert offline.project("shop") == replay.project("shop")
        assert list(offline.changed_rows((), head // 3, head)) == list(replay.changed_rows((), head // 3, head))
        assert {one.kind for one in offline.redecide(after=0, until=head, progress=quiet)} == {"no_receipt"}
    with pytest.raises(Refused, match="manifest"), opened(None, tmp_path, tmp_path / "nothing"):
        pass


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def signalbox(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command in this process: its exit code and what it printed."""
    monkeypatch.setenv("SIGNALBOX_DATA", str(folder))

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            application(arguments)(list(arguments), prog_name="signalbox")
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


def test_every_verb_speaks_to_programs_and_people(signalbox: Run, tmp_path: Path) -> None:
    def told(*arguments: str) -> Any:
        code, out = signalbox("replay", *arguments, "--json")
        assert code == 0, out
        return json.loads(out)

    assert len(signalbox("replay", "log", "--type", "task.claimed.v1")[1].splitlines()) >= 2
    stream = told("log", "-n", "1", "--type", "task.planned.v1")["stream"]
    assert told("show", stream, "--at", "begin")["state"] == {"is": "Absent"}
    assert "version 1" in signalbox("replay", "show", stream, "--at", f"{stream}@1", "--events")[1]
    assert "~ is" in signalbox("replay", "step", stream, "-n", "1")[1]
    assert told("blame", stream, "plan.title")["set_by"]["version"] == 1
    assert told("why", f"{stream}@1")["asked"]["name"] == "apply_plan"
    assert signalbox("replay", "diff", "begin", "now", "-m", "task_board")[1].startswith("+ task_board task_")
    turn = told("bisect", "-m", "task_board", "--until", "row.status == 'completed'")
    assert turn["event"]["type"] == "task.completed.v1"
    assert told("redecide")["different"] == 0
    assert told("run", "--until", "@9", "--out", str(tmp_path / "run.db"))["rows"]["projects"] == 1
    assert told("fork", "--at", "@9", "--out", str(tmp_path / "fork"))["events"] == 9
    refused = told("log", "-n", "1", "--type", "command.refused.v1")["command_id"]
    assert told("explain-refusal", refused)["rule"].startswith("domain/")
    for code, arguments in (
        (1, ("blame", stream, "nothing")),
        (1, ("bisect", "--stream", stream, "--until", "state.plan.title == 'x'")),
        (1, ("fork", "--at", "@9", "--out", str(tmp_path / "fork"))),
        (2, ("bisect", "--until", "true")),
        (3, ("show", stream, "--data", str(tmp_path / "nowhere"))),
    ):
        assert signalbox("replay", *arguments)[0] == code, arguments
