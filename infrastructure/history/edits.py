"""The file that says what a fork does differently."""

from collections.abc import Callable
from typing import Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

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


def read_edits(text: str, find: Callable[[str], LogRow]) -> Edits:
    """The edits of a YAML or JSON list; ``find`` leads from the name of an event to it. Raises RequestRefused."""
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise _refused(f"it has more than {TEXT_BYTES_MAX} bytes")
    try:
        said = _EDITS.validate_python(yaml.safe_load(text) or [])
    except yaml.YAMLError as problem:
        raise _refused(f"it is no YAML: {str(problem).partition(chr(10))[0]}") from problem
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        raise _refused(f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from problem
    if len(said) > EDITS_MAX:
        raise _refused(f"it has more than {EDITS_MAX} edits")
    edits = Edits()
    for edit in said:
        row = find(edit.drop or edit.change or edit.add or "")
        match edit.kind:
            case "drop":
                edits.dropped.add(row.position)
                edits.streams.add(row.stream)
            case "change":
                edits.changed.setdefault(row.position, {}).update(edit.event or {})
                edits.streams.add(row.stream)
            case "add":
                made = (edit.stream or "", edit.type or "", edit.event or {})
                edits.added.setdefault(row.position, []).append(made)
                edits.streams.add(made[0])
    return edits


def _refused(reason: str) -> RequestRefused:
    return RequestRefused(EditNotPossible(what="be edited so", reason=reason))
