"""A task without what was said of it."""

from typing import Final, assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.sealing import ERASED, blanked, says
from domain.task.events import TaskPlanned
from domain.task.sealed import SEALED as SEALINGS
from domain.task.state import Assigned, Backoff, Ended, Parked, Pending, Phase, Ready, Running, Settled, Task
from domain.task.terms import Origin

_WORDS: Final = SEALINGS[TaskPlanned.TYPE].fields


def without_words(task: Task) -> Task:
    """The task as a fold would make it that reads no words any more; what decides over tasks stays."""
    return replace(
        task,
        plan=_plan(task.plan),
        phase=_phase(task.phase),
        checkpoint=None if task.checkpoint is None else ERASED,
        handover=ERASED if task.handover else "",
        failure=ERASED if task.failure else "",
        artifacts=(),
        attention=Map(dict.fromkeys(task.attention, ERASED)),
        erased=True,
    )


def _plan(plan: TaskPlanned) -> TaskPlanned:
    said = plan.model_dump(mode="json", include=set(_WORDS))
    gone = {field: blanked(kind, said[field], ERASED) for field, kind in _WORDS.items() if says(kind, said[field])}
    if "origin" in gone:
        gone["origin"] = Origin.model_validate(gone["origin"])
    return plan.model_copy(update=gone)


def _phase(phase: Phase) -> Phase:
    match phase:
        case Settled():
            output = f'"{ERASED}"' if phase.output else ""
            leaving = phase.leaving and replace(phase.leaving, said=ERASED if phase.leaving.said else "")
            return replace(phase, summary=ERASED if phase.summary else "", output=output, leaving=leaving)
        case Parked():
            return replace(phase, reason=ERASED if phase.reason else "")
        case Pending() | Ready() | Assigned() | Running() | Backoff() | Ended():
            return phase
        case _:
            assert_never(phase)
