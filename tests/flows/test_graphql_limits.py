"""What is too much is refused at once, whatever shape it has."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from api.graphql.documents import CACHED_MAX, DocumentInvalid, Documents
from api.graphql.errors import Refused
from tests.support.graphql import Installation, installed, schema

CPU_SECONDS_MAX = 0.05
SCHEMA = schema()


def chain(count: int, inner: str) -> str:
    return (
        "query { ...F0 } "
        + " ".join(
            f"fragment F{number} on Query {{ {inner} ...F{number + 1} x{number}: __typename ...F{number + 1} }}"
            for number in range(count)
        )
        + f" fragment F{count} on Query {{ status {{ node }} }}"
    )


ATTACKS = {
    "bomb of fragments": (chain(29, ""), "document_too_large"),
    "bomb with fields": (chain(12, "status { node }"), "document_too_large"),
    "more fragments than fit": (chain(60, ""), "document_too_large"),
    "circle of fragments": (
        "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }",
        "invalid_document",
    ),
    "aliases": ("{" + "".join(f"a{n}: __typename " for n in range(31)) + "}", "document_too_large"),
    "one field many times": ("{ status {" + "node " * 490 + "} }", "document_too_large"),
    "many fields nobody spreads": ("{ __typename } fragment U on Task {" + "key " * 1900 + "}", "document_too_large"),
    "unknown fields": ("{" + "".join(f"x{n} " for n in range(490)) + "}", "invalid_document"),
    "directives": ("{ __typename" + " @include(if: true)" * 21 + "}", "document_too_large"),
    "tokens": ("{" + " a" * 2_100 + "}", "document_too_large"),
    "bytes": ('{ task(id: "' + "x" * 33_000 + '") { stale } }', "document_too_large"),
    "brackets": ("{a" * 990, "invalid_document"),
    "lists": ("{ tasks(where: {project: " + "[" * 1_500, "invalid_document"),
    "a deep question": (
        (
            "{ tasks(first: 1) { edges { node { session { attempts { task { session { attempts { task { session"
            " { id } } } } } } } } } } }"
        ),
        "document_too_large",
    ),
    "costly pages": (
        "{ tasks(first: 200) { edges { node { needs { task { session { id } } } } } } }",
        "document_too_large",
    ),
    "pages in a fragment": (
        (
            "{ tasks { ...C } } fragment C on TaskConnection { edges { node { session { attempts { task { needs"
            " { key } } } } } } }"
        ),
        "document_too_large",
    ),
    "walks beside each other": (
        "{" + "".join(f'a{n}: standstills(project: "p") {{ lookedAt }} ' for n in range(5)) + "}",
        "document_too_large",
    ),
    "a walk with all that it finds": (
        '{ standstills(project: "p") { lookedAt standstills { summary steps { words } } } }',
        None,
    ),
    "a huge page": ("{ tasks(first: 2000000000) { edges { node { needs { key } session { id } } } } }", None),
    "the schema in circles": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "document_too_large",
    ),
    "the schema many times": (
        "{ a: __schema { types { name } } b: __schema { types { name } } c: __schema { types { name } } }",
        "document_too_large",
    ),
    "fragments side by side": (
        "{"
        + "".join(f"...F{n} " for n in range(30))
        + "}"
        + "".join(f"fragment F{n} on Query {{ status {{ node }} }}" for n in range(30)),
        None,
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_less_than_fifty_milliseconds(name: str) -> None:
    text, code = ATTACKS[name]
    seconds: list[float] = []
    found: str | None = None
    told = ""
    for _ in range(4):
        documents = Documents(SCHEMA)
        began = time.process_time()
        try:
            documents.read(text)
            found = None
        except Refused as refused:
            found = refused.rejection.code()
        except DocumentInvalid as invalid:
            found, told = "invalid_document", str(invalid.errors)
        seconds.append(time.process_time() - began)
    assert found == code
    assert "Did you mean" not in told
    assert min(seconds) < CPU_SECONDS_MAX


def test_what_is_just_allowed_is_read() -> None:
    documents = Documents(SCHEMA)
    for text in (
        "{" + "".join(f"a{n}: __typename " for n in range(30)) + "}",
        "{ __typename" + " @include(if: true)" * 0 + "}",
        "{ tasks(first: 200) { edges { node { session { id } needs { key } } } } }",
        "{ tasks(first: 1) { edges { node { session { attempts { task { session { attempts { token } } } } } } } } }",
    ):
        documents.read(text)


def test_the_same_text_is_read_once_and_the_cache_ends() -> None:
    documents = Documents(SCHEMA)
    first = documents.read("{ __typename }")
    assert documents.read("{ __typename }") is first
    for number in range(CACHED_MAX):
        documents.read(f"query Q{number} {{ __typename }}")
    assert documents.read("{ __typename }") is not first


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(tmp_path) as installation:
        yield installation


async def test_a_page_size_in_a_variable_is_counted_with_each_request(box: Installation) -> None:
    question = "query($n: Int!) { tasks(first: $n) { edges { node { needs { task { session { id } } } } } } }"
    await box.owner.ask(question, n=50)
    assert (await box.owner.refused(question, n=200))["code"] == "document_too_large"
    assert (await box.owner.refused(question, n="many"))["code"] == "document_too_large"


async def test_only_one_json_object_by_post_is_taken(box: Installation) -> None:
    body = b'{"query": "{ __typename }"}'
    assert (await box.owner.post(body))[0] == 200
    assert (await box.owner.post(body, method="GET"))[0] == 405
    assert (await box.owner.post(b"[" + body + b"]"))[0] == 400
    assert (await box.owner.post(b'{"query": 1}'))[0] == 400
    assert (await box.owner.post(b"nonsense"))[0] == 400
    assert (await box.owner.post(b'{"query": "' + b" " * 1_100_000 + b'"}'))[0] == 400
    for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""):
        assert (await box.owner.post(body, content_type=kind))[0] == 400
    for key in ("", "Basic x", "Bearer nonsense"):
        assert (await box.owner.post(body, authorization=key))[0] == 401
    mutation = orjson.dumps({"query": "subscription { events { position } }"})
    assert (await box.owner.post(mutation))[1]["errors"][0]["extensions"]["code"] == "wrong_operation"


async def test_no_field_is_suggested(box: Installation) -> None:
    for query in (
        "{ taskz { position } }",
        "{ tasks(ordr: X) { position } }",
        "query($o: TaskOrdr) { tasks(order: $o) { position } }",
    ):
        _, content = await box.owner.post(orjson.dumps({"query": query}))
        assert "Did you mean" not in str(content)
    question = "query($o: TaskOrder!) { tasks(order: $o) { position } }"
    _, content = await box.owner.post(orjson.dumps({"query": question, "variables": {"o": "URGENT_FIRS"}}))
    assert "Did you mean" not in str(content)
    assert content["errors"][0]["extensions"]["code"] == "invalid_document"
