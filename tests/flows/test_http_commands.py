"""Commands over HTTP: decided once, answered in the typed shape, in order where many come together."""

import asyncio

import pytest

from api.ports import ServiceFault
from domain.kernel.errors import CommandIdReused
from domain.kernel.ids import FLEET, command_id_of
from domain.refusal.commands import RecordRefusal
from domain.refusal.decider import refusals_stream
from domain.refusal.events import CommandRefused
from domain.session.events import SessionOpened
from domain.task.commands import ClaimTask
from infrastructure.runtime.outcome import Outcome, refused
from infrastructure.settings import HttpSettings
from tests.support.doors import Doors, Fakes
from tests.support.waiting import soon

SESSION = "sess_" + "0" * 26


def claim(project: str = "shop") -> dict[str, object]:
    return {"project": project, "session": SESSION, "incarnation": 1}


async def test_an_accepted_command_answers_with_its_position() -> None:
    doors = Doors()
    answer = await doors.command("create_project", {"name": "shop"}, id="cmd_first_one")
    assert answer.status == 200
    assert answer.content["ok"] is True
    assert answer.content["answer"]["created"] is True
    assert (answer.content["position"], answer.content["repeated"]) == (1, False)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert doors.fakes.asked[0][1].command_id == "cmd_first_one"


async def test_nobody_takes_the_id_of_a_command_that_a_policy_will_ask() -> None:
    doors = Doors()
    foreseen = command_id_of("ready_dependants", "task_" + "0" * 26, 9, "task_" + "1" * 26)
    answer = await doors.command("create_project", {"name": "shop"}, id=foreseen)
    assert (answer.status, answer.content["error"]["code"]) == (422, "invalid_command_id")
    assert doors.fakes.asked == []


async def test_a_refused_command_answers_with_its_own_status_code_and_advice() -> None:
    doors = Doors()
    await doors.project("shop")
    answer = await doors.command("create_project", {"name": "shop", "lock_delay_seconds": 5})
    assert (answer.status, answer.code) == (409, "project_name_taken")
    assert answer.content["error"]["next"]
    assert answer.content["error"]["data"] == {"name": "shop"}
    assert answer.content["repeated"] is False


async def test_a_repeat_says_so_and_a_reused_id_is_refused() -> None:
    class Remembering(Fakes):
        async def execute(self, command: object, stamp: object) -> Outcome:
            if isinstance(command, ClaimTask):
                return Outcome(refused(CommandIdReused(command_id="cmd_x")), 3)
            return Outcome(b'{"ok":true,"answer":{}}', 42, repeated=True)

    doors = Doors(Remembering())
    again = await doors.command("create_project", {"name": "shop"})
    assert again.body == b'{"ok":true,"answer":{},"position":42,"repeated":true}'
    doors.fakes.world.names[FLEET, "project", "shop"] = "proj_" + "0" * 26  # type: ignore[assignment]
    reused = await doors.command("claim_task", claim())
    assert (reused.status, reused.code) == (409, "command_id_reused")


async def test_headers_for_tracing_reach_the_stamp_and_malformed_ones_do_not() -> None:
    doors = Doors()
    body = {"type": "create_project", "command": {"name": "shop"}}
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    await doors.ask("POST", "/v1/commands", body, headers={"traceparent": trace, "x-correlation-id": "order-66-x"})
    await doors.ask("POST", "/v1/commands", body, headers={"traceparent": "x\x01", "x-correlation-id": "a b\x02c d e"})
    good, bad = (stamp for _, stamp in doors.fakes.asked)
    assert (good.traceparent, good.correlation_id) == (trace, "order-66-x")
    assert (bad.traceparent, bad.correlation_id) == (None, bad.command_id)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"type": 1, "command": {}}, "invalid_request"),
        ({"type": "create_project", "command": []}, "invalid_request"),
        ({"type": "create_project"}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "extra": 1}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "id": 7}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "id": ""}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "wait_seconds": 31}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "wait_seconds": -1}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "wait_seconds": True}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "wait_seconds": "1"}, "invalid_request"),
        ({"type": "create_project", "command": {"name": "x"}, "id": "a b c d e f"}, "invalid_command_id"),
        ({"type": "create_project", "command": {"name": "x"}, "id": "short"}, "invalid_command_id"),
        ({"type": "create_project", "command": {"name": 5}}, "invalid_command"),
        ({"type": "create_project", "command": {"name": "x", "extra": 1}}, "invalid_command"),
        ({"type": "create_project", "command": {"name": "x", "lock_delay_seconds": 2**70}}, "invalid_command"),
        ({"type": "no_such", "command": {}}, "unknown_command"),
        ({"commands": []}, "invalid_request"),
        ({"commands": {}}, "invalid_request"),
        ({"commands": [1]}, "invalid_request"),
        ({"commands": [{}]}, "invalid_request"),
        ({"commands": [{"type": "x", "command": {}}] * 101}, "invalid_request"),
        ({"commands": [{"type": "x", "command": {}}], "type": "x"}, "invalid_request"),
    ],
)
async def test_what_is_not_well_formed_is_refused_by_name(body: dict[str, object], code: str) -> None:
    doors = Doors()
    answer = await doors.ask("POST", "/v1/commands", body)
    assert (answer.status, answer.code) == (422, code)
    assert answer.content["error"]["next"]
    assert not doors.fakes.asked


async def test_commands_that_only_policies_ask_are_refused_to_everybody_and_recorded() -> None:
    doors = Doors()
    fields = {"session": SESSION, "incarnation": 1, "renewed_at": 1}
    answer = await doors.command("lose_session", fields)
    assert (answer.status, answer.code) == (403, "not_permitted")
    record = await doors.command("record_refusal", {"command": "x", "code": "x", "message": "x", "principal": "x"})
    assert (record.status, record.code) == (403, "not_permitted")
    await doors.edge.settle()
    events = [one.event for one in doors.fakes.world.log if one.stream == refusals_stream(FLEET)]
    assert [event.command for event in events if isinstance(event, CommandRefused)] == [
        "lose_session",
        "record_refusal",
    ]


async def test_a_refused_agent_is_recorded_in_the_project_and_once_per_refusal() -> None:
    doors = Doors()
    project = await doors.project("shop")
    worker = doors.key("worker", (project,))
    answer = await doors.command("freeze_project", {"project": "shop"}, key=worker, id="cmd_frozen_1")
    await doors.edge.settle()
    assert (answer.status, answer.code) == (403, "not_permitted")
    (recorded,) = [one for one in doors.fakes.world.log if isinstance(one.event, CommandRefused)]
    assert (recorded.project, recorded.stream) == (project, refusals_stream(project))
    command, stamp = doors.fakes.asked[-1]
    assert isinstance(command, RecordRefusal)
    assert (command.command, command.code) == ("freeze_project", "not_permitted")
    assert stamp.causation_id == "cmd_frozen_1"


async def test_a_flood_of_refusals_is_answered_but_not_all_kept() -> None:
    doors = Doors()
    project = await doors.project("shop")
    worker = doors.key("worker", (project,))
    one = {"type": "freeze_project", "command": {"project": "shop"}}
    answer = await doors.ask("POST", "/v1/commands", {"commands": [one] * 100}, key=worker)
    await doors.edge.settle()
    assert {result["error"]["code"] for result in answer.content["results"]} == {"not_permitted"}
    kept = sum(isinstance(one.event, CommandRefused) for one in doors.fakes.world.log)
    assert kept == 1


async def test_an_answer_comes_also_when_the_record_of_a_refusal_fails() -> None:
    doors = Doors()
    doors.fakes.explode = True
    answer = await doors.command("lose_session", {"session": SESSION, "incarnation": 1, "renewed_at": 1})
    await doors.edge.settle()
    assert answer.code == "not_permitted"


async def test_many_commands_answer_in_order_and_each_stands_alone() -> None:
    doors = Doors()
    commands = [
        {"type": "create_project", "command": {"name": "shop"}},
        {"type": "freeze_project", "command": {"project": "shop"}},
        {"type": "freeze_project", "command": {"project": "absent"}},
        {"type": "no_such", "command": {}},
        {"type": "unfreeze_project", "command": {"project": "shop"}, "id": "cmd_unfreeze"},
    ]
    answer = await doors.ask("POST", "/v1/commands", {"commands": commands})
    assert answer.status == 200
    results = answer.content["results"]
    assert [one["ok"] for one in results] == [True, True, False, False, True]
    assert [one["error"]["code"] for one in results if not one["ok"]] == ["unknown_thing", "unknown_command"]
    assert [type(one.event).TYPE for one in doors.fakes.world.log] == [
        "project.created.v1",
        "project.frozen.v1",
        "project.unfrozen.v1",
    ]


async def test_one_of_many_that_breaks_does_not_hide_the_answers_of_the_others() -> None:
    class HalfBroken(Fakes):
        async def execute(self, command: object, stamp: object) -> Outcome:
            if getattr(command, "name", "") == "broken":
                raise RuntimeError("secret detail of the inside")
            return Outcome(b'{"ok":true,"answer":{}}', 1)

    doors = Doors(HalfBroken())
    commands = [{"type": "create_project", "command": {"name": name}} for name in ("fine", "broken", "fine")]
    answer = await doors.ask("POST", "/v1/commands", {"commands": commands})
    assert [one["ok"] for one in answer.content["results"]] == [True, False, True]
    assert answer.content["results"][1]["error"]["code"] == "internal"
    assert b"secret detail" not in answer.body


async def test_a_plan_may_be_larger_than_other_bodies() -> None:
    doors = Doors(http=HttpSettings(body_bytes_max=2_000, plan_body_bytes_max=4_000))
    await doors.project("shop")
    task = {"key": "a", "title": "A", "body": "x" * 2_500}
    plan = await doors.command("apply_plan", {"project": "shop", "tasks": [task]})
    assert plan.status == 200
    other = await doors.command("freeze_project", {"project": "shop", "reason": "x" * 2_500})
    assert (other.status, other.code) == (413, "body_too_large")
    huge = await doors.command("apply_plan", {"project": "shop", "tasks": [task | {"body": "x" * 5_000}]})
    assert (huge.status, huge.code) == (413, "body_too_large")


@pytest.mark.parametrize("code", ["store_unavailable", "overloaded", "stopping", "unknown_outcome"])
async def test_faults_of_ours_are_503_and_carry_the_id_for_the_repeat(code: str) -> None:
    doors = Doors()
    doors.fakes.fault = ServiceFault(code, "It did not work.", "Try again.")
    answer = await doors.command("create_project", {"name": "shop"})
    assert (answer.status, answer.code) == (503, code)
    assert answer.headers["retry-after"] == "1"
    assert answer.content["error"]["data"]["id"] == doors.fakes.asked[0][1].command_id
    one = {"type": "create_project", "command": {"name": "shop"}, "id": "cmd_of_mine"}
    many = await doors.ask("POST", "/v1/commands", {"commands": [one]})
    assert many.content["results"][0]["error"]["data"] == {"id": "cmd_of_mine"}


async def test_a_command_that_takes_too_long_is_answered_with_an_unknown_outcome() -> None:
    doors = Doors(http=HttpSettings(command_seconds_max=0.05))
    await doors.project("shop")
    doors.fakes.hang = asyncio.Event()
    answer = await doors.command("claim_task", claim(), wait_seconds=0.01, id="cmd_slow_claim")
    assert (answer.status, answer.code) == (503, "unknown_outcome")
    assert answer.content["error"]["data"] == {"id": "cmd_slow_claim"}
    assert "same id" in answer.content["error"]["next"]


async def test_a_claim_that_waits_is_answered_when_there_is_work() -> None:
    doors = Doors()
    await doors.project("shop")
    doors.fakes.hang = asyncio.Event()
    asking = asyncio.create_task(doors.command("claim_task", claim(), wait_seconds=20))
    await asyncio.sleep(0.1)
    assert not asking.done()
    doors.fakes.hang.set()
    assert (await asking).code == "unknown_thing"


async def test_a_claim_ends_when_its_client_hangs_up() -> None:
    doors = Doors()
    await doors.project("shop")
    doors.fakes.hang, gone = asyncio.Event(), asyncio.Event()
    body = {"type": "claim_task", "command": claim(), "wait_seconds": 20}
    asking = asyncio.create_task(doors.ask("POST", "/v1/commands", body, hang_up=gone))
    await asyncio.sleep(0.1)
    gone.set()
    assert (await soon(asking)).status == 0
    assert not any(isinstance(command, ClaimTask) for command, _ in doors.fakes.asked)


async def test_a_claim_that_waits_ends_when_the_server_goes_down() -> None:
    doors = Doors()
    await doors.project("shop")
    doors.fakes.hang = asyncio.Event()
    asking = asyncio.create_task(doors.command("claim_task", claim(), wait_seconds=30))
    await asyncio.sleep(0.1)
    doors.app.begin_stop()
    answer = await soon(asking, seconds=25)
    assert (answer.status, answer.code) == (503, "unknown_outcome")


async def test_foreign_and_absent_projects_are_answered_byte_for_byte_alike() -> None:
    doors = Doors()
    mine, _ = await doors.project("mine"), await doors.project("theirs")
    foreign_id = str(await doors.fakes.project("theirs"))
    absent_id = foreign_id[:-4] + "zzzz"
    for role in ("worker", "viewer", "operator"):
        key = doors.key(role, (mine,))
        for foreign, absent in (("theirs", "absent"), (foreign_id, absent_id)):
            for kind, fields in (
                ("claim_task", claim()),
                ("freeze_project", {}),
                ("apply_plan", {"tasks": [{"key": "a", "title": "A"}]}),
                ("lose_session", None),
                ("open_session", {"projects": ["NAME"]}),
                ("acquire_locks", {"session": SESSION, "incarnation": 1, "claims": [{"claim": "path:repo:/**"}]}),
            ):
                if fields is None:
                    continue
                texts = []
                for name in (foreign, absent):
                    sent = fields | ({"projects": [name]} if kind == "open_session" else {"project": name})
                    answer = await doors.command(kind, sent, key=key)
                    texts.append((answer.status, answer.body.replace(name.encode(), b"NAME"), answer.headers))
                if role == "viewer" and kind == "open_session":
                    continue
                assert texts[0][:2] == texts[1][:2], (role, kind)
                assert texts[0][0] == 404, (role, kind)
    assert not any(isinstance(one.event, SessionOpened | CommandRefused) for one in doors.fakes.world.log)


async def test_a_name_that_can_be_none_is_not_even_looked_up() -> None:
    doors = Doors()
    for name, code in (("a\0b", 422), ("x" * 100_000, 422), ("", 422), ("ü", 404), ("../etc", 404)):
        answer = await doors.command("freeze_project", {"project": name})
        assert (answer.status, answer.code) == (code, "invalid_command" if code == 422 else "unknown_thing")
        assert len(answer.body) < 2_000
