"""What definitions may say that runs do not do yet: refused in words, never passed over."""

from collections.abc import Iterator

from domain.kernel.pipeline.definition import (
    AnyPhase,
    Definition,
    RepeatPhase,
)
from domain.kernel.pipeline.findings import Finding, warning


def not_yet(definition: Definition) -> tuple[str, ...]:
    """Everything that is not done yet, in the order of the definition; empty where all of it is."""
    return tuple(what for phase in definition.phases for what in _of_phase(phase))


def lacking_in(definition: Definition) -> Iterator[Finding]:
    """The same as warnings, where each of it stands."""
    advice = "Publish it without that: a run of it would not be begun."
    of_phases = (
        (("phases", index), phase.key, what)
        for index, phase in enumerate(definition.phases)
        for what in _of_phase(phase)
    )
    for path, key, what in of_phases:
        yield warning("not_yet", path, key, f"this version knows but does not run yet {what}", advice)


def _of_phase(phase: AnyPhase) -> Iterator[str]:
    if isinstance(phase, RepeatPhase):
        yield from _of_loop(phase)


def _of_loop(loop: RepeatPhase) -> Iterator[str]:
    for phase in loop.phases:
        yield from _of_phase(phase)
