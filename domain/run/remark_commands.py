"""What may be said of a run beside steering it."""

from typing import ClassVar

from pydantic import Field

from domain.kernel.text import Reference
from domain.run.commands import RunVerb
from domain.run.remark_events import SeenTopic

ANNOTATION_CHARACTERS_MAX = 1_000
ANNOTATIONS_MAX = 1_000
"""Of one run."""


class AnnotateRun(RunVerb):
    """Say something of a run, or of one of its phases, for whoever reads it later; nothing follows from it."""

    NAME: ClassVar[str] = "annotate_run"
    text: str = Field(min_length=1, max_length=ANNOTATION_CHARACTERS_MAX)
    phase: Reference | None = None
    """None for the run as a whole."""


class DismissRunAttention(RunVerb):
    """A person has seen why a run asks for attention; whatever is not named here ends with its cause."""

    NAME: ClassVar[str] = "dismiss_run_attention"
    topic: SeenTopic
    phase: Reference | None = None
    """Phase whose fact was revised; None for the budget."""
