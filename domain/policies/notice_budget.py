"""Notice budget: whenever something was spent, the project's soft budget is looked at."""

from typing import Final

from domain.kernel.decider import View
from domain.kernel.ids import StreamId
from domain.kernel.policy import Cause, Derived, Policy
from domain.lock.events import LocksReleased
from domain.project.commands import NoticeBudget
from domain.project.decider import PROJECT
from domain.project.settings import ProjectBudget
from domain.project.state import Project


def react(cause: Cause, view: View) -> tuple[Derived, ...]:
    """One command where the project has a soft budget that nobody was told of yet."""
    if not isinstance(cause.event, LocksReleased) or cause.event.spent is None:
        return ()
    stream = StreamId(cause.project)
    project = view.read(PROJECT, stream)
    if not isinstance(project, Project) or project.budget_noticed or project.settings.budget_soft == ProjectBudget():
        return ()
    return (Derived(NoticeBudget(project=cause.project), stream, cause.project),)


NOTICE_BUDGET: Final = Policy("notice_budget", (LocksReleased,), react)
