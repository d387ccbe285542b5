"""What a worker of the demo runs for each task: an agent of a few lines that edits, commits, rebases and pushes.

A program of its own on the standard library; it imports nothing of ours: `python -I -S agent.py CLONE RECORD`, the
task as JSON on standard input. It is the same program with and without locks and knows nothing of them. Where a
rebase meets a conflict it does what a careless agent does: it notes the conflict and puts its own version on top.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

PUSHES_MAX: Final = 200
GIT_SECONDS_MAX: Final = 60
UPSTREAM: Final = "origin/main"


class Errand(NamedTuple):
    """What the body of a task says."""

    edits: list[str]
    """Files whose counter is raised and that get one more line."""
    reads: list[str]
    """Files whose counters must stay what they are while this task works."""
    report: str
    """File for the sum of what was read; empty where nothing is."""
    think_seconds: float
    """How long the agent thinks between reading and writing, and before each further step."""


class Agent:
    """One attempt at one task in one clone."""

    def __init__(self, clone: Path, record: Path, key: str, attempt: int, errand: Errand) -> None:
        self._clone = clone
        self._record = record
        self._key = key
        self._attempt = attempt
        self._errand = errand
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._environment = {**inherited, "LC_ALL": "C", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def work(self) -> int:
        """The exit code: 0 once the work is in the shared repository."""
        self._tell("begun", group=os.getpgrp())
        self._start_clean()
        if self._git("log", "-1", "--format=%H", f"--grep=^Task: {self._key}$", UPSTREAM).stdout.strip():
            # A former attempt got as far as the push and was not heard of again.
            self._tell("found")
            return 0
        seen = self._counters("HEAD")
        self._edit(sum(seen))
        self._pause("edited")
        self._must("add", "--all")
        self._must("commit", "--quiet", "--message", f"Work of {self._key}\n\nTask: {self._key}")
        self._pause("committed")
        if not self._shared(seen):
            self._tell("dropped")
            return 1
        self._pause("pushed")
        # So that whoever reads the record does not take the pause until the next task for this one.
        self._tell("done")
        return 0

    def _start_clean(self) -> None:
        """The clone is ours alone, but a killed predecessor may have left it half way through anything."""
        for left in (".git/index.lock", ".git/HEAD.lock", ".git/refs/heads/main.lock"):
            (self._clone / left).unlink(missing_ok=True)
        for left in (".git/rebase-merge", ".git/rebase-apply"):
            shutil.rmtree(self._clone / left, ignore_errors=True)
        self._must("fetch", "--quiet", "origin")
        self._must("checkout", "--quiet", "--force", "-B", "main", UPSTREAM)
        self._must("clean", "--quiet", "--force", "-d")

    def _edit(self, total: int) -> None:
        """Read, think, write: whoever else writes in between is overwritten, or overwrites us."""
        before = {name: (self._clone / name).read_text() for name in self._errand.edits}
        time.sleep(self._errand.think_seconds)
        for name, text in before.items():
            first, _, lines = text.partition("\n")
            count = int(first.removeprefix("count: ")) + 1
            (self._clone / name).write_text(f"count: {count}\n{lines}{count} {self._key}\n")
        if self._errand.report:
            report = self._clone / self._errand.report
            report.parent.mkdir(exist_ok=True)
            report.write_text(f"{total} {self._key}\n")

    def _shared(self, seen: list[int]) -> bool:
        """Fetch, rebase and push until the push is the first one; pushes race even where no file is shared."""
        moved = False
        for number in range(PUSHES_MAX):
            self._must("fetch", "--quiet", "origin")
            if not moved and self._counters(UPSTREAM) != seen:
                moved = True
                self._tell("moved")
            if not self._rebased():
                return False
            if self._git("push", "--quiet", "origin", "HEAD:main").returncode == 0:
                self._tell("landed", pushes=number + 1)
                return True
        return False

    def _rebased(self) -> bool:
        if self._git("rebase", "--quiet", UPSTREAM).returncode == 0:
            return True
        files = self._must("diff", "--name-only", "--diff-filter=U").split()
        self._git("rebase", "--abort")
        self._tell("conflict", files=files)
        # In a rebase "theirs" are the commits that are put on top: our own.
        return self._git("rebase", "--quiet", "--strategy-option=theirs", UPSTREAM).returncode == 0

    def _counters(self, revision: str) -> list[int]:
        """What the files that this task reads count in a revision."""
        if not self._errand.reads:
            return []
        text = self._must("grep", "-h", "^count: ", revision, "--", *self._errand.reads)
        return [int(number) for number in re.findall(r"^count: (\d+)$", text, flags=re.MULTILINE)]

    def _pause(self, phase: str) -> None:
        """A step is done; think about the next one."""
        self._tell(phase)
        time.sleep(self._errand.think_seconds)

    def _tell(self, phase: str, **more: object) -> None:
        """One line in the worker's record, whole or not at all."""
        line = json.dumps({"phase": phase, "task": self._key, "attempt": self._attempt, "at": time.time(), **more})
        with self._record.open("ab", buffering=0) as record:
            record.write(line.encode() + b"\n")

    def _must(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode != 0:
            self._tell("broken", git=arguments[0], said=done.stderr[-500:])
            sys.exit(f"git {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self._clone,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS_MAX,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def main() -> int:
    clone, record = map(Path, sys.argv[1:3])
    task = json.load(sys.stdin)
    return Agent(clone, record, str(task["key"]), int(task["attempt"]), Errand(**json.loads(task["body"]))).work()


if __name__ == "__main__":
    sys.exit(main())
