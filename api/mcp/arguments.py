"""What tools take: models with a description for each argument, and their schema in as few words as possible."""

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.mcp.answers import refuse
from api.mcp.errors import ArgumentsUnfit
from api.parsing import faults_of, summary_of

Text = Annotated[str, Field(max_length=65_536)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Arguments(BaseModel):
    """Arguments of every tool: who calls. A client's hook may fill them in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    session: Annotated[Name | None, Field(description="From prime")] = None
    incarnation: Annotated[int | None, Field(ge=1, le=2**53, description="From prime")] = None
    agent: Annotated[str | None, Field(max_length=100, description="Your name if you are a sub-agent")] = None


def read(tool: str, kind: type[Arguments], fields: dict[str, Any]) -> Arguments:
    """The checked arguments. Raises ToolRefused, which names each field at fault."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False))
        refuse(ArgumentsUnfit(tool=tool, summary=summary_of(faults)))


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """JSON Schema of the arguments without what says nothing: titles, nulls, defaults that are absence."""
    schema = kind.model_json_schema()
    definitions = cast("dict[str, Any]", schema.pop("$defs", {}))
    schema.pop("description", None)
    schema.pop("additionalProperties", None)
    return cast("dict[str, Any]", _plain(schema, definitions))


_SILENT = frozenset({"title", "maxLength", "minLength", "maxItems", "maxProperties", "additionalProperties"})
_ABSENT = (("default", None), ("default", ""), ("maximum", 2**53))


def _plain(node: object, definitions: dict[str, Any]) -> object:
    if isinstance(node, list):
        return [_plain(one, definitions) for one in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    known = cast("dict[str, Any]", node)
    if "$ref" in known:
        known = definitions[known["$ref"].rpartition("/")[2]] | {k: v for k, v in known.items() if k != "$ref"}
    if "anyOf" in known:
        kept = [one for one in known["anyOf"] if one.get("type") != "null"]
        rest = {key: value for key, value in known.items() if key != "anyOf"}
        known = {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}
        return _plain(known, definitions)
    plain: dict[str, Any] = {}
    for key, value in known.items():
        if key == "properties":
            plain[key] = {name: _plain(one, definitions) for name, one in value.items()}
        elif key not in _SILENT and (key, value) not in _ABSENT:
            plain[key] = _plain(value, definitions)
    return plain
