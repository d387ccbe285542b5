"""No input whatsoever brings a fault or a trace out of the doors: every answer is typed and none is a 500."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import COMMANDS
from tests.support.doors import Answer, Doors

PATHS = ("/v1/commands", "/v1/heartbeat", "/v1/keys", "/v1/wait", "/v1/events", "/v1/status", "/healthz", "/nowhere")
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["shop", "sess_" + "0" * 26, "7", "task_" + "z" * 26])
)  # fmt: skip
CONTENT = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
)
NAMES = sorted({name for kind in COMMANDS.values() for name in kind.model_fields} | {"type", "id", "command", "x"})
FIELDS = st.dictionaries(st.sampled_from(NAMES), CONTENT, max_size=6)
ONE = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMANDS)) | st.text(max_size=10), "command": FIELDS},
    optional={"id": st.text(max_size=30), "wait_seconds": st.floats(-1, 0.01) | CONTENT},
)
BODIES = (
    st.binary(max_size=200)
    | CONTENT.map(lambda content: json.dumps(content).encode())
    | FIELDS.map(lambda content: json.dumps(content).encode())
    | ONE.map(lambda content: json.dumps(content).encode())
    | st.lists(ONE, max_size=4).map(lambda many: json.dumps({"commands": many}).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "content-length", "traceparent", "x-correlation-id", "authorization", "host"]),
    st.text(st.characters(max_codepoint=255), max_size=30),
    max_size=2,
)
QUERIES = st.text(st.characters(max_codepoint=255), max_size=60) | st.dictionaries(
    st.sampled_from(["project", "stream", "after", "limit"]), st.text(max_size=10) | st.integers(), max_size=3
).map(lambda fields: "&".join(f"{name}={value}" for name, value in fields.items()))


Asked = Callable[[str, str, bytes, Mapping[str, str]], Answer]


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    """The doors of one server, which have to stand all the examples one after the other."""
    with asyncio.Runner() as runner:
        doors = Doors()
        runner.run(doors.project("shop"))
        yield lambda method, target, body, headers: runner.run(asked(doors, method, target, body, headers))
        runner.run(doors.app.close())


@settings(max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(PATHS),
    query=QUERIES,
    body=BODIES,
    headers=HEADERS,
)
def test_every_answer_is_typed_and_none_is_a_fault(
    ask: Asked, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
) -> None:
    # The wait door is asked not to wait, unless the query says something else about it.
    answer = ask(method, f"{path}?{query or 'timeout_seconds=0'}", body, headers)
    assert answer.status != 500, answer.body
    assert b"Traceback" not in answer.body
    if answer.status >= 400:
        error = answer.content["error"]
        assert error["code"]
        assert error["next"]
    elif answer.content.get("results"):
        codes = [one["error"]["code"] for one in answer.content["results"] if not one["ok"]]
        assert "internal" not in codes


async def asked(doors: Doors, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    gone = asyncio.Event()
    hanging_up = asyncio.get_running_loop().call_later(0.1, gone.set)
    given_headers = {"content-type": "application/json", **headers}
    answer = await doors.ask(method, target, body, headers=given_headers, hang_up=gone)
    hanging_up.cancel()
    # Who hung up is owed nothing.
    return answer if answer.status else Answer(200, {}, b"{}")
