"""What cannot come to pass in a definition: joins, branches, gates, waits, maps, and what contradicts itself."""

from collections.abc import Iterator
from typing import Final

from domain.kernel.pipeline.definition import (
    AnyPhase,
    BranchPhase,
    Definition,
    ExternalPhase,
    GatePhase,
    JoinPhase,
    MapPhase,
    PipelinePhase,
    RepeatPhase,
    WaitPhase,
    WorkPhase,
)
from domain.kernel.pipeline.findings import Finding, FindingCode, Path, fault, nearest
from domain.kernel.pipeline.fitting import misfit
from domain.kernel.pipeline.flow import Edge, External, Map, Matrix, OtherArtefact, OtherSignal, Timer
from domain.kernel.pipeline.gate import ROLES, Gate, Quorum, Voter, unknown_roles
from domain.kernel.pipeline.places import Scope
from domain.kernel.pipeline.words import ValueField
from domain.kernel.pipeline.work import Work
from domain.kernel.versions import bounds_of

_NEVER_FAIL: Final = (BranchPhase, JoinPhase)
"""Kinds that never end as failed: they do nothing that could."""


def inputs_in(definition: Definition) -> Iterator[Finding]:
    """Defaults and choices that are none of their type."""
    for place, field in enumerate(definition.inputs):
        path: Path = ("inputs", place)
        for choice in field.choices:
            plain = ValueField(name=field.name, type=field.type)
            reason = misfit(plain, choice)
            if reason is not None:
                yield fault(
                    "bad_value", (*path, "choices"), "", f"the choice {choice!r} {reason}", "Correct one of both."
                )
        reason = None if field.default is None else misfit(field, field.default)
        if reason is not None:
            yield fault(
                "bad_value", (*path, "default"), "", f"the default {reason}", "Correct the default or the type."
            )


def joins_in(scope: Scope) -> Iterator[Finding]:
    """Joins that can never fire, and phases that can never run because of them."""
    never: set[str] = set()
    for key in scope.graph.order:
        phase = scope.graph.phases[key]
        index = next(place for place, one in enumerate(scope.phases) if one.key == key)
        reason = _never_fires(phase, scope)
        if reason is not None:
            never.add(key)
            yield fault("join_never_fires", (*scope.at(index), "join"), key, *reason)
        elif phase.when is not None and phase.when.strip() == "false":
            never.add(key)
            message = "its condition is never true"
            yield fault(
                "unreachable_phase", (*scope.at(index), "when"), key, message, "Remove the phase or the condition."
            )
        elif _cut_off(phase, never):
            never.add(key)
            message = "it can never run: what it comes after never does"
            advice = "Mend what it comes after, or accept `skipped` from it."
            yield fault("unreachable_phase", (*scope.at(index), "needs"), key, message, advice)


def _never_fires(phase: AnyPhase, scope: Scope) -> tuple[str, str] | None:
    rule, needs = phase.join.rule, phase.needs
    if rule == "at_least" and phase.join.at_least > len(needs):
        message = f"it waits for {phase.join.at_least} of {len(needs)} edges"
        return message, "Ask for fewer, or add edges."
    if rule != "all" and not needs:
        return f"the join is `{rule}`, and there is nothing to join", "Add edges, or leave the join out."
    dead = [edge.phase for edge in needs if not _may_satisfy(edge, scope)]
    if dead and (rule in ("every", "all") and (rule == "every" or len(dead) == len(needs))):
        message = f"the edge from {dead[0]} can never be satisfied: it never ends so"
        return message, "Accept another outcome."
    arms = {(edge.phase, edge.arm) for edge in needs if edge.arm is not None}
    if rule == "every" and len({source for source, _ in arms}) < len(arms):
        return "it waits for every edge, and two of them follow different arms of one branch", "Use the join `all`."
    return None


def _may_satisfy(edge: Edge, scope: Scope) -> bool:
    source = scope.graph.phases.get(edge.phase)
    if source is None or edge.arm is not None or set(edge.accept) != {"failed"}:
        return True
    return not isinstance(source, _NEVER_FAIL) and not (
        isinstance(source, WaitPhase) and isinstance(source.wait, Timer)
    )


def _cut_off(phase: AnyPhase, never: set[str]) -> bool:
    """Whether all that it comes after never runs, so that it is skipped itself."""
    lost = [edge.phase in never and "skipped" not in edge.accept for edge in phase.needs]
    match phase.join.rule:
        case "settled":
            return False
        case "every":
            return any(lost)
        case "at_least":
            return len(lost) - sum(lost) < phase.join.at_least
        case "all" | "any":
            return bool(lost) and all(lost)


def kinds_in(scope: Scope) -> Iterator[Finding]:
    """What each kind of phase contradicts by itself."""
    for index, phase in enumerate(scope.phases):
        for code, rest, message, advice in _of_phase(phase, scope):
            yield fault(code, (*scope.at(index), *rest), phase.key, message, advice)


_Told = tuple[FindingCode, Path, str, str]


def _of_phase(phase: AnyPhase, scope: Scope) -> Iterator[_Told]:
    match phase:
        case BranchPhase():
            yield from _of_branch(phase)
        case GatePhase():
            yield from _of_gate(phase, scope)
        case WaitPhase():
            timer = phase.wait
            if isinstance(timer, Timer) and (timer.seconds is None) == (timer.until is None):
                yield "contradiction", ("wait",), "it waits for a time or until an instant", "Say one of the two."
        case MapPhase():
            yield from _of_map(phase.map)
            if isinstance(phase.map.each, Work):
                yield from _of_work(phase.map.each, ("map", "each"))
        case WorkPhase():
            yield from _of_work(phase.work, ("work",))
        case ExternalPhase():
            yield from _of_external(phase.external)
        case PipelinePhase() | JoinPhase() | RepeatPhase():
            pass


def _of_work(work: Work, path: Path) -> Iterator[_Told]:
    if work.effect == "pure" and work.undo is not None:
        message = "it changes nothing, and has an undo"
        yield "contradiction", (*path, "undo"), message, "Remove the undo, or say what it changes."
    start, close = work.start_within_seconds, work.close_within_seconds
    if start is None and work.on_start_late != "park":
        message = "it says what follows when nobody begins in time, and has no such time"
        yield "contradiction", (*path, "on_start_late"), message, "Add `start_within`."
    if start is not None and close is not None and close < start:
        message = "it has to be over before somebody has to have begun"
        yield "contradiction", (*path, "close_within_seconds"), message, "Raise `close_within` above `start_within`."


def _of_branch(phase: BranchPhase) -> Iterator[_Told]:
    if phase.default is None and not phase.exhaustive:
        message = "where none of its arms is true it would not know the way"
        yield "missing_default", ("arms",), message, "Add `default: NAME`, or say `exhaustive: true`."
    if phase.default is not None and phase.exhaustive:
        yield "contradiction", ("exhaustive",), "it is exhaustive and has a default", "Remove one of the two."


def _of_gate(phase: GatePhase, scope: Scope) -> Iterator[_Told]:
    gate = phase.gate
    yield from _of_voters(gate)
    if gate.on_expiry != "park" and gate.deadline_seconds is None:
        yield (
            "contradiction",
            ("gate", "on_expiry"),
            "it says what follows its deadline and has none",
            "Add a deadline.",
        )
    before = [scope.graph.phases.get(edge.phase) for edge in phase.needs]
    if gate.keep_locks_seconds is not None and not any(isinstance(one, WorkPhase) for one in before):
        message = "it keeps the locks of the work that it comes after, and comes after none"
        advice = "Let it need the work whose locks it keeps, or remove `keep_locks`."
        yield "contradiction", ("gate", "keep_locks_seconds"), message, advice
    if gate.on_reject == "rework" and gate.rework is None:
        yield "contradiction", ("gate", "on_reject"), "it does not say which phase to rework", "Add `rework: PHASE`."
    if gate.rework is not None and gate.rework not in scope.graph.ancestors[phase.key]:
        known = sorted(scope.graph.ancestors[phase.key])
        message = f"{gate.rework} does not come before the gate"
        yield "not_before", ("gate", "rework"), message, nearest(gate.rework, known, "Before it come")
    if gate.quorum.people_min > gate.quorum.approvals:
        message = "more people than approvals are asked for"
        yield "contradiction", ("gate", "quorum"), message, "Raise the approvals, or lower `people_min`."
    if sum(one.approvals for one in gate.quorum.per_role) > gate.quorum.approvals:
        message = "its roles together have to give more approvals than are asked for"
        yield "contradiction", ("gate", "quorum"), message, "Raise the approvals."
    if gate.gate_class == "strategic" and gate.automatic is not None:
        message = "a strategic gate always needs a person"
        yield "contradiction", ("gate", "automatic"), message, "Remove `automatic`, or choose another class."
    quorums = (gate.quorum, *(rung.quorum for rung in gate.escalate if rung.quorum is not None))
    if gate.gate_class == "strategic" and (gate.on_expiry == "approve" or not all(one.people_min for one in quorums)):
        message = "a strategic gate always needs a person"
        yield "contradiction", ("gate",), message, "Ask for a person in every quorum, and let time not approve."
    for field, times in (
        ("reminders_seconds", gate.reminders_seconds),
        ("escalate", tuple(rung.after_seconds for rung in gate.escalate)),
    ):
        if list(times) != sorted(set(times)):
            yield "contradiction", ("gate", field), "its times do not rise", "Put the earliest first, each once."
        if times and gate.deadline_seconds is not None and times[-1] >= gate.deadline_seconds:
            yield "contradiction", ("gate", field), "some of it comes after the deadline", "Make it earlier."


def _of_voters(gate: Gate) -> Iterator[_Told]:
    rungs = ((("gate", "escalate", place), one.eligible, one.quorum) for place, one in enumerate(gate.escalate))
    asked: list[tuple[Path, tuple[Voter, ...], Quorum | None]] = [(("gate",), gate.eligible, gate.quorum), *rungs]
    for path, eligible, quorum in asked:
        for role in unknown_roles(eligible, quorum):
            yield "unknown_name", path, f"no key has the role {role}", nearest(role, list(ROLES), "Roles")


def _of_external(wanted: External) -> Iterator[_Told]:
    what = wanted.what
    if isinstance(what, OtherArtefact):
        wrong = bounds_of(what.constraint)
        if isinstance(wrong, str):
            path: Path = ("external", "what", "constraint")
            advice = "Write bounds such as `>=1.2,<2`: >=, <=, >, <, ==, != and numbers with dots, with commas between."
            yield "bad_value", path, f"{wrong!r} is no bound of a version", advice
    if isinstance(what, OtherArtefact | OtherSignal) and "succeeded" not in wanted.accept:
        message = f"the {what.kind} is there or it is not: it neither fails nor is cancelled"
        yield "contradiction", ("external", "accept"), message, "Leave `accept` out."
    if isinstance(what, OtherSignal) and wanted.on_revised != "attention":
        message = "a signal that was sent is never taken back"
        yield "contradiction", ("external", "on_revised"), message, "Leave `on_revised` out."


def _of_map(found: Map) -> Iterator[_Told]:
    if (found.over is None) == (found.matrix is None):
        yield "contradiction", ("map",), "its items come from a list or from a matrix", "Say `over` or `matrix`."
    if found.matrix is not None:
        yield from _of_matrix(found.matrix)
    settle = found.settle
    if settle.rule != "all" and (settle.items is None) == (settle.percent is None):
        yield "contradiction", ("map", "settle"), "it counts items or per cent", "Say one of the two."
    if settle.rule == "all" and (settle.items is not None or settle.percent is not None):
        message = "all items have to succeed, and a number is given"
        yield "contradiction", ("map", "settle"), message, "Say `tolerate` or `first`."
    if settle.rule == "first" and (settle.items == 0 or settle.percent == 0):
        yield "contradiction", ("map", "settle"), "the first none would be enough", "Ask for one at least."


def _of_matrix(matrix: Matrix) -> Iterator[_Told]:
    names = [axis.name for axis in matrix.axes]
    for place, axis in enumerate(matrix.axes):
        if (not axis.values) == (axis.over is None):
            path: Path = ("map", "matrix", "axes", place)
            yield "contradiction", path, f"the axis {axis.name} has values or a list", "Say `values` or `over`."
    for field, combinations in (("exclude", matrix.exclude), ("include", matrix.include)):
        for place, combination in enumerate(combinations):
            at: Path = ("map", "matrix", field, place)
            for coordinate in combination.at:
                if coordinate.axis not in names:
                    yield (
                        "unknown_name",
                        at,
                        f"there is no axis {coordinate.axis}",
                        nearest(coordinate.axis, names, "Axes"),
                    )
            if field == "include" and {one.axis for one in combination.at} < set(names):
                yield "contradiction", at, "what is included names every axis", "Add the missing ones."
