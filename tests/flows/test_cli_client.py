"""The Python client: where it finds its server, how it tells answers from refusals and faults, what it repeats."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import signalbox
from signalbox.client import AsyncClient, Client, Endpoint, Refused, ServerFaultError, ServerUnavailable, find_endpoint
from signalbox.client.answers import body_of
from signalbox.client.asks import ProjectToken, command, commands, heartbeat, new_key, wait
from signalbox.client.transport import HttpAnswer, HttpRequest, Transport
from tests.support.scripted_server import ScriptedServer
from tests.support.waiting import happens


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


def data_folder(folder: Path, url: str = "http://127.0.0.1:1", key: str = "local") -> Path:
    data = folder / ".signalbox"
    data.mkdir()
    (data / "server.json").write_text(json.dumps({"url": url, "pid": 1}))
    (data / "local.key").write_text(f"{key}\n")
    return data


def test_the_package_offers_both_clients() -> None:
    assert signalbox.Client is Client
    assert signalbox.AsyncClient is AsyncClient


def test_the_nearest_data_folder_above_names_server_and_key(tmp_path: Path) -> None:
    data_folder(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_endpoint(environment={}, folder=below) == Endpoint("http://127.0.0.1:1", "local")


def test_arguments_count_before_the_environment_and_that_before_the_folder(tmp_path: Path) -> None:
    data_folder(tmp_path)
    environment = {"SIGNALBOX_URL": "http://env:2", "SIGNALBOX_KEY": "env"}
    assert find_endpoint(environment=environment, folder=tmp_path) == Endpoint("http://env:2", "env")
    found = find_endpoint(url="http://said:3/", key="said", environment=environment, folder=tmp_path)
    assert found == Endpoint("http://said:3", "said")


def test_the_local_key_is_shown_to_the_local_server_only(tmp_path: Path) -> None:
    data_folder(tmp_path)
    with pytest.raises(Refused, match="no key for http://elsewhere:1"):
        find_endpoint(url="http://elsewhere:1", environment={}, folder=tmp_path)
    assert find_endpoint(url="http://127.0.0.1:1", environment={}, folder=tmp_path).key == "local"


def test_a_data_folder_of_another_user_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_folder(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: data.stat().st_uid + 1)
    with pytest.raises(Refused, match="belongs to another user"):
        find_endpoint(environment={}, folder=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 3}'])
def test_a_broken_endpoint_file_is_told(tmp_path: Path, content: str) -> None:
    data = data_folder(tmp_path)
    (data / "server.json").write_text(content)
    with pytest.raises(Refused, match="names no server"):
        find_endpoint(environment={}, folder=tmp_path)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nonsense", "http://x:99999999"])
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="not a URL"):
        find_endpoint(url=url, key="k", environment={})


def test_without_any_server_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable) as caught:
        find_endpoint(data=tmp_path / "none", environment={})
    assert "signalbox up" in caught.value.next


def test_a_key_is_never_part_of_what_is_printed() -> None:
    assert "secret" not in repr(Endpoint("http://x:1", "secret"))


def test_a_command_whose_answer_was_lost_is_sent_again_under_its_id(server: ScriptedServer) -> None:
    server.lose_answers = ["freeze_project", "freeze_project"]
    with Client(Endpoint(server.url, "key")) as client:
        accepted = client.command("freeze_project", project="shop")
    assert accepted.repeated is True
    assert len({one.id for one in server.of("freeze_project")}) == 1
    assert len(server.of("freeze_project")) == 3


def test_every_command_has_an_id_of_its_own(server: ScriptedServer) -> None:
    with Client(Endpoint(server.url, "key")) as client:
        client.command("freeze_project", project="shop")
        client.command("freeze_project", project="shop")
    first, second = server.of("freeze_project")
    assert first.id.startswith("cmd_")
    assert len(first.id) == 30
    assert first.id < second.id


def test_patience_has_an_end(server: ScriptedServer) -> None:
    server.away = True
    began = time.monotonic()
    with Client(Endpoint(server.url, "key"), patience_seconds=0.4) as client, pytest.raises(ServerUnavailable):
        client.command("freeze_project", project="shop")
    assert time.monotonic() - began > 0.3


def test_what_must_not_be_sent_twice_is_not(server: ScriptedServer) -> None:
    server.away = True
    with Client(Endpoint(server.url, "key"), patience_seconds=30) as client, pytest.raises(ServerUnavailable):
        client.ask(new_key("x", "viewer", (), None))
    assert server.asked == 1


def test_a_refusal_is_not_repeated_and_says_what_to_do(server: ScriptedServer) -> None:
    said = {"code": "project_is_frozen", "kind": "CONFLICT", "message": "It is frozen.", "next": "Wait."}
    server.refuse = lambda name, _: (409, said | {"data": {"name": "shop"}})
    with Client(Endpoint(server.url, "key")) as client, pytest.raises(Refused) as caught:
        client.command("claim_task", project="shop")
    refused = caught.value
    assert (refused.code, refused.kind, refused.next, refused.data, refused.status) == (
        "project_is_frozen",
        "CONFLICT",
        "Wait.",
        {"name": "shop"},
        409,
    )
    assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (
            503,
            {"ok": False, "error": {"code": "overloaded", "message": "", "next": ""}},
            ServerUnavailable,
            "overloaded",
        ),
        (503, {"ok": False, "error": {"code": "unknown_outcome"}}, ServerUnavailable, "unknown_outcome"),
        (500, {"ok": False, "error": {"code": "internal", "message": "x"}}, ServerFaultError, "internal"),
        (401, {"ok": False, "error": {"code": "not_authenticated", "message": "x"}}, Refused, "not_authenticated"),
        (502, "<html>", ServerUnavailable, "unreachable"),
        (200, "<html>", ServerFaultError, "not_understood"),
        (200, "[]", ServerFaultError, "not_understood"),
        (404, {"detail": "x"}, ServerFaultError, "not_understood"),
    ],
)
def test_every_answer_is_an_answer_a_refusal_or_a_fault(
    status: int, body: dict[str, Any] | str, kind: type[Exception], code: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(kind) as caught:
        body_of(HttpAnswer(status, text.encode()))
    assert getattr(caught.value, "code", "") == code


def test_at_most_a_hundred_commands_go_into_one_request() -> None:
    with pytest.raises(ValueError, match="at most 100"):
        commands([("freeze_project", {"project": "shop"})] * 101)


def test_a_connection_that_died_in_the_meantime_is_replaced(server: ScriptedServer) -> None:
    with Client(Endpoint(server.url, "key"), patience_seconds=0) as client:
        client.command("freeze_project", project="shop")
        server.lose_answers = ["freeze_project"]
        # The kept connection ends without an answer; a fresh one gets it, under the same id.
        assert client.command("freeze_project", project="shop").repeated is True


def test_silence_on_a_kept_connection_is_told_like_any_other(server: ScriptedServer) -> None:
    """It came out as what the system had raised, which nobody who beats or claims listens for: they ended unheard."""
    transport, held = Transport(server.url, {}), threading.Event()

    def asked(name: str, seconds_max: float) -> HttpRequest:
        said = json.dumps({"type": "freeze_project", "id": name, "command": {"project": "shop"}})
        return HttpRequest("POST", "/v1/commands", said.encode(), seconds_max)

    try:
        assert transport.send(asked("cmd_one", 60.0)).status == 200
        server.refuse = lambda _name, _fields: (503, {}) if held.wait() else None
        with pytest.raises(ServerUnavailable, match="does not answer in time"):
            transport.send(asked("cmd_two", 0.2))
    finally:
        held.set()
        transport.close()


async def test_a_cancelled_request_is_broken_off_at_once(server: ScriptedServer) -> None:
    server.wait_seconds_max = 20
    client = AsyncClient(Endpoint(server.url, "key"))
    asking = asyncio.ensure_future(client.ask(command("claim_task", {"project": "shop"}, wait_seconds=20)))
    await happens(lambda: server.sent)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await client.close()
    assert server.answered == 0


async def test_a_heartbeat_waits_no_longer_than_it_was_told(server: ScriptedServer) -> None:
    beat = heartbeat("sess_a", 1, [ProjectToken("shop", "7")], seconds_max=3.0)
    assert beat.request.seconds_max == 3.0
    client = AsyncClient(Endpoint(server.url, "key"))
    heard = await client.ask(beat)
    await client.close()
    assert (heard.status, heard.lease_seconds, heard.revoked) == ("live", 60.0, ())
    assert [(one.token, one.task) for one in heard.held] == [(ProjectToken("shop", "7"), "task_1")]


def test_a_wait_is_given_its_time_on_top() -> None:
    assert wait("shop", 7, 20.0).request.seconds_max > 20
    assert wait("shop", 7, 20.0).request.path == "/v1/wait?project=shop&after=7&timeout_seconds=20.0"
