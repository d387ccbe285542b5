"""Exports of other trackers: what each comes to, what is left out, and that it is shown before it is made."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from api.cli.imports.beads import read_beads
from api.cli.imports.drafts import Draft, Drafts, Imported
from api.cli.imports.github import read_github
from api.cli.imports.home_grown import Choices, read_home_grown
from api.cli.imports.taskmaster import read_taskmaster
from api.plan.read import Plan, read_plan_bytes
from signalbox.client import Refused
from tests.faults.server_process import ServerProcess
from tests.support.command_line import CommandLine

EXPORTS = Path(__file__).parents[1] / "golden" / "exports"


def content(name: str) -> bytes:
    return (EXPORTS / name).read_bytes()


def by_key(imported: Imported) -> dict[str, Any]:
    """The tasks, of which a sound plan can be made."""
    plan = read_plan_bytes(json.dumps({"project": "p", "tasks": imported.tasks}).encode(), "import.json")
    assert isinstance(plan, Plan), plan
    return {str(task["key"]): task for task in imported.tasks}


def test_beads_become_tasks_with_needs_and_parts() -> None:
    imported = read_beads(content("beads.jsonl"))
    assert by_key(imported) == {
        "shop-a1b2": {
            "key": "shop-a1b2", "title": "Checkout epic", "body": "Everything about paying.", "kind": "epic",
            "priority": 20, "labels": ["epic"],
        },
        "shop-a1b2.1": {
            "key": "shop-a1b2.1", "title": "Payment form", "kind": "code", "priority": 40,
            "body": "A form.\n\n## Design\n\nTwo fields.\n\n## Accepted when\n\nCards are taken.",
            "labels": ["ui", "feature"], "parent": "shop-a1b2",
        },
        "shop-a1b2.2": {
            "key": "shop-a1b2.2", "title": "Receipts", "kind": "code", "priority": -20, "labels": ["task"],
            "needs": ["shop-a1b2.1"], "parent": "shop-a1b2",
        },
        "shop-e5": {
            "key": "shop-e5", "title": "Crash on empty cart", "kind": "code", "priority": 20, "labels": ["bug"],
        },
    }  # fmt: skip
    assert imported.left_out == {"closed": 1, "deferred": 1}
    assert imported.notes == (
        "shop-a1b2.1 is in progress there: it is imported as not begun",
        "shop-a1b2.2 needs shop-a1b2, of which it is a part: left out",
        "shop-e5 needs shop-gone, which is not in the export: left out",
    )


def test_task_master_gives_subtasks_what_the_whole_waits_for() -> None:
    imported = read_taskmaster(content("taskmaster.json"), None)
    tasks = by_key(imported)
    assert {key: (task.get("needs", []), task.get("parent")) for key, task in tasks.items()} == {
        "2": ([], None), "2.2": ([], "2"), "2.3": (["2.2"], "2"), "3": (["2"], None), "3.1": (["2"], "3"),
    }  # fmt: skip
    assert tasks["2"]["body"] == "Tables.\n\n## Details\n\nUse SQLite.\n\n## How to test\n\nMigrate twice."
    assert (tasks["2"]["priority"], tasks["3"].get("priority", 0)) == (20, 0)
    assert imported.left_out == {"done": 2, "cancelled": 1}
    assert [task["title"] for task in read_taskmaster(content("taskmaster.json"), "spike").tasks] == ["Try it"]
    legacy = json.dumps({"tasks": [{"id": 1, "title": "Old form"}]}).encode()
    assert [task["title"] for task in read_taskmaster(legacy, None).tasks] == ["Old form"]
    with pytest.raises(Refused, match="which tag"):
        read_taskmaster(content("taskmaster.json"), "absent")


def test_github_issues_need_what_they_say_they_are_blocked_by() -> None:
    imported = read_github(content("github.json"))
    assert by_key(imported) == {
        "gh-12": {
            "key": "gh-12", "title": "Search is slow", "kind": "code", "priority": 20,
            "body": "It takes 3 s.\n\nBlocked by #13, #14 and #9\n\n\nhttps://github.com/shop/shop/issues/12",
            "labels": ["bug", "priority: high"], "needs": ["gh-13"],
        },
        "gh-13": {
            "key": "gh-13", "title": "Add an index", "kind": "code",
            "body": "https://github.com/shop/shop/issues/13",
        },
    }  # fmt: skip
    assert imported.left_out == {"closed": 1, "pull requests": 1}
    assert imported.notes == ("gh-12 needs gh-9, which is not in the export: left out",)


def test_a_queue_of_prompts_gets_the_locks_of_the_session_that_each_is_meant_for() -> None:
    choices = Choices("shop", "/srv/shop")
    imported = read_home_grown(content("queue.json"), content("sessions.json"), choices)
    tasks = by_key(imported)
    assert tasks["7"] == {
        "key": "7", "title": "Fix the login page", "body": "Fix the login page\n\nIt shows two fields twice.",
        "kind": "code", "priority": 20, "labels": ["session:s1"],
        "scope": ["branch:shop//fix/login", "path:shop//src/login.py", "path:shop//src/\\[old].py"],
    }  # fmt: skip
    assert (tasks["8"]["priority"], tasks["8"]["retry"]) == (5, {"max_attempts": 2})
    assert sorted(tasks) == ["7", "8", "9"]
    assert imported.left_out == {"completed": 1, "failed (--with-failed takes them along)": 1}
    assert "8 is in_progress by s2: imported as not begun, so end it there first" in imported.notes
    assert "7: /etc/passwd is not below /srv/shop: no lock for it" in imported.notes
    assert "s1 and s2 both work on src/login.py" in imported.notes
    turned = Choices("shop", "/srv/shop", with_failed=True, low_first=True)
    again = by_key(read_home_grown(content("queue.json"), None, turned))
    assert (again["8"]["priority"], again["11"]["retry"]) == (-5, {"max_attempts": 1})


READERS: Mapping[str, Callable[[bytes], Imported]] = {
    "beads": read_beads,
    "taskmaster": lambda text: read_taskmaster(text, None),
    "github": read_github,
    "queue": lambda text: read_home_grown(text, None, Choices("r", "/r")),
}
HOSTILE = (
    b"\xff\xfe", b"{", b"[" * 100_000, b"[1]", b'"text"', b"3", b'[{"id": {}}]', b'[{"number": "x"}]',
    b'{"tasks": 3}', b'{"master": {"tasks": [[]]}}',
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_export_is_refused_or_holds_nothing(name: str, text: bytes) -> None:
    refused, found = None, None
    try:
        found = READERS[name](text)
    except Refused as error:
        refused = error
    assert (refused is not None and refused.code == "bad_export") or (found is not None and found.tasks == ())


def test_keys_and_texts_are_made_fit() -> None:
    drafts = Drafts()
    drafts.add("a b", Draft(title="  Two\nlines\x1b[31m ", body="x" * 70_000, labels=("", "two  words")))
    drafts.add("a-b", Draft(title=""))
    drafts.add("…", Draft(title="t" * 400, priority=1_000))
    first, second, third = drafts.imported().tasks
    assert (first["key"], first["title"], first["labels"]) == ("a-b", "Two lines", ["two words"])
    assert len(str(first["body"])) == 65_536
    assert (second["key"], second["title"], third["key"]) == ("a-b-2", "a-b", "task")
    assert (len(str(third["title"])), third["priority"]) == (300, 100)
    with pytest.raises(Refused, match="twice"):
        drafts.add("a b", Draft(title="again"))


def test_an_import_is_shown_first_and_made_when_that_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = ServerProcess(data, "sqlite", graphql=True)
    process.start()
    line = CommandLine(tmp_path, {"SIGNALBOX_DATA": str(data)})
    export = str(EXPORTS / "beads.jsonl")
    shown = line("import", "beads", export, "-p", "shop", "-o", "plan.json")
    assert "nothing was made; --yes makes it" in shown.out
    assert "left out: 1 closed" in shown.out
    assert "+ " not in shown.out, "the table has told which"
    assert line("project", "list", "--json").json == {"projects": []}
    line("import", "beads", export, code=1)
    assert line("import", "beads", export, "-p", "other", "--yes").out.endswith("other: 4 tasks created, 0 unchanged\n")
    made = line("import", "beads", export, "-p", "shop", "--yes", "--json").json
    assert (made["applied"], len(made["tasks"])) == (True, 4)
    assert "0 to create, 4 unchanged" in line("plan", "diff", "plan.json").out
    rows = line("task", "list", "-p", "shop", "--json").json["tasks"]
    assert {row["key"] for row in rows} == {"shop-a1b2", "shop-a1b2.1", "shop-a1b2.2", "shop-e5"}
    process.stop()
    assert "not compared with a server" in line("import", "beads", export, "-p", "shop").out
