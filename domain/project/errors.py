"""Refusals of a project."""

from domain.kernel.errors import Rejection


class ProjectNameTaken(Rejection):
    """There is a project {name} already, with other settings.

    Use it as it is or choose another name; names are taken for ever.
    """

    name: str


class ProjectIsFrozen(Rejection):
    """The project {name} is frozen: nothing new is dispatched.

    Finish what you hold and ask again after somebody unfroze it.
    """

    name: str
