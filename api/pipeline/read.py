"""Reading a pipeline file: text in, the definition out, or every mistake of form that can be told at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from api.pipeline.forms import (
    BranchForm,
    EdgeForm,
    InnerForm,
    JoinForm,
    MapForm,
    MatrixForm,
    PhaseForm,
    PipelineForm,
    RepeatForm,
)
from api.pipeline.gate_forms import ExternalForm, GateEvidenceForm, GateForm, RungForm, WaitForm
from api.pipeline.lowered import definition_of
from api.pipeline.places import place_in
from api.pipeline.work_forms import CallForm, FieldForm, RetryForm, ScopeForm, UndoForm, WorkForm
from api.plan.faults import FAULTS_MAX
from api.plan.form_faults import is_echo, path_of, words_of
from api.plan.json_text import read_json
from api.plan.lines import Path, place_of
from api.plan.model import BudgetEntry, EscalationEntry
from api.plan.nodes import Node, Place, UnreadableError, plain
from api.plan.text import checked, decoded
from api.plan.yaml_text import read_yaml
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.flow import Concurrency, Settle
from domain.kernel.pipeline.gate import Quorum, Voter

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class PipelineFault:
    """One mistake or warning with its line, from 1; nothing of the file was published."""

    code: str
    message: str
    advice: str
    source: str
    line: int
    column: int
    phase: str = ""
    field: str = ""
    severity: str = "fault"

    def __str__(self) -> str:
        about = [f"phase {self.phase}"] if self.phase else []
        about += [self.field] if self.field else []
        word = "" if self.severity == "fault" else f"{self.severity}: "
        told = "".join(f"{part}: " for part in about)
        return f"{self.source}:{self.line}:{self.column}: {word}{told}{self.message}. {self.advice}"


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """A definition whose form is right; whether it is sound is for ``lint``."""

    definition: Definition
    root: Node
    source: str

    def place(self, path: Path) -> Place:
        """Where a part of the definition stands in the file."""
        return place_in(self.root, path, self.definition)


def read_pipeline_bytes(data: bytes, source: str) -> PipelineFile | tuple[PipelineFault, ...]:
    """The definition of a file's bytes, UTF-8, YAML or where the name ends in ``.json`` strict JSON; or its faults."""
    try:
        return read_pipeline(decoded(data), source)
    except UnreadableError as error:
        return (_unreadable(error, source),)


def read_pipeline(text: str, source: str) -> PipelineFile | tuple[PipelineFault, ...]:
    """The same of a text."""
    try:
        text = checked(text)
        root = read_json(text) if source.lower().endswith(".json") else read_yaml(text)
    except UnreadableError as error:
        return (_unreadable(error, source),)
    if root is None:
        advice = "Write `pipeline:` and `phases:`."
        return (PipelineFault("empty", "the file says nothing", advice, source, 1, 1),)
    try:
        form = PipelineForm.model_validate(plain(root))
    except ValidationError as error:
        return _form_faults(error, root, source)
    return PipelineFile(definition_of(form), root, source)


def _unreadable(error: UnreadableError, source: str) -> PipelineFault:
    return PipelineFault(error.code, error.message, error.advice, source, error.at.line, error.at.column)


_NO_NAME: Final = (
    "this is no name",
    "Use a-z, 0-9 and _, beginning with a letter, at most 63; pipelines are named with hyphens.",
)


def _form_faults(error: ValidationError, root: Node, source: str) -> tuple[PipelineFault, ...]:
    details = error.errors(include_url=False)
    found = [_fault(detail, root, source) for detail in details if not is_echo(detail, root)]
    return tuple(sorted(dict.fromkeys(found), key=lambda fault: (fault.line, fault.column)))[:FAULTS_MAX]


def _fault(detail: "ErrorDetails", root: Node, source: str) -> PipelineFault:
    path = path_of(detail)
    code, message, advice = words_of(detail, path, root, _form_at(path), _NO_NAME)
    place = place_of(root, path)
    inside = len(path) >= 2 and path[0] == "phases"
    field = ".".join(map(str, path[2:] if inside else path))
    return PipelineFault(code, message, advice, source, *place, "".join(map(str, path[1:2])) if inside else "", field)


_BELOW: Final[dict[str, type[BaseModel]]] = {
    "work": WorkForm,
    "undo": UndoForm,
    "gate": GateForm,
    "wait": WaitForm,
    "branch": BranchForm,
    "map": MapForm,
    "matrix": MatrixForm,
    "pipeline": CallForm,
    "external": ExternalForm,
    "repeat": RepeatForm,
    "retry": RetryForm,
    "budget": BudgetEntry,
    "budget_soft": BudgetEntry,
    "scope": ScopeForm,
    "needs": EdgeForm,
    "join": JoinForm,
    "quorum": Quorum,
    "eligible": Voter,
    "settle": Settle,
    "concurrency": Concurrency,
    "inputs": FieldForm,
    "outputs": FieldForm,
    "evidence": GateEvidenceForm,
    "escalate": EscalationEntry,
    "phases": PhaseForm,
}
"""The form below a field of that name; what a field holds by name or in a list is one step further down."""
_BY_NAME: Final = frozenset({"phases", "inputs", "outputs", "evidence"})


def _form_at(path: Path) -> type[BaseModel]:
    """The form that holds the field at the end of a path."""
    form: type[BaseModel] = PipelineForm
    place = 0
    while place < len(path) - 1:
        step = path[place]
        if isinstance(step, str) and step in form.model_fields and step in _BELOW:
            above, form = form, _BELOW[step]
            if above is GateForm and step == "escalate":
                form = RungForm
            if above is RepeatForm and step == "phases":
                form = InnerForm
            place += step in _BY_NAME
        place += 1
    return form
