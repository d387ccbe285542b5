"""The query page: whole from the package, for a browser of a known host, under a policy that lets nothing else in."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from api.console.assets import PATHS, POLICY, read_assets
from api.graphql.asgi import Receive, Scope, Send
from tests.support.doors import Doors
from tests.support.graphql import Installation, installed


async def _no_graphql(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("not asked here")


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_every_file_is_served_without_a_key_and_under_the_policy(path: str) -> None:
    answer = await Doors(graphql=_no_graphql).ask("GET", path, key=None)
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == POLICY.decode()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body == read_assets()[path].body


async def test_a_foreign_host_and_another_method_are_refused() -> None:
    doors = Doors(graphql=_no_graphql)
    assert (await doors.ask("GET", "/query", key=None, headers={"host": "evil.example"})).status == 421
    assert (await doors.ask("POST", "/query", {}, key=None)).status == 405


async def test_without_graphql_there_is_no_page() -> None:
    assert (await Doors().ask("GET", "/query")).status == 404


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path, asset in read_assets().items():
        text = asset.body.decode()
        assert "//" not in re.sub(r"(?m)//\s.*$", "", text), path
        named = re.findall(r"(?:src|href)=\"([^\"]+)\"|from \"([^\"]+)\"", text)
        assert {one for pair in named for one in pair if one} <= {*PATHS, "data:,"}, path


def test_what_is_shown_is_never_markup() -> None:
    for path, asset in read_assets().items():
        found = re.findall(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", asset.body)
        assert not found, path


async def test_every_question_of_the_page_is_one_that_the_schema_answers(box: Installation) -> None:
    """A document that fits the schema is answered; the page's own ones have to fit."""
    script = read_assets()["/query/query.js"].body.decode()
    block = script[script.index("const EXAMPLES = {") : script.index("};")]
    examples = [orjson.loads(f'"{text}"') for text in re.findall(r'^  "[^"]+": "((?:[^"\\]|\\.)*)",$', block, re.M)]
    assert len(examples) >= 5
    for document in examples:
        if not document.startswith("subscription"):
            assert "edges" in str(await box.owner.ask(document)) or "status" in document
            continue
        status, content = await box.owner.post(orjson.dumps({"query": document, "variables": {}}))
        assert (status, content["errors"][0]["extensions"]["code"]) == (400, "wrong_operation"), content
    schema = read_assets()["/query/schema.js"].body.decode()
    kind = re.search(r'const TYPE = "([^"]+)"', schema)
    question = re.search(r"const QUESTION = `([^`]+)`", schema)
    assert kind
    assert question
    found = await box.owner.ask(question[1].replace("${TYPE}", kind[1]))
    assert {"Query", "Mutation", "Subscription"} <= {one["name"] for one in found["__schema"]["types"]}
