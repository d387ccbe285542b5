"""What may be asked of a project."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import COUNT_MAX, FleetCommand, ProjectCommand
from domain.kernel.text import Reference
from domain.project.settings import (
    Autopilot,
    Branch,
    EnvironmentPool,
    ProjectBudget,
    ProjectSettings,
    Repository,
    StrategyName,
)

Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
    Field(description="1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit"),
]
"""A name that fits in a URL: 1-63 of a-z, 0-9 and hyphen."""


class CreateProject(FleetCommand):
    """Make a project. Repeating it with the same settings changes nothing."""

    NAME: ClassVar[str] = "create_project"
    name: Slug
    lock_delay_seconds: int = Field(default=30, ge=0, le=600)
    """How long path locks of a lost session stay shut (locks.md 10)."""


class FreezeProject(ProjectCommand):
    """Dispatch nothing new; live work may end."""

    NAME: ClassVar[str] = "freeze_project"
    reason: str = Field(default="", max_length=500)


class UnfreezeProject(ProjectCommand):
    """Dispatch again."""

    NAME: ClassVar[str] = "unfreeze_project"


class UpdateProject(ProjectCommand):
    """Change settings; a field that is left out keeps its value, a list is replaced as a whole."""

    NAME: ClassVar[str] = "update_project"
    repositories: tuple[Repository, ...] | None = Field(default=None, max_length=100)
    protected_branches: tuple[Branch, ...] | None = Field(default=None, max_length=100)
    environment_pools: tuple[EnvironmentPool, ...] | None = Field(default=None, max_length=100)
    autopilot: Autopilot | None = None
    budget_soft: ProjectBudget | None = None
    budget_hard: ProjectBudget | None = None
    running_max: int | None = Field(default=None, ge=0, le=10_000)
    """0 takes the bound away."""
    weight: int | None = Field(default=None, ge=1, le=1_000)
    strategy: StrategyName | None = None
    window_milliseconds: int | None = Field(default=None, ge=50, le=10_000)

    def applied_to(self, settings: ProjectSettings) -> ProjectSettings:
        """The settings with what the command says."""
        said = {name: getattr(self, name) for name in ProjectSettings.model_fields if getattr(self, name) is not None}
        if said.get("running_max") == 0:
            said["running_max"] = None
        return ProjectSettings.model_validate({**dict(settings), **said})


class GrantNeeds(ProjectCommand):
    """Let tasks of another project need tasks of this one."""

    NAME: ClassVar[str] = "grant_needs"
    to: Reference
    """Name or id of the other project."""


class RevokeNeeds(ProjectCommand):
    """Let no further tasks of another project need tasks of this one; needs that exist stay.

    Its runs hear no further fact of runs of this one.
    """

    NAME: ClassVar[str] = "revoke_needs"
    to: Reference


class NoticeBudget(ProjectCommand):
    """Something was spent (derived by the policy notice_budget)."""

    NAME: ClassVar[str] = "notice_budget"


BookmarkName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$"),
    Field(description="1 to 63 of a-z, 0-9 and _ . -, beginning with a letter"),
]


class SetBookmark(ProjectCommand):
    """Give a position of the log a name in this project, in place of what had it before."""

    NAME: ClassVar[str] = "set_bookmark"
    name: BookmarkName
    position: int = Field(ge=0, le=COUNT_MAX)


class RemoveBookmark(ProjectCommand):
    """Let the name stand for nothing; one that does already changes nothing."""

    NAME: ClassVar[str] = "remove_bookmark"
    name: BookmarkName
