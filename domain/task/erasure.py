"""A task without what was said of it."""

from typing import assert_never

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.sealing import ERASED, blanked
from domain.task.sealed import SEALED as SEALINGS
from domain.task.state import Assigned, Backoff, Ended, Parked, Pending, Phase, Ready, Running, Settled, Task


def without_words(task: Task) -> Task:
    """The task as a fold would make it that reads no words any more; what decides over tasks stays."""
    blanks = {
        field: blanked(kind, getattr(task.plan, field), ERASED)
        for field, kind in SEALINGS[task.plan.TYPE].fields.items()
        if getattr(task.plan, field)
    }
    return replace(
        task,
        plan=task.plan.model_copy(update=blanks),
        phase=_phase(task.phase),
        checkpoint=None if task.checkpoint is None else ERASED,
        handover=ERASED if task.handover else "",
        failure=ERASED if task.failure else "",
        artifacts=(),
        attention=Map(dict.fromkeys(task.attention, ERASED)),
        erased=True,
    )


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
