"""What a project has spent of its budget, and what is set aside of it, as claims are decided with."""

from typing import NamedTuple

from domain.dispatch.lookup import lock_stream
from domain.kernel.decider import View
from domain.kernel.ids import ProjectId
from domain.kernel.values import Spend
from domain.lock.decider import LOCKS


class Account(NamedTuple):
    """Of one project, with bounds or without."""

    spent: Spend
    """By work that has ended."""
    reserved: Spend
    """What work under way may still spend."""


def account_of(project: ProjectId, view: View) -> Account:
    """How the account of a project stands."""
    space = view.read(LOCKS, lock_stream(project))
    return Account(space.spent, space.coverage.reserved)
