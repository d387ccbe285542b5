"""How plans and settled needs become edges."""

from typing import Final, assert_never, cast, get_args

from domain.kernel.decider import Recorded
from domain.task.events import TaskNeedSettled, TaskPlanned
from projections.kernel.projection import Projection
from projections.kernel.rows import json_text
from projections.task_needs.rows import TaskNeedRow

TaskNeedsEvent = TaskPlanned | TaskNeedSettled


def keys(recorded: Recorded) -> tuple[str, ...]:
    """Every edge of a plan, or the one that was settled."""
    event = cast(TaskNeedsEvent, recorded.event)
    match event:
        case TaskPlanned():
            return tuple(dict.fromkeys(f"{recorded.stream}/{need.task}" for need in event.needs))
        case TaskNeedSettled():
            return (f"{recorded.stream}/{event.need}",)
        case _:
            assert_never(event)


def evolve(row: TaskNeedRow | None, recorded: Recorded, key: str) -> TaskNeedRow | None:
    """The edge after the event."""
    event = cast(TaskNeedsEvent, recorded.event)
    match event:
        case TaskPlanned():
            return _planned(event, recorded, key)
        case TaskNeedSettled():
            return None if row is None else row._replace(outcome=event.outcome, satisfied=event.satisfied)
        case _:
            assert_never(event)


def _planned(event: TaskPlanned, recorded: Recorded, key: str) -> TaskNeedRow:
    wanted = key.rpartition("/")[2]
    edge = next(need for need in event.needs if need.task == wanted)
    return TaskNeedRow(
        key=key,
        project=recorded.project,
        task=recorded.stream,
        need=edge.task,
        need_name=edge.key,
        accept=json_text(edge.accept),
        outcome=None,
        satisfied=False,
    )


TASK_NEEDS: Final = Projection(
    name="task_needs",
    version=1,
    row=TaskNeedRow,
    handles=frozenset(get_args(TaskNeedsEvent)),
    begins=frozenset({TaskPlanned}),
    keys=keys,
    evolve=evolve,
    indexes=(("task", "key"), ("need", "key")),
)
