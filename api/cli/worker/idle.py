"""Whether a project is done: no task of it can still move by itself."""

from dataclasses import dataclass
from typing import Final

from signalbox.client.asks import graphql, status
from signalbox.client.asynchronous import AsyncClient
from signalbox.client.errors import ServerUnavailable
from signalbox.client.fields import Fields, integer, items, objects, optional_object

MOVING: Final = ("ASSIGNED", "RUNNING", "BACKOFF")
READY_LOOKED_AT_MAX: Final = 64
"""Ready tasks of which it is found out whether anybody present could do them; of more it is taken for granted."""
QUERY: Final = """query($project: String, $moving: [TaskStatus!], $after: Position) {
moving: tasks(where: {project: $project, status: $moving}, first: 1, after: $after) { stale edges { node { key } } }
ready: tasks(where: {project: $project, status: [READY]}, first: 65, after: $after) { stale edges { node { id } } }
pending: tasks(where: {project: $project, status: [PENDING]}, first: 200, after: $after) {
  stale edges { node { unmetTotal } } }
failed: tasks(where: {project: $project, status: [FAILED, PARKED]}, first: 1, after: $after) { edges { node { key } } }
helpless: tasks(where: {project: $project, needsPerson: true}, first: 1, after: $after) { edges { node { key } } }
}"""


WHY: Final = """query($project: String, $task: String) {
why: explain(project: $project, task: $task) { reasons { code data } } }"""


@dataclass(slots=True)
class Idleness:
    """Asks the board.

    A pending task moves only because another one settles; so where nothing is assigned, running or in backoff, nor
    ready for anybody who is present, what is pending stays so, as does what is parked. One more look confirms it where
    something is pending: the commit that settled its need may be followed by the one that makes it ready.
    """

    client: AsyncClient
    project: str
    in_vain: bool = False
    """Whether, when it was last seen idle, tasks had failed, needed a person, or somebody who is not there."""
    _still_pending: bool = False

    async def __call__(self) -> bool:
        """As of the head of the log; False where that is not known in time."""
        try:
            return await self._look()
        except ServerUnavailable:
            return False

    async def _look(self) -> bool:
        head = integer(await self.client.ask(status()), "head")
        variables = {"project": self.project, "moving": list(MOVING), "after": head}
        board = await self.client.ask(graphql(QUERY, variables))
        moving, ready, pending = (optional_object(board, name) for name in ("moving", "ready", "pending"))
        seen_before, self._still_pending = self._still_pending, False
        if any(one.get("stale") is not False for one in (moving, ready, pending)) or _holds(moving):
            return False
        if not await self._nobody_could_do(nodes(ready)):
            return False
        if any(_waits_for_time(task) for task in nodes(pending)):
            return False
        self.in_vain = (
            _holds(ready) or _holds(optional_object(board, "failed")) or _holds(optional_object(board, "helpless"))
        )
        self._still_pending = _holds(pending)
        return seen_before or not self._still_pending

    async def _nobody_could_do(self, ready: tuple[Fields, ...]) -> bool:
        """Whether each of the ready tasks requires more than any session has that is there, busy or not."""
        if len(ready) > READY_LOOKED_AT_MAX:
            return False
        for task in ready:
            told = await self.client.ask(graphql(WHY, {"project": self.project, "task": task.get("id")}))
            if not any(_lacks(reason) for reason in objects(optional_object(told, "why"), "reasons")):
                return False
        return True


def _lacks(reason: Fields) -> bool:
    """Whether it says that the nearest of the sessions that are present still lacks something."""
    data = optional_object(reason, "data")
    return reason.get("code") == "no_capable_session" and bool(data.get("lacks"))


def _waits_for_time(task: Fields) -> bool:
    """A pending task whose needs are met is ready as soon as its earliest start has come."""
    return task.get("unmetTotal") == 0


def nodes(page: Fields) -> tuple[Fields, ...]:
    """What the edges of a page lead to."""
    return tuple(optional_object(edge, "node") for edge in objects(page, "edges"))


def _holds(page: Fields) -> bool:
    return bool(items(page, "edges"))
