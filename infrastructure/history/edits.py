"""The file that says what a fork does differently."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from domain.catalogue import EVENTS
from domain.kernel.past.errors import EditNotPossible
from infrastructure.history.forking import EDITS_MAX, Edits
from infrastructure.log.port import LogRow
from projections.kernel.errors import RequestRefused

TEXT_BYTES_MAX: Final = 8 * 1_048_576


class Edit(BaseModel):
    """One of ``drop``, ``change`` (with ``event``, the fields that replace) and ``add`` (behind an event, with
    ``stream``, ``type`` and ``event``); each names an event by its position or by stream and version."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    drop: str | None = Field(default=None, max_length=200)
    change: str | None = Field(default=None, max_length=200)
    add: str | None = Field(default=None, max_length=200)
    stream: str | None = Field(default=None, max_length=200)
    type: str | None = Field(default=None, max_length=200)
    event: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(one is not None for one in (self.drop, self.change, self.add)) != 1:
            raise ValueError("an edit is one of drop, change and add")
        wanted = {"drop": set[str](), "change": {"event"}, "add": {"stream", "type", "event"}}[self.kind]
        given = {name for name in ("stream", "type", "event") if getattr(self, name) is not None}
        if given != wanted:
            raise ValueError(f"{self.kind} takes {', '.join(sorted(wanted)) or 'nothing else'}")
        return self

    @property
    def kind(self) -> Literal["drop", "change", "add"]:
        """Which of the three."""
        return "drop" if self.drop is not None else "change" if self.change is not None else "add"


_EDITS: Final = TypeAdapter(list[Edit])
_EVENTS: Final = {event.TYPE: event for event in EVENTS}


def read_edits(text: str, find: Callable[[str], LogRow], *, until: int) -> Edits:
    """The edits of a YAML or JSON list; ``find`` leads from the name of an event to it, and the copy ends at ``until``.

    What would change nothing, like a field that the event does not have, is refused. Raises RequestRefused.
    """
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise _refused(f"it has more than {TEXT_BYTES_MAX} bytes")
    try:
        said = _EDITS.validate_python(yaml.safe_load(text) or [])
    except yaml.YAMLError as problem:
        raise _refused(f"it is no YAML: {str(problem).partition(chr(10))[0]}") from problem
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        words = first["msg"].removeprefix("Value error, ")
        raise _refused(": ".join(filter(None, (".".join(map(str, first["loc"])), words)))) from problem
    if len(said) > EDITS_MAX:
        raise _refused(f"it has more than {EDITS_MAX} edits")
    edits = Edits()
    for edit in said:
        row = find(edit.drop or edit.change or edit.add or "")
        if row.position > until:
            raise _refused(f"@{row.position} lies behind @{until}, where the copy ends")
        match edit.kind:
            case "drop":
                edits.dropped.add(row.position)
                edits.streams.add(row.stream)
            case "change":
                _require_fields(row.type, edit.event or {}, orjson.loads(row.state))
                edits.changed.setdefault(row.position, {}).update(edit.event or {})
                edits.streams.add(row.stream)
            case "add":
                _require_fields(edit.type or "", edit.event or {}, {})
                made = (edit.stream or "", edit.type or "", edit.event or {})
                edits.added.setdefault(row.position, []).append(made)
                edits.streams.add(made[0])
    if both := edits.dropped & edits.changed.keys():
        raise _refused(f"@{min(both)} is both changed and dropped")
    return edits


def _require_fields(name: str, fields: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """What is stored under a former name is known by what stands in it; of a name that is nobody's the fork tells."""
    kind = _EVENTS.get(name)
    unknown = [] if kind is None else sorted(fields.keys() - kind.model_fields.keys() - stored.keys())
    if unknown:
        raise _refused(f"{name} has no field {unknown[0]}")


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(EditNotPossible(what="be edited so", reason=reason))
