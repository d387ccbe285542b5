"""A worker against a scripted server: what it claims, runs, says and stops, whatever the server and the work do."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from api.cli.exits import Exit, exit_of
from api.cli.worker.attempt import Surroundings
from api.cli.worker.group import LifeLine
from api.cli.worker.journal import Journal
from api.cli.worker.life import BeatsEndedError
from api.cli.worker.settings import WorkerSettings
from api.cli.worker.worker import Worker
from signalbox.client import AsyncClient, Endpoint, Refused, ServerUnavailable
from signalbox.client.asks import heartbeat
from tests.support.processes import alive, pid_in
from tests.support.scripted_server import ScriptedServer
from tests.support.waiting import SECONDS_MAX, happens


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


class Running:
    """A worker at work, and how it is told to stop."""

    def __init__(self, worker: Worker, task: "asyncio.Task[None]", journal: io.StringIO) -> None:
        self.worker = worker
        self.task = task
        self._journal = journal

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._journal.getvalue().splitlines()]

    async def stopped(self) -> None:
        self.worker.stop()
        await asyncio.wait_for(self.task, SECONDS_MAX)


@asynccontextmanager
async def running(
    server: ScriptedServer, idle: Callable[[], Awaitable[bool]] | None = None, **settings: Any
) -> AsyncIterator[Running]:
    async def never() -> bool:
        return False

    told = io.StringIO()
    chosen = {"project": "shop", "command": None, "term_seconds": 0.5, "ttl_seconds": server.ttl_seconds} | settings
    life_line = LifeLine.open()
    client = AsyncClient(Endpoint(server.url, "key"))
    surroundings = Surroundings(WorkerSettings(**chosen), Journal(as_json=True, stream=told), life_line, server.url)
    worker = Worker(client, surroundings, idle or never)
    task = asyncio.ensure_future(worker.run())
    try:
        yield Running(worker, task, told)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
        await client.close()
        life_line.close()


async def pid_of(file: Path) -> int:
    """The id that the work writes into a file, once it is there."""
    await happens(lambda: pid_in(file))
    pid = pid_in(file)
    assert pid is not None
    return pid


async def test_a_task_runs_its_own_command_and_is_completed_with_the_end_of_its_output(server: ScriptedServer) -> None:
    server.tasks = [{"run": "echo own; echo more >&2"}, {}]
    async with running(server, command="echo mine"):
        await happens(lambda: len(server.reports) == 2)
    first, second = server.of("complete_task")
    assert set(first.fields["summary"].splitlines()) == {"own", "more"}
    assert second.fields == {"project": "shop", "task": "task_2", "token": "1002", "summary": "mine"}


async def test_the_command_finds_its_task_on_standard_input_and_in_its_environment(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.tasks = [
        {"body": "Do it.", "attempt": 2, "checkpoint": "half", "scope": [{"claim": "path:r//a", "mode": "shared"}]}
    ]
    async with running(server, command=f"cat > {tmp_path}/in; env > {tmp_path}/env"):
        await happens(lambda: server.reports)
    given = json.loads((tmp_path / "in").read_text())
    assert (given["project"], given["key"], given["checkpoint"]) == ("shop", "t1", "half")
    lines = (line.partition("=") for line in (tmp_path / "env").read_text().splitlines())
    environment = {name: value for name, _, value in lines}
    assert {name: environment[f"SIGNALBOX_{name}"] for name in ("TASK_ID", "TASK_KEY", "TITLE", "BODY", "KIND")} == {
        "TASK_ID": "task_1", "TASK_KEY": "t1", "TITLE": "Task 1", "BODY": "Do it.", "KIND": "code",
    }  # fmt: skip
    assert environment["SIGNALBOX_TOKEN"] == "1001"
    assert environment["SIGNALBOX_ATTEMPT"] == "2"
    assert environment["SIGNALBOX_CHECKPOINT"] == "half"
    assert environment["SIGNALBOX_PROJECT"] == "shop"
    assert (environment["SIGNALBOX_SESSION"], environment["SIGNALBOX_INCARNATION"]) == ("sess_a", "1")
    assert environment["SIGNALBOX_URL"] == server.url
    assert json.loads(environment["SIGNALBOX_SCOPE"]) == [{"claim": "path:r//a", "mode": "shared"}]


async def test_what_does_not_fit_into_the_environment_is_on_standard_input_only(
    server: ScriptedServer, tmp_path: Path
) -> None:
    body = "ü" * 65_536
    server.tasks = [{"body": body}]
    async with running(server, command=f'cat > {tmp_path}/in; echo "<$SIGNALBOX_BODY>"'):
        await happens(lambda: server.reports)
    assert server.of("complete_task")[0].fields["summary"] == "<>"
    assert json.loads((tmp_path / "in").read_text())["body"] == body


def once(file: Path) -> str:
    """What makes a command wait until a file is there."""
    return f"while [ ! -e {file} ]; do sleep 0.02; done"


async def test_lines_with_two_colons_become_reports_and_the_rest_is_output(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.tasks = [{}]
    command = (
        f"echo ::progress 40 parsed; {once(tmp_path / 'parsed')}; echo ::checkpoint at line 7;"
        f" {once(tmp_path / 'kept')}; echo ::summary All done; echo x"
    )
    async with running(server, command=command) as worker:
        await happens(lambda: server.of("report_progress"))
        (tmp_path / "parsed").touch()
        await happens(lambda: any(one.fields.get("checkpoint") for one in server.of("report_progress")))
        (tmp_path / "kept").touch()
        await happens(lambda: server.reports)
    said = [one.fields for one in server.of("report_progress")]
    assert (said[0]["percent"], said[0]["note"]) == (40.0, "parsed")
    assert said[-1]["checkpoint"] == "at line 7"
    assert server.of("complete_task")[0].fields["summary"] == "All done"
    assert [one["line"] for one in worker.told if one["event"] == "output"] == ["x"]


@pytest.mark.parametrize(
    ("command", "kind", "reason"),
    [
        ("echo oh; exit 3", "agent", "oh\nexit code 3"),
        ("exit 75", "rate_limited", "exit code 75"),
        ("kill -SEGV $$", "agent", "killed by signal 11"),
    ],
)
async def test_an_exit_code_says_how_the_attempt_failed(
    server: ScriptedServer, command: str, kind: str, reason: str
) -> None:
    server.tasks = [{}]
    async with running(server, command=f"echo ::checkpoint here; {command}"):
        await happens(lambda: server.reports)
    fields = server.of("fail_task")[0].fields
    assert (fields["kind"], fields["reason"], fields["checkpoint"]) == (kind, reason, "here")


async def test_work_that_runs_too_long_is_killed_before_its_failure_is_told(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.tasks = [{"timeout_seconds": 3}]
    async with running(server, command=f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"):
        await happens(lambda: server.reports)
        assert not alive(int((tmp_path / "pid").read_text()))
    assert server.of("fail_task")[0].fields["kind"] == "timeout"


async def test_work_that_may_be_prolonged_is_not_killed_before_it_could_have_been(server: ScriptedServer) -> None:
    server.tasks = [{"timeout_seconds": 0.1, "extend_seconds_max": 600.0}]
    async with running(server, command="sleep 1"):
        await happens(lambda: server.reports)
    assert server.reports == ["complete_task"]


async def test_nothing_runs_before_a_heartbeat_has_confirmed_the_token(server: ScriptedServer, tmp_path: Path) -> None:
    server.tasks = [{}, {}]
    server.revoked = {"1001"}
    async with running(server, command=f"echo $SIGNALBOX_TASK_ID >> {tmp_path}/ran"):
        await happens(lambda: server.reports)
    assert (tmp_path / "ran").read_text() == "task_2\n"
    assert [one.fields["token"] for one in server.of("complete_task")] == ["1002"]
    assert any({"project": "shop", "token": "1002"} in beat["tokens"] for beat in server.beats)


async def test_revoked_work_is_ended_with_all_its_children_and_not_reported(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.beat_seconds = 0.2
    server.tasks = [{}]
    script = f"(trap '' TERM; sh -c 'echo $$ > {tmp_path}/child; exec sleep 60') & echo $$ > {tmp_path}/pid; wait"
    async with running(server, command=script) as worker:
        pids = [await pid_of(tmp_path / name) for name in ("pid", "child")]
        server.revoked.add("1001")
        await happens(lambda: worker.worker.totals.lost)
        await happens(lambda: not any(map(alive, pids)))
        server.tasks = [{"run": "true"}]
        await happens(lambda: server.reports)
    assert [one.fields["task"] for one in server.of("complete_task")] == ["task_2"]
    assert server.reports == ["complete_task"]


@pytest.mark.parametrize(("status", "resumed"), [("lost", "sess_a"), ("ended", "sess_a"), ("fenced", None)])
async def test_a_session_that_is_over_ends_its_work_and_the_worker_goes_on_in_the_next(
    server: ScriptedServer, tmp_path: Path, status: str, resumed: str | None
) -> None:
    server.beat_seconds = 0.2
    server.tasks = [{"run": f"echo $$ > {tmp_path}/pid; exec sleep 60"}]
    async with running(server):
        pid = await pid_of(tmp_path / "pid")
        server.status[1] = status
        await happens(lambda: server.incarnation == 2)
        assert not alive(pid)
        server.tasks = [{"run": "true"}]
        await happens(lambda: server.reports)
    assert server.reports == ["complete_task"]
    assert server.of("open_session")[1].fields["resume"] == resumed
    assert server.of("claim_task")[-1].fields["incarnation"] == 2


async def test_a_claim_that_says_the_session_was_lost_opens_the_next_life(server: ScriptedServer) -> None:
    def refuse(name: str, fields: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        if name == "claim_task" and fields["incarnation"] == 1:
            return 409, {"code": "session_was_lost", "message": "Lost.", "next": "Resume.", "data": {}}
        return None

    server.refuse = refuse
    server.tasks = [{"run": "true"}]
    async with running(server):
        await happens(lambda: server.reports)
    assert server.of("complete_task")[0].fields["token"] == "1001"


async def test_a_short_absence_of_the_server_costs_no_work(server: ScriptedServer, tmp_path: Path) -> None:
    server.tasks = [{"run": f"touch {tmp_path}/began; {once(tmp_path / 'end')}; echo whole"}]
    async with running(server):
        await happens((tmp_path / "began").exists)
        server.away = True
        (tmp_path / "end").touch()
        await asyncio.sleep(0.7)
        server.away = False
        await happens(lambda: server.reports)
    assert server.reports == ["complete_task"]
    assert server.of("complete_task")[0].fields["summary"] == "whole"


async def test_work_is_stopped_while_the_server_is_away_and_is_given_back_later(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.ttl_seconds = 4
    server.tasks = [{"run": f"echo ::checkpoint c; echo $$ > {tmp_path}/pid; exec sleep 60"}]
    async with running(server):
        pid = await pid_of(tmp_path / "pid")
        server.away = True
        await happens(lambda: not alive(pid))
        server.away = False
        await happens(lambda: server.reports)
    assert server.reports == ["release_task"]
    assert server.of("release_task")[0].fields["checkpoint"] == "c"


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"revoked_seconds": 30.0, "reason": "not wanted"}, "the task was cancelled"),
        (
            {"locks_seconds": 1.0},
            "its locks were held as long as locks may be held at all; the work was stopped half way",
        ),
    ],
)
async def test_work_whose_time_is_told_to_be_over_stops_and_hands_in_what_it_has(
    server: ScriptedServer, tmp_path: Path, told: dict[str, Any], note: str
) -> None:
    server.tasks = [{"run": f"echo '::checkpoint half'; echo $$ > {tmp_path}/pid; exec sleep 60"}]
    server.beat_seconds = 0.1
    async with running(server):
        pid = await pid_of(tmp_path / "pid")
        server.told = told
        await happens(lambda: not alive(pid))
        await happens(lambda: server.reports)
    assert server.reports == ["release_task"]
    fields = server.of("release_task")[0].fields
    assert (fields["note"], fields["checkpoint"]) == (note, "half")


async def test_a_claim_whose_answer_was_lost_is_asked_again_under_its_id_and_runs_once(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.tasks = [{"run": f"echo ran >> {tmp_path}/ran"}]
    server.lose_answers = ["claim_task", "complete_task", "open_session"]
    async with running(server):
        await happens(lambda: len(server.of("complete_task")) == 2)
        await happens(lambda: len(server.of("claim_task")) > 2)
    first, second, third = server.of("claim_task")[:3]
    assert first.id == second.id != third.id
    assert first.fields == second.fields
    assert server.claimed == 1
    assert server.incarnation == 1
    assert len({one.id for one in server.of("complete_task")}) == 1
    assert (tmp_path / "ran").read_text() == "ran\n"


async def test_a_worker_holds_as_many_tasks_as_its_capacity(server: ScriptedServer, tmp_path: Path) -> None:
    server.tasks = [{"run": f"echo >> {tmp_path}/began; {once(tmp_path / 'end')}"}] * 5
    async with running(server, capacity=3):
        await happens(lambda: (tmp_path / "began").exists() and len((tmp_path / "began").read_text()) == 3)
        await asyncio.sleep(0.3)
        assert server.claimed == 3
        (tmp_path / "end").touch()
        await happens(lambda: len(server.reports) == 5)


async def test_a_worker_that_is_stopped_lets_its_work_end(server: ScriptedServer, tmp_path: Path) -> None:
    server.tasks = [{"run": f"touch {tmp_path}/began; sleep 0.4; echo end"}, {"run": "echo never"}]
    async with running(server) as worker:
        await happens((tmp_path / "began").exists)
        await worker.stopped()
    assert server.reports == ["complete_task"]
    assert server.sent[-1].type == "end_session"
    assert len(server.tasks) == 1


@pytest.mark.parametrize("again", [False, True])
async def test_what_does_not_end_in_the_grace_is_given_back_with_a_note(
    server: ScriptedServer, tmp_path: Path, again: bool
) -> None:
    server.tasks = [{"run": f"echo ::checkpoint c; touch {tmp_path}/began; sleep 60"}]
    async with running(server, grace_seconds=60 if again else 0.2) as worker:
        await happens((tmp_path / "began").exists)
        if again:
            worker.worker.stop()
        await worker.stopped()
    fields = server.of("release_task")[0].fields
    assert "stopped" in fields["note"]
    assert fields["checkpoint"] == "c"
    assert server.sent[-1].type == "end_session"


async def test_a_claim_under_way_when_the_worker_stops_is_given_back(server: ScriptedServer) -> None:
    server.wait_seconds_max = 20.0
    async with running(server, command="sleep 60") as worker:
        await happens(lambda: server.of("claim_task"))
        await asyncio.sleep(0.1)
        server.tasks = [{}]
        server.lose_answers = ["claim_task"]
        await worker.stopped()
    assert server.reports == ["release_task"]
    assert server.sent[-1].type == "end_session"


async def test_until_idle_ends_only_when_nothing_moves_any_more(server: ScriptedServer) -> None:
    answers = iter([False, False, True])
    asked: list[float] = []

    async def idle() -> bool:
        asked.append(time.monotonic())
        return next(answers)

    server.tasks = [{"run": "true"}]
    async with running(server, idle=idle, until_idle=True) as worker:
        await asyncio.wait_for(worker.task, SECONDS_MAX)
    assert len(asked) == 3
    assert server.reports == ["complete_task"]
    assert server.sent[-1].type == "end_session"


async def test_what_the_command_left_behind_ends_with_it(server: ScriptedServer, tmp_path: Path) -> None:
    server.tasks = [{"run": f"sleep 60 & echo $! > {tmp_path}/pid"}]
    async with running(server):
        await happens(lambda: server.reports)
        await happens(lambda: not alive(int((tmp_path / "pid").read_text())))


async def test_a_task_that_says_nothing_to_run_is_given_back_by_a_worker_without_a_command(
    server: ScriptedServer,
) -> None:
    server.tasks = [{}]
    async with running(server):
        await happens(lambda: server.reports)
    assert server.reports == ["release_task"]


async def test_a_late_report_is_dropped_and_the_worker_goes_on(server: ScriptedServer) -> None:
    fenced = {"code": "fenced", "message": "The token 1001 is not the live one.", "next": "Stop.", "data": {}}
    server.refuse = lambda name, fields: (409, fenced) if fields.get("token") == "1001" else None
    server.tasks = [{"run": "true"}, {"run": "true"}]
    async with running(server) as worker:
        await happens(lambda: worker.worker.totals.completed)
    assert worker.worker.totals.lost == 1


async def test_a_completion_that_the_server_does_not_take_is_a_failure_of_the_attempt(server: ScriptedServer) -> None:
    refused = {"code": "invalid_command", "message": "summary: bad.", "next": "Correct it.", "data": {}}
    server.refuse = lambda name, fields: (422, refused) if name == "complete_task" else None
    server.tasks = [{"run": "true"}]
    async with running(server):
        await happens(lambda: server.of("fail_task"))
    assert server.of("fail_task")[0].fields["kind"] == "invalid_result"


async def test_a_worker_without_work_does_not_ask_in_circles(server: ScriptedServer) -> None:
    server.wait_seconds_max = 0.0
    async with running(server):
        await happens(lambda: server.of("claim_task"))
        began = time.monotonic()
        await asyncio.sleep(1.2)
        asked, passed = len(server.of("claim_task")), time.monotonic() - began
    assert asked <= 2 + passed / 0.5, "half a second at least lies between an answer and the next claim"


async def test_what_asking_again_cannot_mend_ends_the_worker(server: ScriptedServer) -> None:
    unknown = {"code": "unknown_thing", "message": "There is no project shop here.", "next": "List.", "data": {}}
    server.refuse = lambda name, _: (404, unknown) if name == "open_session" else None
    async with running(server) as worker:
        with pytest.raises(Refused, match="no project shop"):
            await asyncio.wait_for(worker.task, SECONDS_MAX)


async def test_a_worker_whose_heartbeats_fail_gives_its_work_back_and_ends_with_that(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went on with work that nobody renewed the lease of, without a word."""
    server.tasks = [{}]
    pid = tmp_path / "pid"

    def failing(*named: Any, **others: Any) -> Any:
        if pid_in(pid) is not None:
            raise RuntimeError("of its own")
        return heartbeat(*named, **others)

    monkeypatch.setattr("api.cli.worker.life.heartbeat", failing)
    async with running(server, command=f"echo $$ > {pid}; sleep 60") as worker:
        with pytest.raises(BeatsEndedError, match="of its own") as ended:
            await asyncio.wait_for(worker.task, SECONDS_MAX)
        assert not alive(await pid_of(pid))
        assert len(server.of("release_task")) == len(server.of("end_session")) == 1
        assert "beats_ended" in [one["event"] for one in worker.told]
    assert exit_of(ended.value) is Exit.FAULT


async def test_a_server_that_is_absent_from_the_start_is_waited_for_only_so_long(server: ScriptedServer) -> None:
    server.away = True
    async with running(server, start_patience_seconds=0.3) as worker:
        with pytest.raises(ServerUnavailable):
            await asyncio.wait_for(worker.task, SECONDS_MAX)


async def test_heartbeats_name_what_is_held_as_often_as_the_server_wants(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.beat_seconds = 0.1
    server.tasks = [{"run": f"while [ ! -e {tmp_path}/enough ]; do sleep 0.05; done"}]
    named = [{"project": "shop", "token": "1001"}]
    began = time.monotonic()
    async with running(server):
        await happens(lambda: sum(beat["tokens"] == named for beat in server.beats) >= 4)
        took = time.monotonic() - began
        (tmp_path / "enough").touch()
        await happens(lambda: server.reports)
    assert took >= 3 * server.beat_seconds, "the first one goes out at once, the others wait"
