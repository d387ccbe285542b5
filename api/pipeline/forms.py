"""The form of a pipeline file: every field with its type, bounds and meaning, the one source of checks and schema."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from api.pipeline.fields import Cel, Span, arm_named, only_one
from api.pipeline.gate_forms import ExternalForm, GateForm, WaitForm
from api.pipeline.work_forms import Called, Fields, WorkForm
from api.plan.fields import as_in
from api.plan.model import BudgetEntry, Form
from api.plan.notation import refused
from domain.kernel.pipeline.definition import PHASES_MAX, Definition, RepeatPhase
from domain.kernel.pipeline.flow import Concurrency, Edge, JoinRule, Map, Matrix, Settle
from domain.kernel.pipeline.words import PhaseKey, PipelineName, Word
from domain.kernel.pipeline.work import OnExhausted
from domain.kernel.values import Scalar
from domain.kernel.work import Label

Outputs = Annotated[dict[Word, Cel], Field(max_length=64)]


class EdgeForm(Form):
    """A phase that comes before."""

    phase: PhaseKey
    accept: tuple[Literal["succeeded", "failed", "skipped", "blocked", "cancelled"], ...] = as_in(Edge, "accept")
    arm: Word | None = None


_Need = Annotated[EdgeForm, BeforeValidator(arm_named, json_schema_input_type=str | EdgeForm)]


class JoinForm(Form):
    """When a phase with several needs begins."""

    rule: JoinRule | None = None
    at_least: int | None = Field(default=None, ge=1, le=1_000)
    losers: Literal["let_run", "cancel"] = "let_run"


def _rule(value: object) -> object:
    return {"rule": value} if isinstance(value, str) else value


class BranchForm(Form):
    """Takes the first arm that is true."""

    arms: Annotated[dict[Word, Cel], Field(min_length=1, max_length=64)]
    default: Word | None = None
    exhaustive: bool = False


_Axis = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=1_000)] | Cel
_Point = Annotated[dict[Word, Scalar], Field(min_length=1, max_length=16)]


class MatrixForm(Form):
    """The product of its axes, without what is excluded, and with what is included on top."""

    axes: Annotated[dict[Word, _Axis], Field(min_length=1, max_length=16)]
    """Values by axis, or an expression that gives a list."""
    exclude: tuple[_Point, ...] = as_in(Matrix, "exclude")
    include: tuple[_Point, ...] = as_in(Matrix, "include")


class MapForm(Form):
    """The same for each item."""

    over: Cel | None = None
    matrix: MatrixForm | None = None
    item_key: Cel | None = None
    """What names an item; none takes the item itself."""
    work: WorkForm | None = None
    pipeline: Called | None = None
    max_items: int = as_in(Map, "max_items")
    max_parallel: int = as_in(Map, "max_parallel")
    settle: Settle = Settle()
    on_empty: Literal["succeed", "skip"] = "succeed"
    on_exhausted: OnExhausted = "fail"

    @model_validator(mode="after")
    def _says_what(self) -> "MapForm":
        only_one(self, ("work", "pipeline"), "what is done for each item")
        return self


KINDS: Final = ("work", "gate", "wait", "branch", "map", "pipeline", "external", "repeat")
"""Fields of a phase of which it has one; a phase without any does nothing but join."""


class InnerForm(Form):
    """A phase."""

    title: str = as_in(Definition, "title")
    needs: Annotated[tuple[_Need, ...], Field(max_length=PHASES_MAX)] = ()
    """What comes before it: keys, ``branch.arm``, or mappings with accepted outcomes."""
    join: Annotated[JoinForm, BeforeValidator(_rule, json_schema_input_type=JoinRule | JoinForm)] = JoinForm()
    when: Cel | None = None
    """What has to hold, or it is skipped."""
    optional: bool = False
    """Whether the run may succeed although it failed."""
    point_of_no_return: bool = False
    """Once it has succeeded, nothing before it is undone by itself."""
    work: WorkForm | None = None
    gate: GateForm | None = None
    wait: WaitForm | None = None
    branch: BranchForm | None = None
    map: MapForm | None = None
    pipeline: Called | None = None
    on_exhausted: OnExhausted = "fail"
    """Of a pipeline and a repeat: what follows when it gives up."""
    external: ExternalForm | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "InnerForm":
        given = [name for name in KINDS if getattr(self, name, None) is not None]
        if len(given) > 1:
            raise refused(f"it is {' and '.join(given)} at once", "Make a phase of each.")
        if self.on_exhausted != "fail" and not {"pipeline", "repeat"} & set(given):
            advice = "Say it inside of `work` or `map`."
            raise refused("on_exhausted stands beside a pipeline or a repeat only", advice)
        if self.point_of_no_return and not {"work", "gate", "map", "pipeline"} & set(given):
            advice = "Say it of work, a gate, a map or a pipeline."
            raise refused("nothing of this phase could be undone", advice)
        return self


class RepeatForm(Form):
    """Runs its phases again and again until a condition holds."""

    phases: Annotated[dict[PhaseKey, InnerForm], Field(min_length=1, max_length=100)]
    until: Cel
    max_iterations: int = as_in(RepeatPhase, "max_iterations")
    budget: BudgetEntry = BudgetEntry()
    outputs: Outputs = Field(default_factory=dict[str, Any])


class PhaseForm(InnerForm):
    """A phase."""

    repeat: RepeatForm | None = None


class PipelineForm(Form):
    """A definition of a pipeline."""

    pipeline: PipelineName
    """Its name, unique in the project."""
    title: str = as_in(Definition, "title")
    description: str = as_in(Definition, "description")
    inputs: Fields = Field(default_factory=dict[str, Any])
    """What a run is started with, by name."""
    phases: Annotated[dict[PhaseKey, PhaseForm], Field(min_length=1, max_length=PHASES_MAX)]
    """Phases by key."""
    outputs: Outputs = Field(default_factory=dict[str, Any])
    """What a run says when it has succeeded, by name."""
    failure: Literal["fail_fast", "continue"] = "fail_fast"
    live_attempts: Literal["drain", "cancel"] = "drain"
    on_failure: Literal["nothing", "compensate"] = "nothing"
    on_cancel: Literal["nothing", "compensate"] = "nothing"
    undo_parallel: bool = False
    best_effort: bool = False
    undo_ttl: Span | None = None
    deadline: Span | None = None
    budget: BudgetEntry = BudgetEntry()
    """Of a run with all that is inside of it; what would go beyond is parked."""
    budget_soft: BudgetEntry = BudgetEntry()
    """From which on a person is told."""
    concurrency: Concurrency | None = None
    labels: tuple[Label, ...] = as_in(Definition, "labels")


def pipeline_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a pipeline file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PipelineForm.model_json_schema()}
