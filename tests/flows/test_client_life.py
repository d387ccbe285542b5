"""The life of an agent through the Python client, sync and async, against a real server; and what its page shows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signalbox.client import AsyncClient, Client, NotOurs, Refused
from signalbox.client.asks import Heard, ProjectToken
from signalbox.client.lease import Lease, seconds_since_boot
from signalbox.client.work import Assignment, OpenedLife
from tests.faults.server_process import ServerProcess
from tests.support.waiting import happens, until

PAGE = Path(__file__).parents[2] / "docs" / "client.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("client")
    process = ServerProcess(data, "sqlite", graphql=True)
    process.start()
    yield process
    process.close()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client.find(url=server.url, key=server.key) as client:
        yield client


def planned(client: Client, project: str, *tasks: dict[str, Any]) -> None:
    client.command("create_project", name=project, lock_delay_seconds=0)
    client.command("apply_plan", project=project, tasks=[{"title": "t", **task} for task in tasks])


def status(client: Client, project: str, key: str) -> str:
    query = (
        "query($p: String!, $k: String!, $a: Position) { task(project: $p, key: $k, after: $a) { task { status } } }"
    )
    after = client.command("apply_plan", project=project, tasks=[{"key": f"mark-{key}", "title": "t"}]).position
    found: Any = client.graphql(query, {"p": project, "k": key, "a": after})
    return str(found["task"]["task"]["status"])


def test_what_the_page_shows_runs(server: ServerProcess, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setenv("SIGNALBOX_URL", server.url)
    monkeypatch.setenv("SIGNALBOX_KEY", server.key)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {"__name__": "shown"})
    assert {status(client, "library", key) for key in ("index", "labels", "dust")} == {"COMPLETED"}


def test_work_is_failed_by_what_is_raised_and_given_back_without_a_report(client: Client) -> None:
    planned(client, "ends", {"key": "a", "retry": {"max_attempts": 1}}, {"key": "b"})
    with client.session("ends", capacity=2) as session:
        work = session.claim("a")
        assert work is not None
        with pytest.raises(ValueError, match="bad"), work:
            raise ValueError("bad")
        other = session.claim()
        assert other is not None
        with other:
            assert (other.key, other.assignment.attempt) == ("b", 1)
        assert session.claim() is not None
        with pytest.raises(Refused):
            session.claim("a")
    assert (status(client, "ends", "a"), status(client, "ends", "b")) == ("FAILED", "READY")
    assert session.lease.over == "ended"


def test_locks_are_taken_waited_for_and_end_with_the_work(client: Client) -> None:
    planned(client, "locks", {"key": "a"})
    with client.session("locks") as one, client.session("locks") as two:
        held = one.acquire("path:r//src/**", purpose="mine")
        with pytest.raises(Refused) as refused:
            two.acquire("path:r//src/a")
        assert refused.value.code == "lock_conflict"
        with pytest.raises(Refused) as timed_out:
            two.acquire("path:r//src/a", wait_seconds=0.2)
        assert timed_out.value.kind == "WAIT_TIMEOUT"
        one.release(held)
        work = two.claim()
        assert work is not None
        mine = work.acquire("path:r//src/a", wait_seconds=60)
        assert mine.claims == ("path:r//src/a",)
        work.complete("done")
        one.acquire("path:r//src/**")


def test_who_lost_the_work_is_told_to_stop(client: Client) -> None:
    planned(client, "lost", {"key": "a"})
    with client.session("lost", ttl_seconds=10) as one, client.session("lost") as two:
        work = one.claim()
        assert work is not None
        work.check()
        client.command("reassign_task", project="lost", task="a", to=two.id)
        until(lambda: one.lease.revoked(work.assignment))
        with pytest.raises(NotOurs):
            work.check()
        with pytest.raises(Refused) as refused:
            work.complete("late")
        assert refused.value.kind == "FENCED"
        client.command("end_session", session=one.id, incarnation=1)
        until(lambda: one.lease.over)
    with client.session("lost", resume=one.id) as again:
        assert (again.id, again.incarnation) == (one.id, 2)


async def test_the_same_life_for_asyncio(server: ServerProcess, client: Client) -> None:
    planned(client, "async", {"key": "a", "priority": 5}, {"key": "b", "retry": {"max_attempts": 1}})
    async with AsyncClient.find(url=server.url, key=server.key) as asking, asking.session("async", capacity=3) as mine:
        work, other = await mine.claim(), await mine.claim("b")
        assert work is not None
        assert other is not None
        assert await mine.claim() is None
        held = await work.acquire("name:x", wait_seconds=5)
        assert held.claims == ("name:x",)
        free = await mine.acquire("name:y", attempt=other.token.token)
        assert free.token != held.token
        await mine.say("tool_started", tool="Bash", seconds=10)
        work.check()
        await work.complete("done")
        client.command("cancel_task", project="async", task="b", grace_seconds=0)
        await happens(lambda: mine.lease.revoked(other.assignment))
        with pytest.raises(NotOurs):
            other.check()
    assert mine.lease.over == "ended"
    assert status(client, "async", "a") == "COMPLETED"


def a_lease() -> tuple[Lease, Assignment]:
    work = Assignment("shop", "task_x", "x", "Do x", "7", 1, None, None, {})
    lease = Lease(OpenedLife("sess_x", 1, 60, 15.0), seconds_since_boot())
    lease.name(work)
    return lease, work


def test_a_lease_that_nobody_renews_tells_in_time_that_it_may_be_over() -> None:
    lease, work = a_lease()
    lease.check(work)
    assert 50 < lease.seconds_left <= 54
    old = Lease(OpenedLife("sess_x", 1, 60, 15.0), seconds_since_boot() - 55)
    with pytest.raises(NotOurs, match="no heartbeat"):
        old.check(work)
    ask, named, sent_at = lease.beat()
    assert (ask.repeatable, named) == (True, (ProjectToken("shop", "7"),))
    lease.heard(Heard("live", 60, 60.0, (), (ProjectToken("shop", "7"),)), named, sent_at)
    with pytest.raises(NotOurs, match="took it back"):
        lease.check(work)
    lease.forget(work)
    assert lease.beat()[1] == ()
