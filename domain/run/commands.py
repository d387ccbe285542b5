"""What may be asked of runs."""

from typing import ClassVar, Literal

from pydantic import Field

from domain.kernel.message import COUNT_MAX, ProjectCommand
from domain.kernel.text import JsonText, Reference

GRACE_SECONDS = 30
GRACE_SECONDS_MAX = 3_600


class RunVerb(ProjectCommand):
    """Something asked of a run that exists."""

    run: Reference
    expected_revision: int | None = Field(default=None, ge=1, le=COUNT_MAX)
    """Refused where the run is at another one; None asks in any case."""


class PauseRun(RunVerb):
    """Begin nothing new; live attempts may finish. A paused run stays as it is."""

    NAME: ClassVar[str] = "pause_run"
    reason: str = Field(default="", max_length=500)


class ResumeRun(RunVerb):
    """Go on. A run that is not paused stays as it is."""

    NAME: ClassVar[str] = "resume_run"


class CancelRun(RunVerb):
    """Settle a run as cancelled; live attempts are told, and lose their tokens after a grace."""

    NAME: ClassVar[str] = "cancel_run"
    reason: str = Field(default="", max_length=500)
    grace_seconds: int = Field(default=GRACE_SECONDS, ge=0, le=GRACE_SECONDS_MAX)


class SkipPhase(RunVerb):
    """Settle a phase that has not settled as skipped, so that what follows takes it for not wanted."""

    NAME: ClassVar[str] = "skip_phase"
    phase: Reference
    reason: str = Field(min_length=1, max_length=500)


class ResolvePhase(RunVerb):
    """Settle a parked phase by hand."""

    NAME: ClassVar[str] = "resolve_phase"
    phase: Reference
    outcome: Literal["succeeded", "failed"]
    output: JsonText = ""
    reason: str = Field(min_length=1, max_length=500)


class TellRun(ProjectCommand):
    """Something happened to a task of the run (derived by the policy tell_run)."""

    NAME: ClassVar[str] = "tell_run"
    run: str
    task: str


class ReachRunStart(ProjectCommand):
    """The earliest start of a run has come (derived)."""

    NAME: ClassVar[str] = "reach_run_start"
    run: str
