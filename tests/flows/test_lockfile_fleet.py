"""The project's own lock file, built by worker processes: every package once, none before its dependencies."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKERS = 4


def test_a_fleet_builds_our_own_lock_file(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    script = str(ROOT / "examples" / "lockfile-fleet")
    arguments = [str(ROOT / "uv.lock"), "--workers", str(WORKERS), "--seconds", "0.05", "--keep", str(folder)]
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    tasks = json.loads((folder / "plan.json").read_text())["tasks"]
    notes = (folder / "done").read_text().splitlines()
    assert len(tasks) >= 80
    assert sorted(notes) == sorted(f"{word} {task['key']}" for task in tasks for word in ("began", "ended"))
    places = {note: place for place, note in enumerate(notes)}
    needs = [(task["key"], need) for task in tasks for need in task.get("needs", ())]
    assert len(needs) >= 80
    assert all(places[f"ended {need}"] < places[f"began {key}"] for key, need in needs)
    # They did work side by side.
    assert any(first.startswith("began") and second.startswith("began") for first, second in pairwise(notes))
    logs = [(folder / f"worker-{number}.log").read_text() for number in range(1, WORKERS + 1)]
    assert sum(log.count('"event": "completed"') for log in logs) == len(tasks)
    figures = re.search(r"makespan ([\d.]+) s, critical-path bound ([\d.]+) s", done.stdout)
    assert figures is not None, done.stdout
    assert float(figures[1]) >= float(figures[2]) >= len(tasks) * 0.05 / WORKERS
    assert f"{len(tasks)} tasks completed by {WORKERS} workers, {len(tasks)} attempts" in done.stdout
    sys.stdout.write(done.stdout)
