"""Fair share: whose turn it is among projects, by their weights and by what they got so far and hold now."""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.message import Message


class ShareRow(Message):
    """A project in a checkpoint."""

    project: str
    weight: int
    served: float


class Shares:
    """What each project got, in assignments per unit of weight.

    The project with the least of (got + holds) / weight is next. So projects that always have work get assignments in
    proportion to their weights, to within what they hold and one turn; none is passed over for ever; and one that comes
    with work after a pause begins where the others are, instead of making up for the pause.
    """

    def __init__(self) -> None:
        self._weights: Final[dict[ProjectId, int]] = {}
        self._served: Final[dict[ProjectId, float]] = {}
        self._held: Final[dict[StreamId, ProjectId]] = {}
        self._holds: Final[dict[ProjectId, int]] = {}

    def score(self, project: ProjectId, further: int = 0) -> float:
        """What the project has; ``further`` assignments are about to be added."""
        weight = self._weights.get(project, 1)
        return self._served.get(project, 0.0) + (self._holds.get(project, 0) + 2 * further) / weight

    def next_of(self, projects: Iterable[ProjectId], further: Mapping[ProjectId, int]) -> ProjectId:
        """Whose turn it is; ``projects`` holds one at least."""
        return min(projects, key=lambda one: (self.score(one, further.get(one, 0)), one))

    def weigh(self, project: ProjectId, weight: int) -> None:
        """The project's weight from here on."""
        self._weights[project] = weight

    def awake(self, project: ProjectId, active: Iterable[ProjectId]) -> None:
        """The project has work again: it does not make up for the time without."""
        least = min((self._served.get(one, 0.0) for one in active), default=None)
        if least is not None and least > self._served.get(project, 0.0):
            self._served[project] = least

    def begin(self, project: ProjectId, task: StreamId) -> None:
        """The project got an assignment; telling it twice counts once."""
        if task not in self._held:
            self.hold(project, task)
            self._served[project] = self._served.get(project, 0.0) + 1 / self._weights.get(project, 1)

    def hold(self, project: ProjectId, task: StreamId) -> None:
        """A session works on the task, and that was counted before."""
        self._held[task] = project
        self._holds[project] = self._holds.get(project, 0) + 1

    def holds(self, task: StreamId) -> bool:
        """Whether a session works on the task."""
        return task in self._held

    def end(self, task: StreamId) -> None:
        """The attempt is over."""
        project = self._held.pop(task, None)
        if project is None:
            return
        self._holds[project] -= 1
        if not self._holds[project]:
            del self._holds[project]

    def take_back(self, task: StreamId) -> None:
        """The assignment fell before it was stored."""
        project = self._held.get(task)
        if project is not None:
            self.end(task)
            self._served[project] -= 1 / self._weights.get(project, 1)

    def dump(self) -> tuple[ShareRow, ...]:
        """Weights and what was served, for a checkpoint; what is held stands with the tasks."""
        return tuple(
            ShareRow(project=one, weight=self._weights.get(one, 1), served=self._served.get(one, 0.0))
            for one in sorted({*self._weights, *self._served})
        )

    def load(self, rows: Iterable[ShareRow]) -> None:
        """Take in what was dumped, and only that."""
        self._served.clear()
        for row in rows:
            self._weights[ProjectId(row.project)] = row.weight
            self._served[ProjectId(row.project)] = row.served
