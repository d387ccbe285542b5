"""What people say of a run beside steering it: remarks, and that they have seen what it asked them to look at."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event

SeenTopic = Literal["revised_fact", "run_budget"]
"""What is over once somebody has seen it; whatever else a run asks for ends with its cause."""


class RunAnnotated(Event):
    """Somebody has said something of the run, or of one of its phases; nothing follows from it."""

    TYPE: ClassVar[str] = "run.annotated.v1"
    place: str
    """Empty for the run as a whole."""
    text: str
    by: str
    """Principal."""
    at: Instant


class RunAttentionDismissed(Event):
    """A person has seen why the run asked for attention."""

    TYPE: ClassVar[str] = "run.attention_dismissed.v1"
    topic: SeenTopic
    place: str
    """Phase whose fact was revised; empty for the budget."""
    by: str
    """Principal."""
    at: Instant


RemarkEvent = RunAnnotated | RunAttentionDismissed
