"""Runs inside of runs: whose child a run is, which versions it pins for its own, and that one was started."""

from typing import ClassVar, Literal

from domain.kernel.ids import Instant
from domain.kernel.message import Event, Message
from domain.kernel.pipeline.work import Work


class ParentRun(Message):
    """The run that began another one, and for which of its phases."""

    run: str
    place: str
    generation: int
    purpose: Literal["work", "undo"] = "work"
    """``undo`` takes back what the run of this place and generation has done."""
    root: str
    """The run that nobody began."""
    ancestry: tuple[str, ...]
    """Names of the pipelines from the root down to the parent."""


class Pin(Message):
    """The version of another pipeline that was the latest when the run was begun."""

    pipeline: str
    version: int


class ChildStarted(Event):
    """A phase is done by a run of its own, whose id follows from run, place and generation: asked twice it is one."""

    TYPE: ClassVar[str] = "run.child_started.v1"
    place: str
    generation: int
    child: str
    at: Instant


class RunRolledBack(Event):
    """Another run takes back what this one has done. How it ended stays as it was."""

    TYPE: ClassVar[str] = "run.rolled_back.v1"
    rollback: str
    """Id of the run that takes it back."""
    reason: str
    by: str
    at: Instant


class AdoptedEffect(Message):
    """An entry of the ledger of another run."""

    place: str
    generation: int
    kind: str
    """Of the phase."""
    title: str
    task: str
    """Or the run that did the work."""
    settled_as: int
    outcome: str
    work: Work | None = None
    """That had the effect, where the definition says otherwise by now."""
    is_earlier: bool = False
    """Whether it was done by another version."""


class LedgerAdopted(Event):
    """What another run has done is taken back by this one."""

    TYPE: ClassVar[str] = "run.ledger_adopted.v1"
    source: str
    """Id of the other run."""
    forced: bool
    """Also behind points of no return of what it began."""
    entries: tuple[AdoptedEffect, ...]
    at: Instant


ChildEvent = ChildStarted | RunRolledBack | LedgerAdopted
