"""Explanations from the states that a node decides with."""

from collections.abc import Callable, Sequence

from api.composition.our_words import in_our_words
from domain.dispatch.explain_locks import explain_lock
from domain.dispatch.explain_run import explain_run
from domain.dispatch.explain_session import explain_session
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.dispatch.lookup import lock_stream
from domain.dispatch.spent import Account, account_of
from domain.dispatch.standstill import Standstill, Work, standstills
from domain.kernel.decider import View
from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, ProjectId
from domain.lock.decider import LOCKS
from infrastructure.runtime.node import Node


class Explainer:
    """Asks the explaining functions with the node's hints and states. Raises ServiceFault."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def task(self, project: ProjectId, name: str) -> Explanation | Rejection:
        """Why a task of the project is not worked on."""
        hints, now = self._node.hints, self._now()
        look = self._node.looker.look(lambda view: explain_task(name, project, hints.ready, hints.serving, now, view))
        return await in_our_words(look)

    async def session(self, name: str, sees: Callable[[str], bool]) -> Explanation | Rejection:
        """Why a session has no work in the projects that are seen."""
        ready, now = self._node.hints.ready, self._now()
        return await in_our_words(self._node.looker.look(lambda view: explain_session(name, sees, ready, now, view)))

    async def lock(self, project: ProjectId, token: str) -> Explanation | Rejection:
        """Who holds the locks of a token of the project."""
        return await in_our_words(self._node.looker.look(lambda view: explain_lock(token, project, view)))

    async def run(self, project: ProjectId, name: str, place: str) -> Explanation | Rejection:
        """Why a run of the project, or one place of it, does not go on."""
        hints, now = self._node.hints, self._now()

        def look(view: View) -> Explanation | UnknownThing:
            def task(one: str) -> Explanation | UnknownThing:
                return explain_task(one, project, hints.ready, hints.serving, now, view)

            return explain_run(name, place, project, now, view, task)

        return await in_our_words(self._node.looker.look(look))

    async def standstills(self, project: ProjectId, works: Sequence[Work]) -> tuple[Standstill, ...]:
        """The circles of waits among these tasks of the project and its lock space."""
        stream = lock_stream(project)
        return await in_our_words(self._node.looker.look(lambda view: standstills(works, view.read(LOCKS, stream))))

    async def account(self, project: ProjectId) -> Account:
        """What the project has spent and set aside."""
        return await in_our_words(self._node.looker.look(lambda view: account_of(project, view)))

    def _now(self) -> Instant:
        return Instant(self._node.log.now())
