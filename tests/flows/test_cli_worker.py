"""Workers as processes against a real server: work gets done, sessions end, and nobody outlives a killed worker."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, end
from tests.support.processes import alive, pid_in
from tests.support.waiting import SECONDS_MAX, until


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("served"))
    server = line.serve()
    try:
        yield line
    finally:
        assert end(server) == 0


def pid_of(file: Path) -> int:
    """The id that the work writes into a file, once it is there."""
    until(lambda: pid_in(file))
    pid = pid_in(file)
    assert pid is not None
    return pid


def apply(cli: CommandLine, project: str, *tasks: str) -> None:
    text = f"project: {project}\ntasks:\n" + "".join(f"  - {task}\n" for task in tasks)
    cli("plan", "apply", "-", stdin=text)


def status_of(cli: CommandLine, project: str, key: str) -> str:
    found: str = cli("task", "show", key, "-p", project, "--json").json["status"]
    return found


def test_workers_do_a_plan_in_order_and_end_by_themselves(cli: CommandLine) -> None:
    apply(
        cli, "chain", "{key: a, title: A}", "{key: b, title: B, needs: [a]}", "{key: c, title: C, needs: [a]}",
        "{key: d, title: D, needs: [b, c]}",
    )  # fmt: skip
    record = cli.folder / "done"
    arguments = ("worker", "-p", "chain", "--exec", f"echo $SIGNALBOX_TASK_KEY >> {record}", "--until-idle", "--json")
    workers = [cli.start(*arguments, log=cli.folder / f"worker{number}.log") for number in range(3)]
    assert [worker.wait(SECONDS_MAX) for worker in workers] == [0, 0, 0]
    done = record.read_text().split()
    assert (done[0], sorted(done[1:3]), done[3]) == ("a", ["b", "c"], "d")
    logs = [(cli.folder / f"worker{number}.log").read_text().splitlines() for number in range(3)]
    assert sum(json.loads(lines[-1])["completed"] for lines in logs) == 4
    sessions = cli("session", "list", "-p", "chain", "--all", "--json").json["sessions"]
    assert {session["status"] for session in sessions} == {"ended"}


def test_until_idle_does_not_wait_for_what_can_no_longer_move(cli: CommandLine) -> None:
    apply(cli, "stuck", "{key: bad, title: Bad, run: exit 1, retry: {max_attempts: 1}}",
          "{key: after, title: After, needs: [bad]}")  # fmt: skip
    cli("worker", "-p", "stuck", "--exec", "true", "--until-idle", code=5)
    assert status_of(cli, "stuck", "bad") == "failed"
    assert status_of(cli, "stuck", "after") == "pending"


def test_until_idle_does_not_wait_for_a_ready_task_that_nobody_present_could_do(cli: CommandLine) -> None:
    apply(cli, "beyond", "{key: plain, title: Plain}", "{key: gpu, title: Gpu, requires: {gpu: true}}",
          "{key: after, title: After, needs: [gpu]}")  # fmt: skip
    cli("worker", "-p", "beyond", "--exec", "true", "--until-idle", code=5)
    assert [status_of(cli, "beyond", key) for key in ("plain", "gpu", "after")] == ["completed", "ready", "pending"]


def test_work_is_pushed_to_a_worker_that_does_not_ask(cli: CommandLine) -> None:
    log = cli.folder / "pushed.log"
    cli("project", "create", "pushed")
    worker = cli.start("worker", "-p", "pushed", "--exec", "true", "--push", "--json", log=log)
    until(lambda: '"event": "session_opened"' in log.read_text())
    apply(cli, "pushed", "{key: first, title: First}", "{key: second, title: Second, needs: [first]}")
    until(lambda: status_of(cli, "pushed", "second") == "completed")
    assert end(worker) == 0
    told = cli("project", "set", "pushed", "--strategy", "auction", "--window", "250", "--json").json
    assert told["set"] == ["strategy", "window_milliseconds"]
    apply(cli, "pushed", "{key: third, title: Third}")
    session = cli("session", "list", "-p", "pushed", "--all", "--json").json["sessions"][0]["id"]
    assert "given unasked" in cli("session", "show", session).out
    refused = cli("task", "assign", "third", session, "-p", "pushed", code=1)
    assert "not connected" in refused.err
    refused = cli("task", "bid", "third", session, "-p", "pushed", "--cost", "5", "--confidence", "80", code=1)
    assert refused.err


def test_until_idle_waits_for_the_work_of_others(cli: CommandLine) -> None:
    apply(cli, "shared", "{key: slow, title: Slow, run: sleep 4}", "{key: last, title: Last, needs: [slow]}")
    first = cli.start("worker", "-p", "shared", "--until-idle", log=cli.folder / "first.log")
    until(lambda: status_of(cli, "shared", "slow") == "running")
    second = cli("worker", "-p", "shared", "--exec", "true", "--until-idle", "--json")
    assert first.wait(SECONDS_MAX) == 0
    assert second.code == 0
    assert status_of(cli, "shared", "slow") == "completed"
    # Whoever of the two got the last task: the first one has nothing to run for it and gives it back.
    assert status_of(cli, "shared", "last") == "completed"


def test_sigterm_gives_the_work_back_and_ends_the_session(cli: CommandLine) -> None:
    apply(cli, "stopped", "{key: long, title: Long, run: 'echo ::checkpoint half; sleep 60'}")
    log = cli.folder / "stopped.log"
    worker = cli.start("worker", "-p", "stopped", "--grace", "0", log=log)
    until(lambda: status_of(cli, "stopped", "long") == "running")
    assert end(worker) == 0
    shown = cli("task", "show", "long", "-p", "stopped", "--json").json
    assert shown["status"] == "ready"
    assert cli("session", "list", "-p", "stopped", "--json").json["sessions"] == []
    assert "1 released" in log.read_text()


def test_a_worker_says_what_it_waits_for_and_who_never_began_has_no_last_words(cli: CommandLine) -> None:
    apply(cli, "plain", "{key: own, title: Own, run: 'true'}")
    assert "only tasks that say `run`" in cli("worker", "-p", "plain", "--until-idle").out
    assert "without --exec" not in cli("worker", "-p", "plain", "--until-idle", "--exec", "true").out
    ran = cli("worker", "-p", "no-such", "--exec", "true", code=1)
    assert "no-such" in ran.err
    assert "worker ended" not in ran.out


def test_a_cancelled_task_is_stopped_in_its_worker(cli: CommandLine, tmp_path: Path) -> None:
    apply(cli, "called-off", f"{{key: long, title: Long, run: 'echo $$ > {tmp_path}/pid; exec sleep 60'}}")
    log = tmp_path / "worker.log"
    worker = cli.start("worker", "-p", "called-off", "--ttl", "10", "--json", log=log)
    pid = pid_of(tmp_path / "pid")
    cli("task", "cancel", "long", "-p", "called-off")
    until(lambda: '"event": "released"' in log.read_text())
    assert not alive(pid)
    assert end(worker) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_work_does_not_outlive_a_worker_that_is_killed(cli: CommandLine, tmp_path: Path, number: int) -> None:
    project = f"killed-{int(number)}"
    script = f"(trap '' TERM; sh -c 'echo $$ > {tmp_path}/child; exec sleep 60') & echo $$ > {tmp_path}/pid; wait"
    apply(cli, project, f"{{key: long, title: Long, run: {json.dumps(script)}}}")
    worker = cli.start("worker", "-p", project, log=tmp_path / "worker.log")
    pids = [pid_of(tmp_path / name) for name in ("pid", "child")]
    worker.send_signal(number)
    worker.wait(SECONDS_MAX)
    until(lambda: not any(map(alive, pids)))


def test_progress_can_be_reported_from_inside(cli: CommandLine) -> None:
    command = f"{sys.executable} -m signalbox task progress --percent 30 --note inside"
    data = cli.folder / ".signalbox"
    apply(cli, "inside", f"{{key: one, title: One, run: {json.dumps(command)}}}")
    cli("worker", "-p", "inside", "--until-idle", SIGNALBOX_DATA=str(data))
    shown = cli("task", "show", "one", "-p", "inside", "--json").json
    assert (shown["status"], shown["percent"], shown["note"]) == ("completed", 30.0, "inside")


def test_a_worker_starts_without_the_server_and_its_libraries() -> None:
    heavy = ("pydantic", "typer", "fastapi", "strawberry", "rich", "domain", "infrastructure", "projections", "yaml")
    program = (
        "import sys, api.cli.main, api.cli.worker_command, api.cli.worker.running\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
