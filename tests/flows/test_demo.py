"""`signalbox demo`, small: with locks every promise holds though a worker is killed, without them the harm is seen."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.cli.demo.findings import examine
from api.cli.demo.repository import history_of
from api.cli.demo.work import pieces_of
from api.composition.opening import opened
from tests.support.waiting import SECONDS_MAX, until


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "signalbox", "demo", *arguments]


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    chosen = ["--json", "--keep", str(folder), *arguments]
    return subprocess.run(command(*chosen), capture_output=True, text=True, timeout=250)


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(lines[0])
    return report


def test_with_locks_every_promise_holds_though_a_worker_is_killed(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo", "--tasks", "30", "--workers", "3", "--kills", "1", "--seed", "3")
    report = report_of(done)
    assert done.returncode == 0, report
    assert report["ok"] is True
    assert [check["promise"] for check in report["checks"] if not check["held"]] == []
    assert len(report["checks"]) == 7
    (crash,) = report["kills"]
    assert crash["replaced"] is True
    assert crash["step"].startswith("task-")
    # Whatever it did last, it took a task with it, which another worker did.
    assert len(crash["lost"]) == 1
    figures = report["figures"]
    assert (figures["completed"], figures["completed_twice"], figures["sessions_lost"]) == (30, 0, 1)
    assert figures["retries"] >= 1
    assert figures["makespan_seconds"] >= figures["bound_seconds"] >= figures["critical_path_seconds"] > 0
    # Looked at once more, here: the repository that was kept bears it out.
    pieces = pieces_of(30, 3)
    history = history_of(tmp_path / "demo" / "shared.git")
    assert [name for name in history.files if name.startswith("src/")]
    assert sum(text.count("\n") - text.count("count: ") for text in history.files.values()) == sum(
        len(piece.edits) + bool(piece.report) for piece in pieces
    )
    assert examine(pieces, history).lost_lines == ()
    # And whatever the fleet asked for is decided by today's rules as it was then.
    with opened(None, tmp_path / "demo" / "server") as replay:
        verdicts = list(replay.redecide(after=0, until=replay.head(), progress=lambda _: None))
    assert len(verdicts) > 2 * 30
    assert [one for one in verdicts if one.kind == "different"] == []


def test_without_locks_the_same_work_collides(tmp_path: Path) -> None:
    arguments = ("--tasks", "40", "--workers", "4", "--kills", "0", "--without-locks")
    done = demo(tmp_path / "demo", *arguments)
    report = report_of(done)
    assert done.returncode == 0, report
    assert report["mode"] == "without_locks"
    assert report["rebase_conflicts"] + report["lost_lines"] + report["lost_updates"] > 0
    assert report["figures"]["completed"] == 40
    broken = {check["promise"] for check in report["checks"] if not check["held"]}
    assert broken & {"no rebase conflict", "no lost update"}


def test_nothing_stays_behind_when_it_is_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(command("--keep", str(folder)), stdout=subprocess.PIPE, text=True) as process:
        until(lambda: process.poll() is not None or list(folder.glob("worker-*.jsonl")))
        assert process.poll() is None
        url = json.loads((folder / "server" / "server.json").read_text())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 130
    assert not (folder / "server" / "server.json").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(url["pid"], 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tasks", "0"), "1 to 2000 tasks"),
        (("--tasks", "2001"), "1 to 2000 tasks"),
        (("--workers", "0"), "1 to 64 workers"),
        (("--workers", "2", "--kills", "2"), "left alive"),
        (("--kills", "-1"), "left alive"),
        (("--keep", "."), "not an empty folder"),
        (("--keep", "mine"), "not an empty folder"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=SECONDS_MAX, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "next: " in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
