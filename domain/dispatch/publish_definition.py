"""Publishing a definition: only what is sound by itself, and whose tasks the locks and the sessions understand."""

from collections.abc import Iterator

from domain.dispatch.choose import flaw
from domain.dispatch.shares import RUNNING_KEY
from domain.kernel.decider import Decision, View, refuse
from domain.kernel.errors import UnknownThing
from domain.kernel.message import Stamp
from domain.kernel.pipeline.checks import findings_of
from domain.kernel.pipeline.definition import Definition
from domain.kernel.pipeline.expressions import Expressions
from domain.kernel.pipeline.findings import Finding, fault
from domain.kernel.pipeline.places import Doing, scopes_of, tasks_of
from domain.kernel.pipeline.texts import HOLE
from domain.lock.errors import BadPattern
from domain.lock.resource import parse
from domain.pipeline.commands import PublishDefinition
from domain.pipeline.decider import stored
from domain.pipeline.errors import DefinitionFaulty
from domain.project.decider import read_project

FINDINGS_TOLD_MAX = 20


def publish(command: PublishDefinition, stamp: Stamp, view: View, expressions: Expressions) -> Decision:
    """The version of a sound definition; a faulty one is refused with all that is found."""
    project = read_project(stamp, view)
    if isinstance(project, UnknownThing):
        return refuse(project)
    faults = faults_of(command.definition, expressions)
    if faults:
        first = faults[0]
        told = f"{f'{first.phase}: ' if first.phase else ''}{first.message}"
        found = DefinitionFaulty(name=command.definition.name, first=told, findings=faults[:FINDINGS_TOLD_MAX])
        return refuse(found)
    return stored(command, stamp, view)


def faults_of(definition: Definition, expressions: Expressions) -> tuple[Finding, ...]:
    """What keeps a definition from being published."""
    found = tuple(one for one in findings_of(definition, expressions) if one.severity == "fault")
    return (*found, *(one for scope in scopes_of(definition) for doing in tasks_of(scope) for one in _of_task(doing)))


def _of_task(doing: Doing) -> Iterator[Finding]:
    """Claims and requirements that a planned task could not have either; a hole may become any word."""
    key = doing.phase.key
    for place, claim in enumerate(doing.task.scope):
        resource = parse(HOLE.sub("x", claim.claim))
        if isinstance(resource, BadPattern):
            message = f"this is no claim: {resource.reason}"
            yield fault("bad_scope", (*doing.path, "scope", place), key, message, resource.advice())
    for field, requirements in (
        ("requires", doing.task.requires),
        ("escalate", tuple(one for step in doing.task.escalate for one in step.requires)),
    ):
        for requirement in requirements:
            reason = flaw(requirement)
            if reason is not None:
                message = f"{requirement.key} {requirement.operator} …: {reason}"
                yield fault("bad_requirement", (*doing.path, field), key, message, "Correct the requirement.")
    if doing.task.concurrency_key == RUNNING_KEY:
        message = "this concurrency key counts what the project has under way"
        yield fault("contradiction", (*doing.path, "concurrency_key"), key, message, "Choose another one.")
