"""From the form of a pipeline file to the definition that is published."""

from collections.abc import Mapping
from typing import Any

from api.pipeline.forms import BranchForm, InnerForm, MapForm, PhaseForm, PipelineForm, RepeatForm
from api.pipeline.gate_forms import ExternalForm, GateForm, WaitForm
from api.pipeline.work_forms import CallForm, FieldForm, TaskForm, WorkForm
from api.plan.model import BudgetEntry
from domain.kernel.message import Message
from domain.kernel.pipeline.definition import Definition

_TASK = (
    "title",
    "body",
    "kind",
    "priority",
    "requires",
    "run",
    "evidence",
    "labels",
    "concurrency_key",
    "concurrency_limit",
    "avoid",
)
_PACE = ("max_attempts", "backoff_seconds_first", "backoff_factor", "backoff_seconds_max", "jitter", "kinds")
Content = dict[str, Any]


def definition_of(form: PipelineForm) -> Definition:
    """The definition that the file says, in its order."""
    content: Content = {
        "name": form.pipeline,
        **_taken(form, "title", "description", "failure", "live_attempts", "on_failure", "on_cancel", "undo_parallel"),
        **_taken(form, "best_effort", "concurrency", "labels"),
        "inputs": _fields(form.inputs),
        "phases": tuple(_phase(key, phase) for key, phase in form.phases.items()),
        "outputs": _bindings(form.outputs),
        "undo_ttl_seconds": form.undo_ttl,
        "deadline_seconds": form.deadline,
        "budget": _budget(form.budget),
        "budget_soft": _budget(form.budget_soft),
    }
    return Definition.model_validate(content)


def _phase(key: str, form: InnerForm) -> Content:
    said: Content = {
        "key": key,
        **_taken(form, "title", "when", "optional"),
        "needs": tuple(edge.model_dump() for edge in form.needs),
        "join": _join(form),
    }
    final = {"point_of_no_return": form.point_of_no_return}
    if form.work is not None:
        return {**said, **final, "kind": "work", "work": _work(form.work)}
    if form.gate is not None:
        return {**said, **final, "kind": "gate", "gate": _gate(form.gate)}
    if form.wait is not None:
        return {**said, "kind": "wait", "wait": _wait(form.wait)}
    if form.branch is not None:
        return {**said, "kind": "branch", **_branch(form.branch)}
    if form.map is not None:
        return {**said, **final, "kind": "map", "map": _map(form.map)}
    if form.pipeline is not None:
        call = {"call": _call(form.pipeline), "on_exhausted": form.on_exhausted}
        return {**said, **final, "kind": "pipeline", **call}
    if form.external is not None:
        return {**said, "kind": "external", "external": _external(form.external)}
    if isinstance(form, PhaseForm) and form.repeat is not None:
        return {**said, "kind": "repeat", **_repeat(form.repeat), "on_exhausted": form.on_exhausted}
    return {**said, "kind": "join"}


def _join(form: InnerForm) -> Content:
    join = form.join
    if join.at_least is not None:
        return {"rule": "at_least", "at_least": join.at_least, "losers": join.losers}
    return {"rule": join.rule or "all", "losers": join.losers}


def _task(form: TaskForm) -> Content:
    return {
        **_taken(form, *_TASK),
        "scope": tuple({"claim": one.claim, "mode": one.mode} for one in form.scope),
        "retry": _taken(form.retry, *_PACE),
        "max_lost": form.retry.max_lost,
        "timeout_seconds": form.timeout,
        "stall_seconds": form.stall,
        "extend_seconds_max": form.extend_max,
        "budget": _budget(form.budget),
        "escalate": tuple({"after": step.after, "requires": step.requires} for step in form.escalate),
    }


def _work(form: WorkForm) -> Content:
    undo = form.undo
    undone = None
    if undo is not None:
        undone = {"task": _task(undo), "when": undo.when, "close_within_seconds": undo.close_within}
    return {
        "kind": "work",
        "task": _task(form),
        "inputs": _bindings(form.inputs),
        "outputs": _fields(form.outputs),
        **_taken(form, "effect", "on_start_late", "on_exhausted"),
        "undo": undone,
        "start_within_seconds": form.start_within,
        "close_within_seconds": form.close_within,
    }


def _gate(form: GateForm) -> Content:
    return {
        **_taken(form, "gate_class", "question", "automatic", "eligible", "quorum", "veto", "exclude", "on_expiry"),
        **_taken(form, "on_reject", "rework", "reworks_max"),
        "inputs": _bindings(form.inputs),
        "evidence": tuple({"name": name, **_taken(one, "subject", "value")} for name, one in form.evidence.items()),
        "deadline_seconds": form.deadline,
        "reminders_seconds": form.reminders,
        "escalate": tuple(
            {"after_seconds": rung.after, **_taken(rung, "notify", "eligible", "quorum")} for rung in form.escalate
        ),
        "keep_locks_seconds": form.keep_locks,
    }


def _wait(form: WaitForm) -> Content:
    if form.signal is None:
        return {"kind": "timer", "seconds": form.time, "until": form.until}
    signal = {"name": form.signal, "outputs": _fields(form.outputs), "deadline_seconds": form.deadline}
    return {"kind": "signal", **signal, "on_deadline": form.on_deadline}


def _branch(form: BranchForm) -> Content:
    arms = tuple({"name": name, "when": when} for name, when in form.arms.items())
    return {"arms": arms, **_taken(form, "default", "exhaustive")}


def _map(form: MapForm) -> Content:
    each = _work(form.work) if form.work is not None else None if form.pipeline is None else _call(form.pipeline)
    return {
        **_taken(form, "over", "item_key", "max_items", "max_parallel", "settle", "on_empty", "on_exhausted"),
        "each": each,
        "matrix": _matrix(form),
    }


def _matrix(form: MapForm) -> Content | None:
    matrix = form.matrix
    if matrix is None:
        return None
    axes = tuple(
        {"name": name, "over": said} if isinstance(said, str) else {"name": name, "values": said}
        for name, said in matrix.axes.items()
    )
    return {
        "axes": axes,
        "exclude": tuple(_point(point) for point in matrix.exclude),
        "include": tuple(_point(point) for point in matrix.include),
    }


def _point(point: Mapping[str, Any]) -> Content:
    return {"at": tuple({"axis": axis, "value": value} for axis, value in point.items())}


def _call(form: CallForm) -> Content:
    return {
        "kind": "pipeline",
        "pipeline": form.name,
        **_taken(form, "version", "pin", "on_parent_cancel", "on_parent_pause", "recursive_depth_max"),
        "inputs": _bindings(form.inputs),
        "budget": _budget(form.budget),
        "deadline_seconds": form.deadline,
    }


def _external(form: ExternalForm) -> Content:
    if form.run is not None:
        what: Content = {"kind": "run", "run": form.run}
    elif form.latest is not None:
        what = {"kind": "latest", "pipeline": form.latest, "correlation_key": form.correlation_key}
    elif form.task is not None:
        what = {"kind": "task", "task": form.task}
    elif form.artefact is not None:
        what = {"kind": "artefact", "name": form.artefact, "constraint": form.constraint}
    else:
        what = {"kind": "signal", "name": form.signal}
    return {
        **_taken(form, "project", "accept", "match", "on_deadline", "on_revised"),
        "what": what,
        "max_age_seconds": form.max_age,
        "deadline_seconds": form.deadline,
    }


def _repeat(form: RepeatForm) -> Content:
    return {
        "phases": tuple(_phase(key, phase) for key, phase in form.phases.items()),
        **_taken(form, "until", "max_iterations"),
        "budget": _budget(form.budget),
        "outputs": _bindings(form.outputs),
    }


def _budget(form: BudgetEntry) -> Content:
    return {**_taken(form, "tokens", "cost_microdollars"), "wall_seconds": form.wall_time}


def _fields(forms: Mapping[str, FieldForm]) -> tuple[Content, ...]:
    return tuple(
        {"name": name, **_taken(form, "type", "required", "default", "choices", "description")}
        for name, form in forms.items()
    )


def _bindings(said: Mapping[str, str]) -> tuple[Content, ...]:
    return tuple({"name": name, "value": value} for name, value in said.items())


def _taken(form: Message, *names: str) -> Content:
    """Fields that both sides call the same; inner messages stay what they are."""
    return {name: getattr(form, name) for name in names}
