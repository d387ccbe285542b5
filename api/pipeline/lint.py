"""Everything that is found in a pipeline file: with its line, and what mends it."""

from dataclasses import dataclass
from typing import Final

from api.pipeline.read import PipelineFault, PipelineFile
from api.plan.overlaps import overlaps_of
from domain.dispatch.publish_definition import faults_of
from domain.kernel.graphs import ancestors_of, order_of
from domain.kernel.pipeline.checks import findings_of
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.findings import Finding, warning
from domain.kernel.pipeline.graph import arms_of, behind_arm
from domain.kernel.pipeline.places import Doing, Scope, scopes_of, tasks_of
from domain.kernel.pipeline.texts import HOLE
from domain.kernel.values import ScopeClaim
from domain.task.commands import PlannedTask

OVERLAPS_TOLD_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Lint:
    """What was found, faults first, each in the order of the file."""

    faults: tuple[PipelineFault, ...]
    warnings: tuple[PipelineFault, ...]

    @property
    def everything(self) -> tuple[PipelineFault, ...]:
        return (*self.faults, *self.warnings)


def lint(file: PipelineFile, expressions: Expressions) -> Lint:
    """Look at a file whose form is right."""
    faults = faults_of(file.definition, expressions)
    if faults:
        return Lint(_told(file, faults), ())
    warnings = findings_of(file.definition, expressions)
    overlaps = tuple(one for scope in scopes_of(file.definition) for one in _overlaps(scope))
    return Lint((), _told(file, (*warnings, *overlaps)))


def _told(file: PipelineFile, findings: tuple[Finding, ...]) -> tuple[PipelineFault, ...]:
    found = [_fault(file, finding) for finding in findings]
    return tuple(sorted(found, key=lambda fault: (fault.line, fault.column)))


def _fault(file: PipelineFile, finding: Finding) -> PipelineFault:
    at = file.place(finding.path)
    inside = 2 if finding.path[:1] == ("phases",) else 0
    field = ".".join(map(str, finding.path[inside:]))
    return PipelineFault(
        finding.code,
        finding.message,
        finding.advice,
        file.source,
        at.line,
        at.column,
        finding.phase,
        field,
        finding.severity,
    )


def _overlaps(scope: Scope) -> tuple[Finding, ...]:
    """Work that may run at once, on scopes that exclude each other: one waits for the other, which nobody wrote.

    A hole may become anything, so claims with one are left out.
    """
    doing = [one for one in tasks_of(scope) if one.role == "work"]
    number = {phase.key: index for index, phase in enumerate(scope.phases)}
    needs = [sorted({number[edge.phase] for edge in phase.needs if edge.phase in number}) for phase in scope.phases]
    order = order_of(needs)
    before = ancestors_of(needs, order)
    tasks = [_claims_of(phase.key, doing) for phase in scope.phases]
    overlaps, _ = overlaps_of(tasks, order, before)
    behind = _arms_behind(scope)
    return tuple(
        warning(
            "overlapping_scopes",
            (*scope.at(number[pair.second]), "work", "task", "scope"),
            pair.second,
            f"it may run beside {pair.first}, and both lock {pair.witness}, so one waits for the other",
            f"Let {pair.second} come after {pair.first}, or make the scopes smaller.",
        )
        for pair in overlaps.pairs[:OVERLAPS_TOLD_MAX]
        if not _apart(behind, pair.first, pair.second)
    )


def _claims_of(key: str, doing: list[Doing]) -> PlannedTask:
    claims: tuple[ScopeClaim, ...] = tuple(
        claim for one in doing if one.phase.key == key for claim in one.task.scope if not HOLE.search(claim.claim)
    )
    return PlannedTask(key=key, title=key, scope=claims)


def _arms_behind(scope: Scope) -> dict[str, dict[str, str]]:
    """For each phase the branches of which it runs behind one arm only, with the arm."""
    found: dict[str, dict[str, str]] = {}
    for source, phase in scope.graph.phases.items():
        for arm in arms_of(phase):
            for key in behind_arm(scope.graph, source, arm):
                found.setdefault(key, {})[source] = arm
    return found


def _apart(behind: dict[str, dict[str, str]], first: str, second: str) -> bool:
    """Whether the two stand behind different arms of one branch, so that only one of them ever runs."""
    one, other = behind.get(first, {}), behind.get(second, {})
    return any(one[source] != other[source] for source in one.keys() & other.keys())
