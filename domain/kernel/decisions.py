"""How a command finds the pure function that decides it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.kernel.decider import Decision, View
from domain.kernel.message import Command, Stamp

Decide = Callable[[Any, Stamp, View], Decision]
"""(command, stamp, view) -> decision, for one class of command."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The decision of every command class; a command without one cannot be asked."""

    decisions: Mapping[type[Command], Decide]

    def decide(self, command: Command, stamp: Stamp, view: View) -> Decision:
        """Decide one command. Raises StreamsMissing where the view has to load first."""
        return self.decisions[type(command)](command, stamp, view)
