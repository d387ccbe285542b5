"""The guard and the reading doors: who is let in, what is answered, and that waiting ends."""

import asyncio
import json

import pytest

from api.http.asgi import Message, Receive, Scope, Send
from api.ports import ServiceFault
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, ProjectId, derived_id
from domain.project.events import ProjectFrozen, ProjectUnfrozen
from domain.session.events import SessionOpened
from infrastructure.settings import HttpSettings
from tests.support.doors import Answer, Doors, Fakes
from tests.support.waiting import happens, soon

ROUTES = [
    ("POST", "/v1/commands"),
    ("POST", "/v1/heartbeat"),
    ("POST", "/v1/keys"),
    ("GET", "/v1/schema"),
    ("GET", "/v1/wait?timeout_seconds=0"),
    ("GET", "/v1/events"),
    ("GET", "/v1/status"),
    ("GET", "/metrics"),
]
BODIES = {
    "/v1/commands": {"type": "create_project", "command": {"name": "shop"}},
    "/v1/heartbeat": {"session": "sess_1", "incarnation": 1},
    "/v1/keys": {"name": "ci", "role": "viewer"},
}


def is_typed(answer: Answer) -> bool:
    """Whether an error has every part of the shape that docs/http.md promises."""
    content = answer.content
    error = content["error"]
    return (
        content["ok"] is False
        and set(error) == {"code", "kind", "message", "next", "data", "status"}
        and bool(error["code"] and error["message"] and error["next"])
        and error["status"] == answer.status
        and answer.headers["content-type"] == "application/json"
    )


def opened(owner: str, *projects: str) -> SessionOpened:
    return SessionOpened(
        incarnation=1, projects=projects, name="", tool="", model="", host="", capabilities={}, capacity=1,
        ttl_seconds=60, owner=owner, at=Instant(1),
    )  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_door_needs_a_key_that_holds(method: str, path: str) -> None:
    doors = Doors()
    expired, revoked = doors.key("admin", seconds=10), doors.key("admin")
    doors.revoke(revoked)
    doors.fakes.world.advance(10)
    for key in (None, expired, revoked, doors.owner[:-1], "x", "\xff"):
        answer = await doors.ask(method, path, BODIES.get(path, b""), key=key)
        assert (answer.status, answer.code) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert is_typed(answer)
    basic = await doors.ask(
        method, path, BODIES.get(path, b""), key=None, headers={"authorization": f"Basic {doors.owner}"}
    )
    assert basic.status == 401
    assert not doors.fakes.asked


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/healthz"), ("GET", "/readyz")])
async def test_a_foreign_host_is_turned_away_before_anything_else(method: str, path: str) -> None:
    doors = Doors()
    for host in (
        "evil.example",
        "evil.example:8420",
        "localhost.evil.example",
        "",
        "127.0.0.2",
        "[::2]:8420",
        "local host",
    ):
        answer = await doors.ask(method, path, BODIES.get(path, b""), headers={"host": host})
        assert (answer.status, answer.code) == (421, "unknown_host")
        assert is_typed(answer)
    for host in ("LOCALHOST", "localhost:1", "127.0.0.1:8420", "[::1]:8420", "[::1]", "box.example", "Box.Example:443"):
        assert (await doors.ask(method, path, BODIES.get(path, b""), headers={"host": host})).status in (200, 201)


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/healthz"), ("GET", "/readyz")])
async def test_a_wrong_method_is_told_which_one_is_right(method: str, path: str) -> None:
    doors = Doors()
    for wrong in {"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"} - {method}:
        answer = await doors.ask(wrong, path, {} if wrong in ("PUT", "PATCH", "DELETE", "POST") else b"")
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", method)
        assert is_typed(answer)
        assert not any(name.startswith("access-control") for name in answer.headers)


async def test_an_unknown_path_is_a_typed_404_without_guesses() -> None:
    doors = Doors()
    for path in ("/", "/v1", "/v1/commands/", "/docs", "/openapi.json", "/v1/openapi.json", "/graphql", "/..%2f", "/é"):
        answer = await doors.ask("GET", path)
        assert (answer.status, answer.code) == (404, "unknown_path"), path
        assert is_typed(answer)


@pytest.mark.parametrize("path", list(BODIES))
async def test_bodies_that_are_not_plain_json_are_refused(path: str) -> None:
    doors = Doors()
    good = json.dumps(BODIES[path]).encode()
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
    ):
        answer = await doors.ask("POST", path, good, headers={"content-type": kind})
        assert (answer.status, answer.code) == (415, "not_json"), kind
    for headers in ({"content-encoding": "gzip"}, {"content-type": "application/json; charset=utf-16"}):
        assert (await doors.ask("POST", path, good, headers=headers)).code == "not_json"
    for body in (
        good[:-1],
        b"",
        b"[]",
        b"1",
        b"nul",
        good + b"x",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"[" * 100_000 if path != "/v1/heartbeat" else b"[" * 9,
    ):
        answer = await doors.ask("POST", path, body, headers={"content-type": "application/json"})
        assert (answer.status, answer.code) == (400, "malformed_body"), body[:20]
        assert is_typed(answer)
    fine = await doors.ask("POST", path, good, headers={"content-type": 'Application/JSON; charset="UTF-8"'})
    assert fine.status in (200, 201)


@pytest.mark.parametrize("path", ["/v1/commands", "/v1/keys"])
async def test_bodies_are_neither_too_large_nor_too_deep_nor_too_wide(path: str) -> None:
    doors = Doors(http=HttpSettings(body_bytes_max=2_000, plan_body_bytes_max=100_000))
    deep: object = 1
    for _ in range(20):
        deep = {"a": deep}
    wide = {f"k{number}": number for number in range(201)}
    for inner, summary in ((deep, "deep"), (wide, "keys")):
        body = json.dumps({"type": "x", "command": inner}).encode()
        answer = await doors.ask("POST", path, body)
        if len(body) > 2_000 and path != "/v1/commands":
            assert answer.status == 413
            continue
        assert (answer.status, answer.code) == (422, "invalid_request")
        assert summary in answer.content["error"]["message"]
    large = await doors.ask("POST", path, json.dumps({"a": "x" * 200_000}).encode())
    lying = await doors.ask("POST", path, b"{}", headers={"content-length": "9" * 30})
    assert [(one.status, one.code) for one in (large, lying)] == [(413, "body_too_large")] * 2


async def test_twenty_levels_are_not_too_deep() -> None:
    doors = Doors()
    deep: object = []
    for _ in range(17):
        deep = [deep]
    answer = await doors.command("create_project", {"name": deep})
    assert answer.code == "invalid_command"
    answer = await doors.command("create_project", {"name": [deep]})
    assert answer.code == "invalid_request"


async def test_a_fault_shows_an_id_and_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    doors = Doors()
    doors.fakes.explode = True
    answer = await doors.command("create_project", {"name": "shop"})
    assert (answer.status, answer.code) == (500, "internal")
    assert is_typed(answer)
    assert b"secret detail" not in answer.body
    assert b"Traceback" not in answer.body
    keys = await doors.ask("POST", "/v1/keys", BODIES["/v1/keys"])
    assert (keys.status, keys.code) == (500, "internal")
    assert b"secret detail" not in keys.body


async def test_more_requests_than_there_is_room_for_are_turned_away() -> None:
    doors = Doors(http=HttpSettings(requests_max=1))
    waiting = asyncio.create_task(doors.ask("GET", "/v1/wait?after=5"))
    await happens(lambda: doors.fakes.follows)
    answer = await doors.ask("GET", "/v1/status")
    assert (answer.status, answer.code) == (503, "overloaded")
    doors.app.begin_stop()
    await waiting
    assert (await doors.ask("GET", "/v1/status")).status == 200
    await doors.app.close()


async def test_health_is_open_and_tells_one_word() -> None:
    doors = Doors()
    assert (await doors.ask("GET", "/healthz", key=None)).content == {"ok": True}
    assert (await doors.ask("GET", "/readyz", key=None)).content == {"ok": True}
    doors.fakes.ready = False
    answer = await doors.ask("GET", "/readyz", key=None)
    assert (answer.status, answer.code) == (503, "not_ready")
    doors.app.begin_stop()
    assert (await doors.ask("GET", "/readyz", key=None)).code == "stopping"
    assert (await doors.ask("GET", "/healthz", key=None)).status == 200


async def test_status_tells_how_the_server_is_and_who_asks() -> None:
    doors = Doors()
    project = await doors.project("shop")
    key = doors.key("worker", (project,))
    content = (await doors.ask("GET", "/v1/status", key=key)).content
    assert content["principal"]["role"] == "worker"
    assert content["principal"]["projects"] == [project]
    assert (content["ready"], content["head"], content["store"], content["warnings"]) == (
        True,
        1,
        "memory",
        ["mind the gap"],
    )
    assert (await doors.ask("GET", "/v1/status")).content["principal"]["projects"] is None


async def test_figures_are_for_people_who_see_every_project() -> None:
    doors = Doors()
    assert (await doors.ask("GET", "/metrics", key=doors.key("viewer"))).body == b"signalbox_head 1\n"
    for key in (doors.key("worker", ("proj_a",)), doors.key("admin", ("proj_a",))):
        answer = await doors.ask("GET", "/metrics", key=key)
        assert (answer.status, answer.code) == (403, "not_permitted")


def named(token: object, project: str = "shop") -> dict[str, object]:
    return {"project": project, "token": token}


async def test_a_heartbeat_tells_what_is_held_and_what_to_stop() -> None:
    doors = Doors()
    beat = {"session": "sess_1", "incarnation": 1, "tokens": [named("7"), named("8")]}
    answer = await doors.ask("POST", "/v1/heartbeat", beat)
    held = {**named("7"), "task": "task_1", "locks_seconds": 28_800.0, "revoked_seconds": None, "reason": ""}
    told = {"lease_seconds": 60.0, "held": [held], "revoked": [named("8")], "pushed": [], "unread": None}
    assert answer.content == {"status": "live", "draining": False, "ttl_seconds": 60, "renewed_at": 1, **told}
    doors.fakes.heard = UnknownThing(kind="session", name="sess_1")
    assert (await doors.ask("POST", "/v1/heartbeat", beat)).status == 404
    viewer = await doors.ask("POST", "/v1/heartbeat", beat, key=doors.key("viewer"))
    assert (viewer.status, viewer.code) == (403, "not_permitted")
    doors.fakes.fault = ServiceFault("store_unavailable", "It is away.", "Try again.")
    assert (await doors.ask("POST", "/v1/heartbeat", beat)).code == "store_unavailable"


@pytest.mark.parametrize(
    "wrong",
    [{"session": 1}, {"session": ""}, {"incarnation": 0}, {"incarnation": "1"}, {"incarnation": 2**80},
     {"tokens": [named("x")]}, {"tokens": [named(7)]}, {"tokens": [named("07")]}, {"tokens": ["7"]}, {"tokens": "7"},
     {"tokens": [{"token": "7"}]}, {"tokens": [named("7", "")]}, {"tokens": [named("7", "\0")]}, {"more": 1},
     {"tokens": [named("7", f"p{one}") for one in range(101)]}, {"tokens": [named("1")] * 1_001}],
)  # fmt: skip
async def test_a_malformed_heartbeat_is_refused(wrong: dict[str, object]) -> None:
    beat = {"session": "sess_1", "incarnation": 1, "tokens": [named("7")]}
    answer = await Doors().ask("POST", "/v1/heartbeat", beat | wrong)
    assert (answer.status, answer.code) == (422, "invalid_request")


async def test_a_wait_ends_with_an_event_of_the_project_and_of_no_other() -> None:
    doors = Doors()
    shop, bank = await doors.project("shop"), await doors.project("bank")
    key = doors.key("worker", (shop,))
    waiting = asyncio.create_task(doors.ask("GET", "/v1/wait?project=shop&after=2&timeout_seconds=30", key=key))
    await asyncio.sleep(0.05)
    doors.fakes.world.given(bank, ProjectFrozen(reason="", at=Instant(1)), project=bank)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    doors.fakes.world.given(shop, ProjectFrozen(reason="", at=Instant(1)), project=shop)
    assert (await soon(waiting)).content == {"position": 4, "changed": True}
    at_once = await doors.ask("GET", "/v1/wait?project=shop&after=3&timeout_seconds=20", key=key)
    assert at_once.content == {"position": 4, "changed": True}
    late = await doors.ask("GET", "/v1/wait?project=shop&after=4&timeout_seconds=0.02", key=key)
    assert late.content == {"position": 4, "changed": False}
    await doors.app.close()


async def test_a_wait_knows_what_happened_before_anybody_waited() -> None:
    doors = Doors()
    shop, bank = await doors.project("shop"), await doors.project("bank")
    for _ in range(1_500):
        doors.fakes.world.given(bank, ProjectUnfrozen(at=Instant(1)), project=bank)
    doors.fakes.world.given(shop, ProjectFrozen(reason="", at=Instant(1)), project=shop)
    first = await doors.ask("GET", "/v1/wait?project=shop&after=0")
    later = await doors.ask("GET", "/v1/wait?project=shop&after=1")
    none = await doors.ask("GET", f"/v1/wait?project=shop&after={later.content['position']}&timeout_seconds=0.01")
    assert (first.content["position"], later.content["position"], none.content["changed"]) == (1, 1_503, False)
    anything = await doors.ask("GET", "/v1/wait?after=1")
    assert anything.content["changed"]
    await doors.app.close()


async def test_waits_end_at_once_when_the_server_goes_down_or_the_client_hangs_up() -> None:
    doors = Doors()
    await doors.project("shop")
    gone = asyncio.Event()
    left = asyncio.create_task(doors.ask("GET", "/v1/wait?project=shop&after=9", hang_up=gone))
    waiting = [asyncio.create_task(doors.ask("GET", "/v1/wait?project=shop&after=9")) for _ in range(20)]
    await asyncio.sleep(0.1)
    gone.set()
    assert (await soon(left)).status == 0
    doors.app.begin_stop()
    answers = await soon(asyncio.gather(*waiting), seconds=15)
    assert {answer.content["changed"] for answer in answers} == {False}
    await doors.app.close()


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "after=1e3", f"after={2**63}", "timeout_seconds=31", "timeout_seconds=nan",
     "timeout_seconds=-1", "more=1", "after=" + "9" * 5_000, "&".join(f"a{n}=1" for n in range(30)), "a" * 9_000],
)  # fmt: skip
async def test_a_malformed_query_is_refused(query: str) -> None:
    answer = await Doors().ask("GET", f"/v1/wait?{query}")
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert is_typed(answer)


async def test_events_of_a_project_come_in_order_and_say_where_to_go_on() -> None:
    doors = Doors()
    shop, bank = await doors.project("shop"), await doors.project("bank")
    for _ in range(3):
        doors.fakes.world.given(shop, ProjectUnfrozen(at=Instant(1)), project=shop)
        doors.fakes.world.given(bank, ProjectUnfrozen(at=Instant(1)), project=bank)
    first = (await doors.ask("GET", "/v1/events?project=shop&limit=2")).content
    rest = (await doors.ask("GET", f"/v1/events?project=shop&after={first['position']}")).content
    assert [one["position"] for one in first["events"] + rest["events"]] == [1, 3, 5, 7]
    assert (first["position"], rest["position"], rest["head"]) == (3, 8, 8)
    event = first["events"][0]
    assert set(event) == {"position", "stream", "version", "type", "event", "at", "project", "actor", "command_id",
                          "correlation_id", "causation_id"}  # fmt: skip
    assert (event["type"], event["event"]["name"], event["project"]) == ("project.created.v1", "shop", shop)
    everything = (await doors.ask("GET", "/v1/events")).content
    assert len(everything["events"]) == 8
    stream = (await doors.ask("GET", f"/v1/events?stream={shop}&after=2")).content
    assert [one["version"] for one in stream["events"]] == [3, 4]


async def test_raw_events_are_for_those_who_may_audit() -> None:
    doors = Doors()
    shop, bank = await doors.project("shop"), await doors.project("bank")
    worker, viewer = doors.key("worker", (shop,)), doors.key("viewer", (shop,))
    operator = doors.key("operator", (shop,))
    mine = derived_id("sess", Instant(1), ("mine",))
    principal = doors.fakes.authenticate(worker)
    assert principal is not None
    doors.fakes.world.given(mine, opened(principal.id, shop))
    for key in (worker, viewer):
        assert (await doors.ask("GET", "/v1/events?project=shop", key=key)).status == 403
        assert (await doors.ask("GET", f"/v1/events?stream={shop}", key=key)).status == 403
    assert (await doors.ask("GET", f"/v1/events?stream={mine}", key=worker)).status == 200
    assert (await doors.ask("GET", f"/v1/events?stream={mine}", key=viewer)).status == 403
    assert (await doors.ask("GET", f"/v1/events?stream={mine}", key=operator)).status == 200
    assert (await doors.ask("GET", "/v1/events", key=operator)).status == 403
    assert (await doors.ask("GET", f"/v1/events?stream={shop}&project=shop")).status == 422
    assert bank


async def test_foreign_streams_and_projects_are_answered_byte_for_byte_like_absent_ones() -> None:
    doors = Doors()
    shop, bank = await doors.project("shop"), await doors.project("bank")
    theirs, wide = (derived_id("sess", Instant(1), (name,)) for name in ("theirs", "wide"))
    doors.fakes.world.given(theirs, opened("key_x", bank)).given(wide, opened("key_x", shop, bank))
    absent = derived_id("sess", Instant(1), ("absent",))
    for role in ("worker", "viewer", "operator", "admin"):
        key = doors.key(role, (ProjectId(shop),))
        for foreign, missing in (
            (f"/v1/events?project={bank}", f"/v1/events?project={bank[:-3]}zzz"),
            ("/v1/events?project=bank", "/v1/events?project=none"),
            ("/v1/wait?project=bank", "/v1/wait?project=none"),
            (f"/v1/events?stream={bank}", f"/v1/events?stream={bank[:-3]}zzz"),
            (f"/v1/events?stream={theirs}", f"/v1/events?stream={absent}"),
            (f"/v1/events?stream={wide}", f"/v1/events?stream={absent}"),
            (f"/v1/events?stream={wide}", "/v1/events?stream=not%20one"),
        ):
            one, other = await doors.ask("GET", foreign, key=key), await doors.ask("GET", missing, key=key)
            names = [target.rpartition("=")[2].replace("%20", " ").encode() for target in (foreign, missing)]
            assert one.body.replace(names[0], b"NAME") == other.body.replace(names[1], b"NAME"), foreign
            assert (one.status, other.status) == (404, 404), foreign


async def test_a_key_is_shown_once_and_opens_what_it_names() -> None:
    doors = Doors()
    await doors.project("shop")
    answer = await doors.ask("POST", "/v1/keys", {"name": "bot", "role": "worker", "projects": ["shop"]})
    assert answer.status == 201
    secret = answer.content["answer"]["secret"]
    issued = doors.fakes.world.log[-1]
    doors.fakes.keys.observe(issued.stream, issued.event)
    status = await doors.ask("GET", "/v1/status", key=secret)
    assert status.content["principal"]["role"] == "worker"
    assert secret.encode() not in issued.event.stored()
    again = await doors.ask("POST", "/v1/keys", {"name": "x", "role": "worker", "projects": ["shop"]}, key=secret)
    assert (again.status, again.code) == (403, "not_permitted")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"name": "bot", "role": "worker"}, 422),
        ({"name": "bot", "role": "owner"}, 422),
        ({"name": "bot", "role": "viewer", "lifetime_seconds": "5"}, 422),
        ({"name": "bot", "role": "viewer", "digest": "0" * 64}, 422),
        ({"name": 5, "role": "viewer"}, 422),
        ({"name": "bot", "role": "viewer", "projects": ["absent"]}, 404),
    ],
)
async def test_a_wrong_wish_for_a_key_is_refused(wish: dict[str, object], status: int) -> None:
    doors = Doors()
    answer = await doors.ask("POST", "/v1/keys", wish)
    assert answer.status == status
    assert is_typed(answer)
    assert not doors.fakes.world.log


async def test_schemas_leave_out_what_nobody_may_ask() -> None:
    content = (await Doors().ask("GET", "/v1/schema")).content
    assert content["claim_task"]["command"]["properties"]["incarnation"]["minimum"] == 1
    assert not {"record_refusal", "lose_session", "settle_need"} & set(content)
    described = await Doors(http=HttpSettings(openapi=True)).ask("GET", "/v1/openapi.json")
    assert "/v1/keys" in described.content["paths"]


async def test_graphql_gets_checked_bodies_and_the_principal() -> None:
    seen: list[tuple[str, bytes]] = []

    async def graphql(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        seen.append((scope["signalbox.principal"].role, message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    doors = Doors(graphql=graphql)
    for path in ("/graphql", "/graphql/stream"):
        assert (await doors.ask("POST", path, {"query": "{ status }"})).status == 200
    assert seen == [("owner", b'{"query": "{ status }"}')] * 2
    assert (await doors.ask("POST", "/graphql", b"{", headers={"content-type": "application/json"})).status == 400
    assert (await doors.ask("POST", "/graphql", {"query": ""}, headers={"content-type": "text/plain"})).status == 415
    assert (await doors.ask("POST", "/graphql", {"query": ""}, key=None)).status == 401
    assert len(seen) == 2


async def test_a_websocket_comes_only_from_known_hosts_and_to_graphql() -> None:
    async def graphql(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise RuntimeError("secret detail of the inside")

    async def closes(doors: Doors, path: str, host: bytes) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await doors.app({"type": "websocket", "path": path, "headers": [(b"host", host)]}, receive, send)
        return sent

    with_graphql = Doors(graphql=graphql)
    assert await closes(with_graphql, "/graphql", b"evil.example") == [{"type": "websocket.close", "code": 1008}]
    assert await closes(with_graphql, "/other", b"localhost") == [{"type": "websocket.close", "code": 1008}]
    assert await closes(Doors(), "/graphql", b"localhost") == [{"type": "websocket.close", "code": 1008}]
    assert [one["type"] for one in await closes(with_graphql, "/graphql", b"localhost")] == [
        "websocket.accept",
        "websocket.close",
    ]


async def test_following_goes_on_after_the_store_was_away() -> None:
    class Shaky(Fakes):
        failures = 1

        def follow(self, *, after: int):  # type: ignore[no-untyped-def]
            if self.failures:
                self.failures -= 1
                raise OSError("away")
            return super().follow(after=after)

    doors = Doors(Shaky())
    shop = await doors.project("shop")
    waiting = asyncio.create_task(doors.ask("GET", "/v1/wait?project=shop&after=1"))
    await asyncio.sleep(0.05)
    doors.fakes.world.given(shop, ProjectUnfrozen(at=Instant(1)), project=shop)
    assert (await soon(waiting)).content["changed"]
    await doors.app.close()
