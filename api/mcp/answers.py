"""What a tool answers: plain JSON, short; refusals that say what to do next; the words of others marked as data."""

from typing import Any, Final, NoReturn

import orjson

from api.ports import ServiceFault
from domain.kernel.errors import Rejection

BYTES_PER_TOKEN: Final = 3
"""By this rule sizes are judged here: English prose has more bytes to a token, ids and punctuation fewer."""
REFUSAL_BYTES_MAX: Final = 2_000
PURPOSE_CHARACTERS_MAX: Final = 200
Fields = dict[str, Any]


class ToolRefused(Exception):
    """Control flow: the tool answers with this refusal."""

    def __init__(self, refusal: Fields) -> None:
        super().__init__(str(refusal.get("code", "")))
        self.refusal = refusal


def refuse(rejection: Rejection) -> NoReturn:
    """Raises ToolRefused."""
    raise ToolRefused(told(rejection))


def told(rejection: Rejection) -> Fields:
    """A refusal as an agent reads it."""
    return _refusal(
        rejection.code(), rejection.KIND, rejection.message(), rejection.advice(), rejection.model_dump(mode="json")
    )


def told_error(error: Fields) -> Fields:
    """The same of the typed error that a command is answered with."""
    return _refusal(error["code"], error["kind"], error["message"], error["next"], error.get("data", {}))


def told_fault(fault: ServiceFault) -> Fields:
    """A fault of ours."""
    return _refusal(fault.code, "UNKNOWN_OUTCOME", fault.message, f"{fault.advice} Call the tool again.", {})


def _refusal(code: str, kind: str, message: str, advice: str, data: Fields) -> Fields:
    quoted = [str(one["purpose"]) for one in data.get("blockers", ()) if one.get("purpose")]
    if quoted:
        # A conflict tells what holders say of themselves in the middle of its sentences.
        message, advice = _without(message, quoted), _without(advice, quoted)
        data = data | {"holder": _without(str(data.get("holder", "")), quoted)}
        data["blockers"] = [_marked(one) for one in data["blockers"]]
    refusal: Fields = {"refused": code, "kind": kind, "why": message, "next": advice}
    if data and len(orjson.dumps(data)) <= REFUSAL_BYTES_MAX:
        refusal["data"] = data
    return refusal


def _without(text: str, quoted: list[str]) -> str:
    for words in quoted:
        text = text.replace(f" ({words})", "")
    return text


def _marked(blocker: Fields) -> Fields:
    purpose = str(blocker["purpose"])
    return (
        blocker | {"purpose": untrusted(purpose, str(blocker["session"]), PURPOSE_CHARACTERS_MAX)}
        if purpose
        else blocker
    )


def untrusted(text: str, by: str, characters_max: int) -> Fields:
    """A text that somebody else wrote: in a field of its own, with its author, cut where it is long."""
    marked: Fields = {"untrusted": text[:characters_max], "by": by}
    if len(text) > characters_max:
        marked["characters_left_out"] = len(text) - characters_max
    return marked


def present(**fields: Any) -> Fields:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}


def size_tokens(value: object) -> int:
    """About how many tokens the JSON of a value takes."""
    return -(-len(orjson.dumps(value)) // BYTES_PER_TOKEN)
