"""Reading a plan file: text in, the command and its line numbers out, or every mistake that can be told at once."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError

from api.plan.faults import PlanFault, bounded
from api.plan.fields import REQUIREMENTS_MAX
from api.plan.form_faults import form_faults
from api.plan.graph_faults import graph_faults, unknown_needs
from api.plan.json_text import read_json
from api.plan.lines import PlanLines, lines_of, place_of
from api.plan.model import PlanForm
from api.plan.nodes import Node, Place, UnreadableError, plain
from api.plan.planned import crowded_tasks, planned_tasks
from api.plan.text import checked, decoded
from api.plan.yaml_text import read_yaml
from domain.task.commands import ApplyPlan


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that is sound by itself; whether its needs outside of it exist, the server knows."""

    command: ApplyPlan
    lines: PlanLines
    source: str
    """Name of the file, as faults show it."""

    def unknown_needs(self, existing: Collection[str]) -> tuple[PlanFault, ...]:
        """Needs that are neither in the plan nor among the keys that exist in the project."""
        return bounded(unknown_needs(self.command, self.lines, self.source, existing))


def read_plan(text: str, source: str) -> Plan | tuple[PlanFault, ...]:
    """The plan of a text, or at most FAULTS_MAX faults in the order of the text. Never raises.

    A source whose name ends in ``.json`` is read as strict JSON, any other as YAML. At most 8 MiB and 2,000 tasks.
    """
    try:
        return _read(checked(text), source)
    except UnreadableError as error:
        return (_unreadable(error, source),)


def read_plan_bytes(data: bytes, source: str) -> Plan | tuple[PlanFault, ...]:
    """The same of a file's bytes, which must be UTF-8, with or without a byte order mark."""
    try:
        text = decoded(data)
    except UnreadableError as error:
        return (_unreadable(error, source),)
    return read_plan(text, source)


def _read(text: str, source: str) -> Plan | tuple[PlanFault, ...]:
    root = read_json(text) if source.lower().endswith(".json") else read_yaml(text)
    if root is None:
        raise UnreadableError("empty", Place(1, 1), "the file says nothing", "Write `project:` and `tasks:`.")
    try:
        form = PlanForm.model_validate(plain(root))
    except ValidationError as error:
        return bounded(form_faults(error, root, source))
    return _plan(form, root, source)


def _plan(form: PlanForm, root: Node, source: str) -> Plan | tuple[PlanFault, ...]:
    crowded = tuple(_crowded(index, form, root, source) for index in crowded_tasks(form))
    if crowded:
        return bounded(crowded)
    command = ApplyPlan(project=form.project, tasks=planned_tasks(form))
    faults = graph_faults(command, root, source)
    return bounded(faults) if faults else Plan(command, lines_of(root, command.tasks), source)


def _crowded(index: int, form: PlanForm, root: Node, source: str) -> PlanFault:
    at = place_of(root, ("tasks", index, "requires"))
    message = f"with the defaults the task requires more than {REQUIREMENTS_MAX} things"
    advice = "Require less here or under `defaults`."
    return PlanFault("out_of_bounds", message, advice, source, at.line, at.column, form.tasks[index].key, "requires")


def _unreadable(error: UnreadableError, source: str) -> PlanFault:
    return PlanFault(error.code, error.message, error.advice, source, error.at.line, error.at.column)
