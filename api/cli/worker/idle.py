"""Whether a project is done: no task of it can still move by itself."""

from dataclasses import dataclass
from typing import Final

from signalbox.client.asks import graphql, status
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import ServerUnavailable
from signalbox.client.fields import Fields, integer, items, objects, optional_object

MOVING: Final = ("READY", "ASSIGNED", "RUNNING", "BACKOFF")
QUERY: Final = """query($project: String, $moving: [TaskStatus!], $after: Position) {
moving: tasks(where: {project: $project, status: $moving}, first: 1, after: $after) { stale edges { node { key } } }
pending: tasks(where: {project: $project, status: [PENDING]}, first: 200, after: $after) {
  stale edges { node { unmetTotal } } }
failed: tasks(where: {project: $project, status: [FAILED, PARKED]}, first: 1, after: $after) { edges { node { key } } }
helpless: tasks(where: {project: $project, needsPerson: true}, first: 1, after: $after) { edges { node { key } } }
}"""


@dataclass(slots=True)
class Idleness:
    """Asks the board.

    A pending task moves only because another one settles; so where nothing is ready, assigned, running or in backoff,
    what is pending stays so, as does what is parked. One more look confirms it where something is pending: the commit
    that settled its need may be followed by the one that makes it ready.
    """

    client: AsyncClient
    project: str
    in_vain: bool = False
    """Whether, when it was last seen idle, tasks had failed or needed a person."""
    _still_pending: bool = False

    async def __call__(self) -> bool:
        """As of the head of the log; False where that is not known in time."""
        try:
            head = integer(await self.client.ask(status()), "head")
            variables = {"project": self.project, "moving": list(MOVING), "after": head}
            board = await self.client.ask(graphql(QUERY, variables))
        except ServerUnavailable:
            return False
        moving, pending = optional_object(board, "moving"), optional_object(board, "pending")
        seen_before, self._still_pending = self._still_pending, False
        if moving.get("stale") is not False or pending.get("stale") is not False or _holds(moving):
            return False
        if any(_waits_for_time(task) for task in nodes(pending)):
            return False
        self.in_vain = _holds(optional_object(board, "failed")) or _holds(optional_object(board, "helpless"))
        self._still_pending = _holds(pending)
        return seen_before or not self._still_pending


def _waits_for_time(task: Fields) -> bool:
    """A pending task whose needs are met is ready as soon as its earliest start has come."""
    return task.get("unmetTotal") == 0


def nodes(page: Fields) -> tuple[Fields, ...]:
    """What the edges of a page lead to."""
    return tuple(optional_object(edge, "node") for edge in objects(page, "edges"))


def _holds(page: Fields) -> bool:
    return bool(items(page, "edges"))
