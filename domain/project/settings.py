"""What people set of a project beyond its name: where its code lives, what may happen by itself, what it may cost."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from domain.kernel.message import Message

Autopilot = Literal["observe", "fix_forward", "auto_staging", "auto_prod"]
"""Which gates may settle without a person: none, merges, staging too, production too."""
_Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
    Field(description="1 to 63 letters, digits and . _ -, beginning with a letter or digit"),
]
StrategyName = Literal["priority", "optimal", "auction"]
"""How work is given out: to whoever asks, as the best assignment among all who wait, or to who bids most."""
WINDOW_MILLISECONDS: Final = 500
Branch = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Repository(Message):
    """Code that the project works on."""

    name: _Name
    """What scopes call it: ``path:name//src/**``."""
    remote: str = Field(default="", max_length=2_000)
    default_branch: Branch = "main"
    ignores_case: bool = False
    """Whether paths, and names of branches, that differ in letter case only are the same; claims are compared so."""


class EnvironmentPool(Message):
    """Environments of one kind, any of which will do."""

    name: _Name
    members: tuple[_Name, ...] = Field(min_length=1, max_length=1_000)


class ProjectBudget(Message):
    """What all tasks of the project may spend together; None is without bound."""

    tokens: int | None = Field(default=None, ge=1, le=10**18)
    cost_microdollars: int | None = Field(default=None, ge=1, le=10**18)


class ProjectSettings(Message):
    """Everything that may be set; what is not set holds as said here."""

    repositories: tuple[Repository, ...] = Field(default=(), max_length=100)
    protected_branches: tuple[Branch, ...] = Field(default=(), max_length=100)
    environment_pools: tuple[EnvironmentPool, ...] = Field(default=(), max_length=100)
    autopilot: Autopilot = "observe"
    budget_soft: ProjectBudget = ProjectBudget()
    """Beyond it a person is told."""
    budget_hard: ProjectBudget = ProjectBudget()
    """Beyond it nothing is handed out."""
    running_max: int | None = Field(default=None, ge=1, le=10_000)
    """Attempts under way at a time; None is without bound."""
    weight: int = Field(default=1, ge=1, le=1_000)
    """Its share of sessions that serve several projects, relative to theirs."""
    strategy: StrategyName = "priority"
    window_milliseconds: int = Field(default=WINDOW_MILLISECONDS, ge=50, le=10_000)
    """How long sessions and tasks, or bids, are gathered before an optimal assignment or an auction is settled."""

    @property
    def ignoring_case(self) -> frozenset[str]:
        """Names of the repositories in which letter case tells no files apart."""
        return frozenset(one.name for one in self.repositories if one.ignores_case)


DEFAULTS: Final = ProjectSettings()
