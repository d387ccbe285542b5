"""One mutation for each command that somebody may ask; all go the one way, through the edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.tools import create_type
from strawberry.types.field import StrawberryField

from api.edge import WAIT_SECONDS_MAX, Origin, fresh_command_id
from api.graphql.asking import Asking
from api.graphql.context import Context
from api.graphql.enums import RefusalKind
from api.graphql.errors import NumberTooLarge
from api.graphql.messages import Messages, plain
from api.parsing import parse
from api.ports import Answered
from domain.catalogue import COMMANDS
from domain.dispatch.assign_task import TaskAssigned
from domain.dispatch.claim import ClaimedTasks
from domain.dispatch.erasing import ErasureTaken
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lock_checks import FenceAccepted, LocksChecked
from domain.dispatch.lock_pools import PoolShown
from domain.dispatch.notes import InboxRead, MessagesSent, NoteTaken
from domain.dispatch.open_session import SessionLife
from domain.dispatch.plan import PlanApplied, TaskCreated
from domain.dispatch.proposal_rules import BallotCounted, ProposalMade
from domain.dispatch.push_checks import PushChecked
from domain.dispatch.report import AttemptExtended
from domain.dispatch.run_budget import BudgetAdjusted
from domain.dispatch.run_fork import RunForked
from domain.dispatch.run_gate import VoteCounted
from domain.dispatch.run_migrate import MigrationPlanned
from domain.dispatch.run_rework import ReworkPlanned
from domain.dispatch.run_start import RunBegun
from domain.dispatch.take import Claimed
from domain.kernel.errors import Rejection
from domain.kernel.ids import Position
from domain.kernel.message import Answer, Command, Done
from domain.pipeline.decider import DefinitionStored
from domain.principal.allow import MATRIX, Row
from domain.principal.commands import IssueKey
from domain.project.decider import ProjectNamed
from domain.task.commands import ClaimTask, ClaimTasks, ClaimWork

NOBODYS: Final = Row()


@strawberry.type
class Rejected:
    """The command was refused; nothing that it asked for was done."""

    code: str = strawberry.field(description="Stable name of the refusal, such as `task_held_by_another`.")
    kind: RefusalKind = strawberry.field(description="What it asks of the caller, of a closed set.")
    message: str
    next: str = strawberry.field(description="What to do now.")
    data: JSON
    position: Position
    repeated: bool


class KeyMade(Answer):
    """The key opens doors from now on; its secret is shown this once."""

    key: str
    secret: str


ANSWERS: Final[Mapping[str, type[Answer]]] = {
    "create_project": ProjectNamed,
    "freeze_project": Done,
    "unfreeze_project": Done,
    "update_project": Done,
    "set_bookmark": Done,
    "remove_bookmark": Done,
    "grant_needs": Done,
    "revoke_needs": Done,
    "apply_plan": PlanApplied,
    "create_task": TaskCreated,
    "publish_definition": DefinitionStored,
    "deprecate_definition": Done,
    "retire_definition": Done,
    "claim_task": Claimed,
    "claim_tasks": ClaimedTasks,
    "claim_work": ClaimedTasks,
    "report_progress": Done,
    "extend_attempt": AttemptExtended,
    "complete_task": Done,
    "fail_task": Done,
    "release_task": Done,
    "cancel_task": Done,
    "retry_task": Done,
    "reassign_task": Done,
    "assign_task": TaskAssigned,
    "bid_for_task": Done,
    "dismiss_attention": Done,
    "erase_subject": ErasureTaken,
    "start_run": RunBegun,
    "pause_run": Done,
    "resume_run": Done,
    "cancel_run": Done,
    "skip_phase": Done,
    "resolve_phase": Done,
    "retry_phase": Done,
    "rework_phases": ReworkPlanned,
    "rollback_run": Done,
    "fork_run": RunForked,
    "adjust_budget": BudgetAdjusted,
    "migrate_run": MigrationPlanned,
    "resolve_undo": Done,
    "annotate_run": Done,
    "dismiss_run_attention": Done,
    "cast_vote": VoteCounted,
    "override_gate": Done,
    "revise_evidence": Done,
    "send_signal": Done,
    "publish_signal": Done,
    "publish_artefact": Done,
    "withdraw_artefact": Done,
    "open_proposal": ProposalMade,
    "vote_on_proposal": BallotCounted,
    "withdraw_proposal": Done,
    "open_session": SessionLife,
    "end_session": Done,
    "signal_session": Done,
    "report_quota": Done,
    "reset_quota": Done,
    "drain_session": Done,
    "undrain_session": Done,
    "reparent_session": Done,
    "acquire_locks": LockAnswer,
    "await_locks": LockAnswer,
    "withdraw_lock_request": Done,
    "upgrade_locks": LockAnswer,
    "downgrade_locks": LockAnswer,
    "transfer_locks": LockAnswer,
    "accept_locks": LockAnswer,
    "post_note": NoteTaken,
    "send_message": MessagesSent,
    "acknowledge_messages": InboxRead,
    "check_locks": LocksChecked,
    "check_push": PushChecked,
    "check_fence": FenceAccepted,
    "set_pool": PoolShown,
    "quarantine_member": PoolShown,
    "return_member": PoolShown,
    "describe_pool": PoolShown,
    "break_locks": Done,
    "lift_quarantine": Done,
    "release_locks": Done,
    "issue_key": KeyMade,
    "revoke_key": Done,
}
"""What each command answers. A command that a role may use and that is missing here stops the start."""

_COMMAND_ID: Final = (
    "8 to 100 letters, digits and _ . : - The same id with the same input is answered once more and done only once."
)
_WAIT: Final = f"How long to wait for work where there is none, 0 to {WAIT_SECONDS_MAX:g}."
_ANNOTATED: Final[Any] = Annotated
_MADE_HERE: Final = frozenset({"key", "digest"})


def create_mutation(messages: Messages, further: Sequence[StrawberryField] = ()) -> type:
    """The root of all mutations. Raises KeyError for a command whose answer is not known."""
    fields = [_mutation_of(messages, name, COMMANDS[name]) for name in asked_commands()]
    return create_type("Mutation", [*fields, *further], description="Commands. Each is refused or done as a whole.")


def asked_commands() -> tuple[str, ...]:
    """The names of the commands that some role may use, in the catalogue's order."""
    return tuple(name for name in COMMANDS if MATRIX.get(name, NOBODYS) != NOBODYS)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command's input, taken apart."""

    fields: dict[str, Any]
    command_id: str | None
    wait_seconds: float


def _mutation_of(messages: Messages, name: str, command: type[Command]) -> StrawberryField:
    answer = ANSWERS[name]
    further: dict[str, tuple[Any, Any, str]] = {"command_id": (str | None, None, _COMMAND_ID)}
    if command in (ClaimTask, ClaimTasks, ClaimWork):
        further["wait_seconds"] = (float, 0.0, _WAIT)
    kind = messages.input_of(command, without=_MADE_HERE if command is IssueKey else frozenset(), further=further)
    either: Any = messages.output_of(answer) | Rejected
    result: Any = _ANNOTATED[either, strawberry.union(f"{command.__name__}Result")]

    async def resolve(info: Asking, asked: Any) -> Any:
        taken = _taken(asked)
        if command is IssueKey:
            return await _issue(info.context, messages, taken)
        return await _submit(info.context, messages, name, answer, taken)

    # Strawberry tells the fields of a type apart by the names of their functions.
    resolve.__name__ = name
    resolve.__annotations__ = {
        "info": Asking,
        "asked": Annotated[kind, strawberry.argument(name="input")],
        "return": result,
    }
    words = " ".join((command.__doc__ or "").split())
    made: StrawberryField = strawberry.mutation(resolver=resolve, description=words)
    return made


def _taken(asked: Any) -> _Asked:
    fields: dict[str, Any] = plain(asked)
    return _Asked(fields, fields.pop("command_id", None), fields.pop("wait_seconds", 0.0))


async def _submit(context: Context, messages: Messages, name: str, answer: type[Answer], asked: _Asked) -> Any:
    outcome = await _outcome(context, name, asked)
    if isinstance(outcome, Rejected):
        return outcome
    content: dict[str, Any] = orjson.loads(outcome.text)["answer"]
    return messages.shown(answer, content, position=outcome.position, repeated=outcome.repeated)


async def _issue(context: Context, messages: Messages, asked: _Asked) -> Any:
    """Make the secret here, so that only its digest goes on. Repeating the id never shows or makes another."""
    key, digest, secret = context.services.principals.mint()
    outcome = await _outcome(
        context, IssueKey.NAME, replace(asked, fields=asked.fields | {"key": key, "digest": digest})
    )
    if isinstance(outcome, Rejected):
        return outcome
    made = {"key": key, "secret": secret}
    return messages.shown(KeyMade, made, position=outcome.position, repeated=outcome.repeated)


async def _outcome(context: Context, name: str, asked: _Asked) -> Answered | Rejected:
    command = _command(name, asked.fields)
    if isinstance(command, Rejection):
        return refused(context, command)
    services, caller = context.services, context.caller
    identifier = asked.command_id or fresh_command_id(services.clock.now())
    wait_seconds = max(0.0, min(asked.wait_seconds, WAIT_SECONDS_MAX))
    if wait_seconds and context.deadline is not None:
        context.deadline.reschedule((context.deadline.when() or 0.0) + wait_seconds)
    origin = Origin(caller.principal, identifier, caller.correlation_id, caller.traceparent, wait_seconds)
    context.submitted.append(identifier)
    outcome = await context.edge.submit(command, origin)
    context.submitted.remove(identifier)
    if isinstance(outcome, Rejection):
        return refused(context, outcome)
    return outcome if outcome.ok else _rejected(outcome)


def _command(name: str, fields: dict[str, Any]) -> Command | Rejection:
    try:
        text = orjson.dumps(fields)
    except TypeError:
        return NumberTooLarge()
    return parse(name, text)


def refused(context: Context, refusal: Rejection) -> Rejected:
    """A refusal as it is shown."""
    return Rejected(
        code=refusal.code(),
        kind=RefusalKind[refusal.KIND],
        message=refusal.message(),
        next=refusal.advice(),
        data=_any(refusal.model_dump(mode="json")),
        position=Position(context.services.events.head()),
        repeated=False,
    )


def _rejected(outcome: Answered) -> Rejected:
    error: dict[str, Any] = orjson.loads(outcome.text)["error"]
    return Rejected(
        code=error["code"],
        # A receipt of before the kinds were told has none.
        kind=RefusalKind[error.get("kind", RefusalKind.CONFLICT.name)],
        message=error["message"],
        next=error["next"],
        data=error.get("data", {}),
        position=Position(outcome.position),
        repeated=outcome.repeated,
    )


def _any(value: Any) -> Any:
    return value
