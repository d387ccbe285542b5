"""The forms of gates and waits in a pipeline file."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from api.pipeline.fields import Bindings, Cel, Span, only_one
from api.pipeline.work_forms import Fields
from api.plan.fields import as_in
from api.plan.model import Form
from domain.kernel.pipeline.flow import External, OtherArtefact
from domain.kernel.pipeline.gate import EvidenceSubject, Gate, GateClass, Quorum, Voter
from domain.kernel.pipeline.words import PhaseKey, PipelineName, SignalName, Word
from domain.kernel.text import Reference


class GateEvidenceForm(Form):
    """What a vote is about."""

    subject: EvidenceSubject
    value: Cel
    """Where it is, such as ``phases.implement.output.commit``."""


class RungForm(Form):
    """What changes when nobody has decided for so long."""

    after: Span
    notify: tuple[Reference, ...] = Field(default=(), max_length=64)
    eligible: tuple[Voter, ...] = Field(default=(), max_length=64)
    quorum: Quorum | None = None


class GateForm(Form):
    """A question to people and agents."""

    gate_class: Annotated[GateClass, Field(alias="class")]
    """What is at stake: merge, staging, production, strategic."""
    question: str = as_in(Gate, "question")
    inputs: Bindings = Field(default_factory=dict[str, Any])
    evidence: Annotated[dict[Word, GateEvidenceForm], Field(max_length=32)] = Field(default_factory=dict[str, Any])
    automatic: Cel | None = None
    """What has to hold for the gate to settle by itself, where the autopilot lets its class."""
    eligible: tuple[Voter, ...] = as_in(Gate, "eligible")
    quorum: Quorum = Quorum()
    veto: int = as_in(Gate, "veto")
    exclude: tuple[Literal["requester", "evidence_author", "session_tree"], ...] = as_in(Gate, "exclude")
    deadline: Span | None = None
    reminders: Annotated[tuple[Span, ...], Field(max_length=16)] = ()
    escalate: Annotated[tuple[RungForm, ...], Field(max_length=16)] = ()
    on_expiry: Literal["park", "reject", "approve", "arm"] = "park"
    on_reject: Literal["fail", "skip", "rework", "compensate"] = "fail"
    rework: PhaseKey | None = None
    reworks_max: int = as_in(Gate, "reworks_max")
    keep_locks: Span | None = None


class WaitForm(Form):
    """Waits for time to pass, for an instant, or for a signal."""

    time: Span | None = None
    until: Cel | None = None
    """An instant as text."""
    signal: SignalName | None = None
    outputs: Fields = Field(default_factory=dict[str, Any])
    """What the signal carries."""
    deadline: Span | None = None
    on_deadline: Literal["fail", "skip", "park"] = "fail"

    @model_validator(mode="after")
    def _says_what(self) -> "WaitForm":
        only_one(self, ("time", "until", "signal"), "what it waits for")
        return self


class ExternalForm(Form):
    """Waits for a fact of another project."""

    project: Reference
    run: Cel | None = None
    latest: PipelineName | None = None
    """The latest run of that definition."""
    correlation_key: Cel | None = None
    task: Cel | None = None
    artefact: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    constraint: str = as_in(OtherArtefact, "constraint")
    signal: SignalName | None = None
    accept: tuple[Literal["succeeded", "failed", "cancelled"], ...] = as_in(External, "accept")
    match: Literal["existing_or_future", "future_only"] = "existing_or_future"
    max_age: Span | None = None
    deadline: Span | None = None
    on_deadline: Literal["fail", "skip", "park"] = "fail"
    on_revised: Literal["ignore", "attention", "pause", "rework"] = "attention"

    @model_validator(mode="after")
    def _says_what(self) -> "ExternalForm":
        only_one(self, ("run", "latest", "task", "artefact", "signal"), "what it waits for")
        return self
