"""What definitions may say that runs do not do yet: refused in words, never passed over."""

from collections.abc import Iterator

from domain.kernel.pipeline.definition import (
    AnyPhase,
    Definition,
    RepeatPhase,
)
from domain.kernel.pipeline.findings import Finding, warning
from domain.kernel.pipeline.flow import Call
from domain.kernel.work import Budget
from domain.run.children import call_of


def not_yet(definition: Definition) -> tuple[str, ...]:
    """Everything that is not done yet, in the order of the definition; empty where all of it is."""
    return (*_of_whole(definition), *(what for phase in definition.phases for what in _of_phase(phase)))


def lacking_in(definition: Definition) -> Iterator[Finding]:
    """The same as warnings, where each of it stands."""
    advice = "Publish it without that: a run of it would not be begun."
    whole = (((), "", what) for what in _of_whole(definition))
    of_phases = (
        (("phases", index), phase.key, what)
        for index, phase in enumerate(definition.phases)
        for what in _of_phase(phase)
    )
    for path, key, what in (*whole, *of_phases):
        yield warning("not_yet", path, key, f"this version knows but does not run yet {what}", advice)


def _of_whole(definition: Definition) -> Iterator[str]:
    if definition.budget != Budget():
        yield "a budget of the run"


def _of_phase(phase: AnyPhase) -> Iterator[str]:
    if isinstance(phase, RepeatPhase):
        yield from _of_loop(phase)
    call = call_of(phase)
    if call is not None:
        yield from _of_call(phase.key, call)


def _of_call(key: str, call: Call) -> Iterator[str]:
    if call.budget != Budget():
        yield f"a budget of what {key} calls"


def _of_loop(loop: RepeatPhase) -> Iterator[str]:
    if loop.budget != Budget():
        yield f"a budget of all iterations of {loop.key}"
    for phase in loop.phases:
        yield from _of_phase(phase)
