"""What is taken past the parser is what the parser would have made of it."""

from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.http.known_head import HEAD_BYTES_MAX, KnownHead, known_head


class Parsed:
    """Everything that httptools says of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.url = self.body = b""
        self.complete = 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def scope_of(parsed: Parsed) -> dict[str, Any]:
    names = ("type", "asgi", "server", "client", "scheme", "root_path", "raw_path", "query_string")
    fixed: dict[str, Any] = dict.fromkeys(names)
    version, method = parsed.parser.get_http_version(), parsed.parser.get_method().decode()
    return {**fixed, "http_version": version, "method": method, "path": parsed.url.decode(), "headers": parsed.fields}


def learnt(data: bytes) -> KnownHead | None:
    return known_head(data, scope_of(Parsed(data)), None)


def request(length: bytes, body: bytes, more: bytes = b"", *, name: bytes = b"Content-Length: ") -> bytes:
    return b"POST /v1/commands HTTP/1.1\r\nhost: a\r\n" + name + length + b"\r\n" + more + b"\r\n" + body


KNOWN = learnt(request(b"4", b"{..}", b"authorization: Bearer x\r\n"))
bodies = st.binary(max_size=12)
lengths = st.one_of(st.integers(0, 14).map(lambda number: b"%d" % number), st.binary(max_size=3), st.just(b"007"))
mores = st.sampled_from([b"authorization: Bearer x\r\n", b"authorization: Bearer y\r\n", b"", b"content-length: 3\r\n"])


@given(lengths, bodies, mores)
@example(b"5", b"hello", b"authorization: Bearer x\r\n")
@example(b"0", b"", b"authorization: Bearer x\r\n")
@example(b"4", b"1234POST / HTTP/1.1\r\n", b"authorization: Bearer x\r\n")
def test_what_a_known_head_takes_is_what_the_parser_makes_of_it(length: bytes, body: bytes, more: bytes) -> None:
    assert KNOWN is not None
    data = request(length, body, more)
    found = KNOWN.split(data)
    if found is None:
        # Whatever is the same but for the length is taken.
        assert more != b"authorization: Bearer x\r\n" or length != b"%d" % len(body)
        return
    parsed = Parsed(data)
    assert (parsed.complete, parsed.body) == (1, found[1])
    assert KNOWN.scope(found[0], {})["headers"] == parsed.fields


@pytest.mark.parametrize(
    "data",
    [
        request(b"3", b"abc", b"expect: 100-continue\r\n"),
        request(b"3", b"abc", b"x-y: z\r\n", name=b"Content-Length:\t"),
        b"POST / HTTP/1.0\r\ncontent-length: 1\r\n\r\na",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        request(b"3", b"abc", b"x: " + b"y" * HEAD_BYTES_MAX + b"\r\n"),
    ],
)
def test_a_head_that_may_mean_more_than_it_says_is_parsed_each_time(data: bytes) -> None:
    assert learnt(data) is None
