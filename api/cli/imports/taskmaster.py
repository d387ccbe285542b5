"""Task Master: its tasks file, with one list of tasks for each tag or, as it was before, a single one."""

from collections.abc import Iterable, Sequence
from typing import Final

from api.cli.imports.drafts import (
    Draft,
    Drafts,
    Fields,
    Imported,
    faulty,
    fields_of,
    list_of,
    object_in,
    read_json,
    said,
    sections,
)

PRIORITIES: Final = {"critical": 40, "high": 20, "medium": 0, "low": -20}
OVER: Final = {"done": "done", "completed": "done", "cancelled": "cancelled", "deferred": "deferred"}


def read_taskmaster(content: bytes, tag: str | None) -> Imported:
    """The tasks of one tag that are not over, their subtasks as parts. Raises Refused."""
    drafts = Drafts()
    for task in _tasks(fields_of(read_json(content), "the file"), tag):
        number = said(task, "id")
        needs = _named(task)
        subtasks = [fields_of(one, "a subtask") for one in list_of(task.get("subtasks"), "subtasks")]
        _add(drafts, number, task, needs, None)
        for subtask in subtasks:
            own = tuple(other if "." in other else f"{number}.{other}" for other in _named(subtask))
            # What the whole waits for, its parts wait for as well.
            _add(drafts, f"{number}.{said(subtask, 'id')}", subtask, (*needs, *own), number)
    return drafts.imported()


def _tasks(whole: Fields, tag: str | None) -> Sequence[Fields]:
    below = {name: object_in(value) for name, value in whole.items()}
    tags = {name: fields for name, fields in below.items() if fields is not None and "tasks" in fields}
    if "tasks" in whole and tag is None:
        found: object = whole["tasks"]
    else:
        chosen = tag or ("master" if "master" in tags else next(iter(tags), ""))
        if chosen not in tags or (tag is None and "master" not in tags and len(tags) > 1):
            raise faulty(f"which tag? there are {', '.join(sorted(tags)) or 'none'}", "Name one of them with --tag.")
        found = tags[chosen].get("tasks")
    return [fields_of(one, "a task") for one in list_of(found, "tasks")]


def _named(task: Fields) -> tuple[str, ...]:
    names: Iterable[object] = list_of(task.get("dependencies"), "dependencies")
    return tuple(str(one) for one in names if isinstance(one, int | str) and not isinstance(one, bool))


def _add(drafts: Drafts, name: str, task: Fields, needs: tuple[str, ...], parent: str | None) -> None:
    status = said(task, "status").lower()
    if status in OVER:
        drafts.leave_out(name, OVER[status])
        return
    if status in ("in-progress", "review"):
        drafts.note(f"{name} is {status} there: it is imported as not begun")
    drafts.add(
        name,
        Draft(
            title=said(task, "title"),
            body=sections(
                ("", said(task, "description")),
                ("Details", said(task, "details")),
                ("How to test", said(task, "testStrategy")),
            ),
            priority=PRIORITIES.get(said(task, "priority").lower(), 0),
            needs=needs,
            parent=parent,
        ),
    )
