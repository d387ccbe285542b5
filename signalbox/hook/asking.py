"""Commands to the server and what they are answered with."""

from json import dumps

from signalbox.hook.reading import UnreadableError, is_object, number_in, object_of, objects_in, text_in
from signalbox.hook.wire import NoAnswerError, Wire

SESSION_OVER = frozenset({"session_was_lost", "session_has_ended"})
"""Refusals after which the same agent may go on with its next life."""
BATCH_MAX = 100
"""Commands that the server takes in one request."""
HEAD = "{ status { head } }"
NOT_THERE = frozenset({"unknown_thing", "not_session_owner"})


class RefusedError(Exception):
    """The server said no."""

    def __init__(self, error: "dict[str, object]") -> None:
        super().__init__(text_in(error, "message"))
        self.code = text_in(error, "code")
        self.kind = text_in(error, "kind")
        self.message = text_in(error, "message")
        self.advice = text_in(error, "next")
        data = error.get("data")
        self.data: dict[str, object] = data if is_object(data) else {}


class Answer:
    """What an accepted command was answered with; ``repeated`` where it was accepted before under the same id."""

    __slots__ = ("fields", "repeated")

    def __init__(self, fields: "dict[str, object]", *, repeated: bool) -> None:
        self.fields = fields
        self.repeated = repeated


def command(wire: Wire, name: str, fields: "dict[str, object]", command_id: str = "") -> Answer:
    """One command. Raises RefusedError, NoAnswerError."""
    envelope: dict[str, object] = {"type": name, "command": fields}
    if command_id:
        envelope["id"] = command_id
    return _answer(_asked(wire, "/v1/commands", envelope))


def commands(wire: Wire, several: "list[tuple[str, dict[str, object]]]") -> "list[Answer | RefusedError]":
    """Many, a hundred in one request, decided in order, each on its own. Raises RefusedError, NoAnswerError."""
    envelopes = [{"type": name, "command": fields} for name, fields in several]
    found: list[Answer | RefusedError] = []
    for start in range(0, len(envelopes), BATCH_MAX):
        told = _asked(wire, "/v1/commands", {"commands": envelopes[start : start + BATCH_MAX]})
        found += [_either(one) for one in objects_in(_refused_or(told), "results")]
    return found


def heartbeat(wire: Wire, beat: "dict[str, object]") -> "dict[str, object]":
    """The answer to a heartbeat. Raises RefusedError, NoAnswerError."""
    return _refused_or(_asked(wire, "/v1/heartbeat", beat))


def graphql(wire: Wire, query: str, variables: "dict[str, object]") -> "dict[str, object]":
    """The ``data`` of an answer. Raises RefusedError, NoAnswerError."""
    told = _asked(wire, "/graphql", {"query": query, "variables": variables})
    for error in objects_in(told, "errors"):
        raise RefusedError({"code": "bad_query", "message": text_in(error, "message")})
    data = _refused_or(told).get("data")
    return data if is_object(data) else {}


def head(wire: Wire) -> int:
    """Where the log ends: whatever anybody was answered a moment ago is in what is read from here on.

    Raises RefusedError, NoAnswerError.
    """
    status = graphql(wire, HEAD, {}).get("status")
    return int(number_in(status, "head")) if is_object(status) else 0


def _either(fields: "dict[str, object]") -> "Answer | RefusedError":
    try:
        return _answer(fields)
    except RefusedError as refused:
        return refused


def _answer(fields: "dict[str, object]") -> Answer:
    answer = _refused_or(fields).get("answer")
    return Answer(answer if is_object(answer) else {}, repeated=fields.get("repeated") is True)


def _refused_or(fields: "dict[str, object]") -> "dict[str, object]":
    error = fields.get("error")
    if not is_object(error):
        return fields
    if number_in(error, "status") >= 500 or text_in(error, "kind") == "UNKNOWN_OUTCOME":
        raise NoAnswerError(text_in(error, "message"))
    raise RefusedError(error)


def _asked(wire: Wire, path: str, content: "dict[str, object]") -> "dict[str, object]":
    body = wire.ask(path, dumps(content).encode())
    try:
        return object_of(body.decode(errors="replace"))
    except UnreadableError as error:
        raise NoAnswerError(f"the answer of {wire.url} cannot be understood: {error}") from error
