"""Where each task and field of a plan stands in its text."""

from collections.abc import Mapping as Fields
from collections.abc import Sequence as Tasks
from dataclasses import dataclass

from api.plan.nodes import Mapping, Node, Place, Scalar, Sequence
from domain.task.commands import Need, PlannedTask

Path = tuple[str | int, ...]
"""Names and indices from the root: ``("tasks", 3, "needs", 0)``."""


@dataclass(frozen=True, slots=True)
class PlanLines:
    """Places by task key and field, for faults that only the server can tell."""

    tasks: Fields[str, Place]
    fields: Fields[tuple[str, str], Place]
    """By key of the task and name of the field; a field taken from ``defaults`` is not among them."""
    defaults: Fields[str, Place]
    needs: Fields[tuple[str, str], Place]
    """By key of the task and key of the needed one; one of another project has that in front: ``project/key``."""

    def of(self, task: str, field: str | None = None, need: str | None = None) -> Place:
        """The best place for a field of a task: its own, that of the default, the task's, the first line.

        ``field`` may be a path such as ``requires.lang``; its first name counts. The command's
        ``timeout_seconds`` is the file's ``timeout``. ``need`` leads to one entry of ``needs``.
        """
        if need is not None and (task, need) in self.needs:
            return self.needs[task, need]
        name = (field or "").partition(".")[0].removesuffix("_seconds")
        here = self.fields.get((task, name)) or (self.defaults.get(name) if task in self.tasks else None)
        return here or self.tasks.get(task, Place(1, 1))


def lines_of(root: Node, planned: Tasks[PlannedTask]) -> PlanLines:
    """The places of a tree that led to these tasks, in its order."""
    tasks: dict[str, Place] = {}
    fields: dict[tuple[str, str], Place] = {}
    needs: dict[tuple[str, str], Place] = {}
    for node, task in zip(_entries_of(root, ("tasks",)), planned, strict=True):
        tasks[task.key] = node.at
        if isinstance(node, Mapping):
            fields.update({(task.key, name): entry.at for name, entry in node.entries.items()})
        needs.update({(task.key, named(need)): at for need, at in zip(task.needs, need_places(node), strict=True)})
    return PlanLines(tasks, fields, _defaults_of(root), needs)


def named(need: Need) -> str:
    """A need as refusals name it."""
    return f"{need.project}/{need.task}" if need.project else need.task


def need_places(task: Node) -> tuple[Place, ...]:
    """The places of a task's needs, in order."""
    return tuple(entry.at for entry in _entries_of(task, ("needs",)))


def place_of(root: Node, path: Path) -> Place:
    """The place of what a path leads to; where the path leaves the tree, of the last part that exists."""
    node, place = root, root.at
    for step in path:
        match node:
            case Mapping(entries=entries) if isinstance(step, str) and step in entries:
                place, node = entries[step].at, entries[step].value
            case Sequence(items=items) if isinstance(step, int) and step < len(items):
                node = items[step]
                place = node.at
            case _:
                break
    return place


def node_of(root: Node, path: Path) -> Node | None:
    """What a path leads to; None where it leaves the tree."""
    node: Node | None = root
    for step in path:
        match node:
            case Mapping(entries=entries) if isinstance(step, str) and step in entries:
                node = entries[step].value
            case Sequence(items=items) if isinstance(step, int) and step < len(items):
                node = items[step]
            case _:
                return None
    return node


def key_of(task: Node | None) -> str | None:
    """How a task names itself, if it does."""
    entry = task.entries.get("key") if isinstance(task, Mapping) else None
    if entry is None or not isinstance(entry.value, Scalar) or not isinstance(entry.value.value, str):
        return None
    return entry.value.value


def _entries_of(root: Node, path: Path) -> tuple[Node, ...]:
    found = node_of(root, path)
    return found.items if isinstance(found, Sequence) else ()


def _defaults_of(root: Node) -> dict[str, Place]:
    defaults = node_of(root, ("defaults",))
    if not isinstance(defaults, Mapping):
        return {}
    return {name: entry.at for name, entry in defaults.entries.items()}
