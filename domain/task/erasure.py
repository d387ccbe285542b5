"""A task without what was said of it."""

from immutables import Map

from domain.kernel.change import replace
from domain.kernel.sealing import ERASED, blank
from domain.task.sealed import SEALED as SEALINGS
from domain.task.state import Task


def without_words(task: Task) -> Task:
    """The task as a fold would make it that reads no words any more; what decides over tasks stays."""
    blanks = {
        field: blank(kind, ERASED)
        for field, kind in SEALINGS[task.plan.TYPE].fields.items()
        if getattr(task.plan, field)
    }
    return replace(
        task,
        plan=task.plan.model_copy(update=blanks),
        checkpoint=None if task.checkpoint is None else ERASED,
        handover=ERASED if task.handover else "",
        failure=ERASED if task.failure else "",
        artifacts=(),
        attention=Map(dict.fromkeys(task.attention, ERASED)),
        erased=True,
    )
