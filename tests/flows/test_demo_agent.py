"""The demo's agent on a real repository: what it pushes, what it finds, and how it begins after a crash."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli.demo import agent
from api.cli.demo.findings import Findings, examine
from api.cli.demo.repository import git, history_of, make_clone, make_repository
from api.cli.demo.work import Piece, planned
from tests.support.waiting import SECONDS_MAX, until

ONE = "src/one.txt"
TWO = "src/two.txt"


def piece(key: str, *edits: str, reads: tuple[str, ...] = ()) -> Piece:
    return Piece(key, "file", edits, reads, f"surveys/{key}.txt" if reads else "", (), ())


@dataclass
class Place:
    """A shared repository with two files, and clones of it."""

    folder: Path
    bare: Path

    def clone(self, name: str) -> Path:
        make_clone(self.bare, self.folder / name)
        return self.folder / name

    def begin(self, clone: Path, work: Piece, *, think_seconds: float = 0.0) -> "subprocess.Popen[str]":
        """One attempt, as a worker starts it."""
        errand = json.loads(planned(work, guarded=True).body) | {"think_seconds": think_seconds}
        arguments = [sys.executable, "-I", "-S", agent.__file__, str(clone), str(self.record(clone))]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps({"key": work.key, "attempt": 1, "body": json.dumps(errand)}))
        process.stdin.close()
        process.stdin = None
        return process

    def do(self, clone: Path, work: Piece) -> None:
        process = self.begin(clone, work)
        _, said = process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0, said

    def record(self, clone: Path) -> Path:
        return self.folder / f"{clone.name}.jsonl"

    def steps(self, clone: Path) -> list[Mapping[str, Any]]:
        *whole, _ = self.record(clone).read_text().split("\n")
        return [json.loads(line) for line in whole]

    def phases(self, clone: Path) -> list[str]:
        return [step["phase"] for step in self.steps(clone)]

    def until(self, clone: Path, phase: str) -> None:
        until(lambda: self.record(clone).exists() and phase in self.phases(clone))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, make_repository(tmp_path, (ONE, TWO)))


def test_an_attempt_raises_the_counter_and_adds_its_line(place: Place) -> None:
    clone = place.clone("a")
    work = [piece("first", ONE), piece("second", ONE, TWO), piece("third", reads=(ONE, TWO))]
    for one in work:
        place.do(clone, one)
    history = history_of(place.bare)
    assert history.files == {
        ONE: "count: 2\n1 first\n2 second\n",
        TWO: "count: 1\n1 second\n",
        "surveys/third.txt": "3 third\n",
    }
    assert [commit.task for commit in history.commits] == ["first", "second", "third"]
    findings = examine(work, history)
    assert findings == Findings((), (), (), (), (), lines=4, updates_lost=0)


def test_work_that_was_pushed_before_is_found_and_not_done_again(place: Place) -> None:
    first, again = place.clone("a"), place.clone("b")
    place.do(first, piece("task", ONE))
    place.do(again, piece("task", ONE))
    assert place.phases(again) == ["begun", "found"]
    assert history_of(place.bare).files[ONE] == "count: 1\n1 task\n"


def test_what_a_crash_left_in_the_clone_is_cleared_away(place: Place) -> None:
    clone, other = place.clone("a"), place.clone("b")
    crashed = place.begin(clone, piece("task", ONE), think_seconds=30)
    place.until(clone, "begun")
    crashed.kill()
    crashed.communicate()
    # Committed and not pushed, edited and not committed, in the middle of a rebase, an index that stays locked.
    place.do(other, piece("other", ONE))
    (clone / ONE).write_text("count: 1\n1 task\n")
    git(clone, "commit", "--quiet", "--all", "--message", "Work of task\n\nTask: task")
    git(clone, "fetch", "--quiet", "origin")
    stuck = subprocess.run(["git", "rebase", "origin/main"], cwd=clone, capture_output=True)
    assert stuck.returncode != 0
    (clone / TWO).write_text("half a line")
    (clone / "new.txt").write_text("never added")
    (clone / ".git" / "index.lock").write_text("")
    place.do(clone, piece("task", ONE))
    assert history_of(place.bare).files == {ONE: "count: 2\n1 other\n2 task\n", TWO: "count: 0\n"}
    assert "conflict" not in place.phases(clone)


def test_two_at_once_on_different_files_conflict_in_nothing(place: Place) -> None:
    first, second = place.clone("a"), place.clone("b")
    begun = [place.begin(first, piece("x", ONE)), place.begin(second, piece("y", TWO))]
    for process in begun:
        process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0
    assert history_of(place.bare).files == {ONE: "count: 1\n1 x\n", TWO: "count: 1\n1 y\n"}
    assert "conflict" not in place.phases(first) + place.phases(second)


def test_two_at_once_on_one_file_are_noted_as_a_conflict_and_one_is_lost(place: Place) -> None:
    slow, quick = place.clone("a"), place.clone("b")
    work = [piece("slow", ONE), piece("quick", ONE), piece("survey", reads=(ONE,))]
    reader = place.clone("c")
    late = [place.begin(slow, work[0], think_seconds=3.0), place.begin(reader, work[2], think_seconds=3.0)]
    for process, clone in zip(late, (slow, reader), strict=True):
        place.until(clone, "edited")
        process.send_signal(signal.SIGSTOP)  # it thinks until the quick one is done, however long that takes
    place.do(quick, work[1])
    for process in late:
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=SECONDS_MAX)
        assert process.returncode == 0
    assert [step["files"] for step in place.steps(slow) if step["phase"] == "conflict"] == [[ONE]]
    assert place.phases(reader).count("moved") == 1
    findings = examine(work, history_of(place.bare))
    assert findings.lost_lines == (f"{ONE} lacks the line of quick",)
    assert findings.wrong_counters == (f"{ONE} counts 1 where 2 tasks each added one",)
    assert findings.updates_lost == 1
    assert findings.overwritten == (f"the commit of slow removed 1 lines of {ONE} and added 1",)
