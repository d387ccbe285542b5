"""What may be asked of a project."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import FleetCommand, ProjectCommand

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
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
