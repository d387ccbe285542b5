"""What two definitions have differently: phase by phase, by what each does and by where it stands."""

from dataclasses import dataclass
from typing import cast

from domain.kernel.pipeline.definition import AnyPhase, Definition
from domain.kernel.pipeline.digest import spec_digest
from domain.kernel.pipeline.graph import every_phase


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that says something else; None where nothing is said."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A phase of both: whether it does something else, or only stands elsewhere."""

    key: str
    does_other: bool
    """Its spec digest differs: a run that has settled it cannot keep it."""
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class DefinitionDifferences:
    """Keys in the order of the definitions."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[PhaseChange, ...]
    unchanged: tuple[str, ...]
    whole: tuple[FieldChange, ...]
    """Fields of the definition itself."""

    @property
    def nothing(self) -> bool:
        return not (self.added or self.removed or self.changed or self.whole)


def differences_of(before: Definition, after: Definition) -> DefinitionDifferences:
    """Compare two definitions; names need not be the same."""
    one = {phase.key: phase for phase in every_phase(before)}
    other = {phase.key: phase for phase in every_phase(after)}
    both = [(one[key], other[key]) for key in other if key in one]
    changes = [_change(was, now) for was, now in both]
    return DefinitionDifferences(
        added=tuple(key for key in other if key not in one),
        removed=tuple(key for key in one if key not in other),
        changed=tuple(change for change in changes if change.fields),
        unchanged=tuple(change.key for change in changes if not change.fields),
        whole=_fields(
            before.model_dump(mode="json", exclude={"phases"}), after.model_dump(mode="json", exclude={"phases"}), ""
        ),
    )


def _change(before: AnyPhase, after: AnyPhase) -> PhaseChange:
    # The phases inside of a loop are compared as phases of their own.
    was = before.model_dump(mode="json", exclude={"phases"})
    now = after.model_dump(mode="json", exclude={"phases"})
    return PhaseChange(after.key, spec_digest(before) != spec_digest(after), _fields(was, now, ""))


def _fields(before: object, after: object, path: str) -> tuple[FieldChange, ...]:
    """The innermost fields that differ; lists are compared as they are."""
    if before == after and type(before) is type(after):
        return ()
    was, now = _mapping(before), _mapping(after)
    if was is None or now is None:
        return (FieldChange(path, before, after),)
    found: list[FieldChange] = []
    for name in dict.fromkeys((*was, *now)):
        inner = f"{path}.{name}" if path else name
        found += _fields(was.get(name), now.get(name), inner)
    return tuple(found)


def _mapping(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
