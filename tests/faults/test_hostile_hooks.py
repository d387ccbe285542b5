"""The hook in bad company: strict never lets an edit through by accident, observing never blocks."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from signalbox.hook.clocks import stamp
from signalbox.hook.guard import LINE_CHARACTERS_MAX
from signalbox.hook.memory import memory_of
from signalbox.hook.reading import STDIN_BYTES_MAX
from tests.support.hooks import ISOLATED, Agent, repository

NOWHERE = {"SIGNALBOX_URL": "http://127.0.0.1:1", "SIGNALBOX_KEY": "sbx_x"}
DECOYS = ("json", "re", "os", "socket", "shlex", "pathlib", "typing", "api", "domain", "sitecustomize")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "app")


def agent(folder: Path, *options: str, client: str = "claude", **environment: str) -> Agent:
    # A busy machine may take longer than a person would wait.
    options = ("--project=shop", "--seconds=60", *options)
    return Agent(client, "s1", folder, folder.parent / "cache", options, environment=NOWHERE | environment)


EVENT: dict[str, Any] = {"session_id": "s", "cwd": "/", "hook_event_name": "PreToolUse", "tool_name": "Write"}
MALFORMED = {
    "nothing": b"",
    "half": b'{"session_id": "s", "hook_event_name": "PreToolUse", "tool_na',
    "a list": b"[]",
    "no UTF-8": b'{"session_id": "\xff"}',
    "too deep": b"[" * 200_000,
    "no session": b'{"hook_event_name": "PreToolUse"}',
    "no event": b'{"session_id": "s"}',
    "no file": json.dumps(EVENT | {"tool_input": {}}).encode(),
    "a file that is none": json.dumps(EVENT | {"tool_input": {"file_path": 7}}).encode(),
    "input that is none": json.dumps(EVENT | {"tool_input": []}).encode(),
    "a NUL": json.dumps(EVENT | {"tool_input": {"file_path": "/a\0b"}}).encode(),
    "a path from nowhere": json.dumps(EVENT | {"cwd": "", "tool_input": {"file_path": "a.py"}}).encode(),
    "half a surrogate": json.dumps(EVENT | {"tool_input": {"file_path": "FOLDER/\ud800"}}).encode(),
    "an empty patch": json.dumps(
        EVENT | {"tool_name": "apply_patch", "tool_input": {"command": "*** Begin Patch\n*** End Patch"}}
    ).encode(),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_read_is_refused_by_the_strict_and_told_by_the_observing(folder: Path, content: bytes) -> None:
    content = content.replace(b"FOLDER", str(folder).encode())
    strict = agent(folder).send(content)
    assert (strict.code, strict.out) == (2, "")
    assert strict.err.startswith("signalbox: ")
    observing = agent(folder, "--observe").send(content)
    assert observing.code == 0
    assert observing.err


def test_a_huge_event_is_read_and_one_beyond_all_measure_is_refused(folder: Path) -> None:
    huge = json.dumps(EVENT | {"tool_input": {"file_path": "/nobody's", "content": "x" * 8_000_000}})
    assert agent(folder).send(huge).code == 0
    assert agent(folder).send(b" " * (STDIN_BYTES_MAX + 1)).code == 2


@pytest.mark.parametrize("client", ["claude", "codex", "gemini"])
def test_without_a_server_edits_are_refused_and_everything_else_goes_on(folder: Path, client: str) -> None:
    mine = agent(folder, client=client)
    refused = mine.edit("src/a.py")
    assert (refused.code, refused.out) == (2, "")
    assert "cannot be reached" in refused.err
    assert "next: " in refused.err
    for event in (
        "SessionStart",
        "Stop",
        "AfterAgent",
        "PostToolUse",
        "AfterTool",
        "SessionEnd",
        "TeammateIdle",
        "TaskCreated",
        "TaskCompleted",
        "PermissionRequest",
        "PreCompact",
        "PreCompress",
        "FileChanged",
        "WorktreeRemove",
        "New",
    ):
        assert mine.fire(event).code == 0
    assert mine.shell("ls -la && git status").code == 0
    assert mine.shell("echo x > src/a.py").code == 2
    assert mine.fire("PreToolUse", tool_name="Read", tool_input={"file_path": str(folder / "src" / "a.py")}).code == 0
    assert agent(folder, "--observe", client=client).edit("src/a.py").code == 0


STRANGE: dict[str, Any] = {
    "TaskCompleted": {"task_id": ["x"], "task_subject": {"a": 1}},
    "TaskCreated": {"task_subject": "x" * 1_000_000, "team_name": "\ud800"},
    "FileChanged": {"file_path": "a\0b"},
    "PreCompact": {"trigger": 7},
    "PermissionRequest": {"tool_name": ["Edit"], "tool_input": "x"},
    "WorktreeRemove": {"worktree_path": 3},
}


@pytest.mark.parametrize("event", STRANGE)
@pytest.mark.parametrize("option", [(), ("--observe",)])
def test_strange_fields_of_other_events_hold_nobody_up(folder: Path, event: str, option: tuple[str, ...]) -> None:
    assert agent(folder, *option).fire(event, **STRANGE[event]).code == 0


def test_a_worktree_without_a_server_is_not_made_by_the_strict_and_made_by_the_observing(folder: Path) -> None:
    refused = agent(folder, "--worktrees=trees").fire("WorktreeCreate", name="../../x y")
    assert (refused.code, refused.out) == (2, "")
    assert "cannot be reached" in refused.err
    made = agent(folder, "--worktrees=trees", "--observe").fire("WorktreeCreate", name="../../x y")
    assert made.code == 0
    place = Path(made.out.strip())
    assert place.parent == folder.with_name("app.worktrees")
    (place / "src" / "a.py").write_text("in work\n")
    again = agent(folder, "--worktrees=trees", "--observe").fire("WorktreeCreate", name="../../x y")
    assert (again.code, again.out) == (0, made.out)
    assert (place / "src" / "a.py").read_text() == "in work\n", "it may be somebody's"
    nowhere = Agent("claude", "s1", folder.parent, folder.parent / "cache", ("--observe",), environment=NOWHERE)
    assert nowhere.fire("WorktreeCreate", name="x").code == 2, "there is nothing that a worktree could be made of"


@contextmanager
def answering(content: bytes | None) -> Iterator[str]:
    """A server that says just this to everybody, or nothing at all, and keeps the connection open."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            if content is not None:
                connection.recv(65_536)
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for one in kept:
        one.close()


NONSENSE = {
    "silence": None,
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half a body": b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"ok":',
    "no JSON": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "no length": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "another server's page": b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nnot found",
    "an answer without a session": b'HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n{"ok":true,"answer":{}}',
    "a fault": b'HTTP/1.1 503 No\r\ncontent-length: 55\r\n\r\n{"ok":false,"error":{"code":"overloaded","status":503}}',
}


@pytest.mark.parametrize("content", NONSENSE.values(), ids=NONSENSE)
def test_a_server_that_is_slow_or_speaks_nonsense_lets_no_edit_through(folder: Path, content: bytes | None) -> None:
    with answering(content) as url:
        refused = agent(folder, "--seconds=1", SIGNALBOX_URL=url).edit("src/a.py")
        assert (refused.code, refused.out) == (2, ""), refused
        assert refused.err
        assert agent(folder, "--seconds=1", "--observe", SIGNALBOX_URL=url).edit("src/a.py").code == 0


def test_a_client_that_never_ends_its_event_is_answered_in_time(folder: Path) -> None:
    for option, code in (("--seconds=1", 2), ("--observe", 0)):
        command = [*ISOLATED, "claude", "--seconds=1", option]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder) as running:
            assert running.wait(90) == code
            assert running.stderr is not None
            assert b"longer than 1 s" in running.stderr.read()


def test_what_is_remembered_counts_only_while_it_is_fresh_and_of_this_life(folder: Path) -> None:
    mine = agent(folder)
    memory = memory_of(str(mine.cache), "claude", "s1", "")
    memory.url, memory.project = NOWHERE["SIGNALBOX_URL"], "shop"
    memory.process = "1"
    memory.begin("sess_x", 1)
    place = os.path.realpath(folder)
    host = os.uname().nodename
    memory.keep("5", ["exclusive path:app//src/a.py", f"shared worktree:{host}//{place.lstrip('/')}"])
    memory.hear(30.0)
    assert memory.save()
    assert mine.edit("src/a.py").code == 0, "no server is asked"
    assert mine.edit("src/b.py").code == 2
    assert agent(folder, "--project=other").edit("src/a.py").code == 2
    assert agent(folder, CLAUDE_PID="7").edit("src/a.py").code == 2
    for boot, wall in ((-31.0, -31.0), (1e6, 0.0), (0.0, 1e6)):
        now = [float(str(one)) for one in stamp()]
        memory.heard = [now[0] + boot, now[1] + wall]
        memory.save()
        assert mine.edit("src/a.py").code == 2
    Path(memory.path).write_text("{")
    assert mine.edit("src/a.py").code == 2


def test_files_of_nobody_are_free_and_links_lead_to_what_they_mean(folder: Path) -> None:
    mine = agent(folder)
    outside = folder.parent / "scratch.txt"
    assert mine.fire("PreToolUse", tool_name="Write", tool_input={"file_path": str(outside)}).code == 0
    outside.symlink_to(folder / "src" / "a.py")
    assert mine.fire("PreToolUse", tool_name="Write", tool_input={"file_path": str(outside)}).code == 2
    around = folder / "src" / ".." / "src" / "a.py"
    assert mine.fire("PreToolUse", tool_name="Write", tool_input={"file_path": str(around)}).code == 2


def test_a_place_that_was_never_connected_is_left_alone_and_one_that_was_is_not(folder: Path) -> None:
    stranger = Agent("claude", "s1", folder, folder.parent / "cache", ("--seconds=60",))
    assert stranger.edit("src/a.py").code == 0
    (folder / ".signalbox").mkdir()
    assert stranger.edit("src/a.py").code == 2, "its server is down"
    gone = Agent("claude", "s1", folder, folder.parent / "cache", ("--project=shop",))
    assert gone.edit("src/a.py").code == 2


@pytest.mark.parametrize("program", [ISOLATED, (str(Path(sys.executable).with_name("signalbox")), "hook")])
def test_decoys_in_the_folder_and_on_pythonpath_are_never_loaded(folder: Path, program: tuple[str, ...]) -> None:
    for name in DECOYS if program is ISOLATED else set(DECOYS) - {"sitecustomize"}:
        (folder / f"{name}.py").write_text("raise SystemExit(0)\n")
    environment = {**NOWHERE, "PYTHONPATH": "."}
    options = ("--project=shop",)
    mine = Agent("claude", "s1", folder, folder.parent / "cache", options, program, environment)
    refused = mine.edit("src/a.py")
    assert refused.code == 2
    assert "cannot be reached" in refused.err
    assert mine.shell("echo x > src/a.py").code == 2


def test_a_wrong_command_line_refuses_in_words(folder: Path) -> None:
    for options in (("--strikt",), ("--project",), ("--seconds=0",), ("--seconds=x",)):
        refused = agent(folder, *options).edit("src/a.py")
        assert refused.code == 2
        assert "signalbox: " in refused.err
    unknown = subprocess.run([*ISOLATED, "cursor"], input=b"{}", capture_output=True, timeout=90)
    assert unknown.returncode == 2


def test_a_search_that_lets_nothing_else_work_ends_in_time(folder: Path) -> None:
    line = "rm {" + "," * 1_000_000
    strict = agent(folder, "--seconds=1").shell(line)
    assert (strict.code, strict.out) == (2, "")
    assert "took longer than 1" in strict.err


def test_a_line_beyond_all_measure_is_refused_by_the_strict_and_told_by_the_observing(folder: Path) -> None:
    line = "git status " + "x" * LINE_CHARACTERS_MAX
    assert agent(folder).shell(line).code == 2
    observing = agent(folder, "--observe").shell(line)
    assert observing.code == 0
    assert "do it in parts" in observing.out + observing.err
