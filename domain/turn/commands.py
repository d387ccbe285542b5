"""What may be asked of the line of a key: only what follows by itself."""

from typing import ClassVar

from domain.kernel.message import ProjectCommand


class TakeTurn(ProjectCommand):
    """A place has come free, and the run is the next in line (derived by the policy give_turns)."""

    NAME: ClassVar[str] = "take_turn"
    run: str


class GiveWay(ProjectCommand):
    """A run that came later takes the place of this one (derived by the policy replace_runs)."""

    NAME: ClassVar[str] = "give_way"
    run: str
    to: str
    """Id of the run that came later."""
