"""Who may do what: one function over a closed matrix of actions and roles; what has no row is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from domain.kernel.errors import Rejection, UnknownThing
from domain.kernel.ids import Instant, PrincipalId, ProjectId
from domain.principal.commands import Role
from domain.principal.errors import NotPermitted
from domain.principal.state import Key

Cell = Literal["no", "own", "yes"]
"""``own``: only where the thing acted upon is the principal's own session, attempt or lock."""


_STRENGTH: Final[tuple[Cell, ...]] = ("no", "own", "yes")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as the credential says."""

    id: PrincipalId
    role: Role
    projects: frozenset[ProjectId] | None
    """Projects that it may see; None is every one."""
    human: bool
    expires_at: Instant | None = None
    """From when the credential opens nothing; whoever admits a principal compares it, see ``is_expired``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One action of the matrix."""

    worker: Cell = "no"
    viewer: Cell = "no"
    operator: Cell = "no"
    admin: Cell = "no"
    without_project: Literal["fleet", "session", "project"] = "project"
    """Who may ask it without naming a project: ``session`` everybody, since a session is bound to its own projects;
    otherwise only those who see every project, because a ``fleet`` action belongs to no project and a ``project``
    one would reach into all of them."""
    people_only: bool = False


_PEOPLE_READ: Final = Row(viewer="yes", operator="yes", admin="yes")
_ALL_READ: Final = Row(worker="yes", viewer="yes", operator="yes", admin="yes")
_AUDIT: Final = Row(worker="own", operator="yes", admin="yes")
_ATTEMPT: Final = Row(worker="own", operator="yes")
_WORK: Final = Row(worker="own", operator="yes", without_project="session")
_LOCK: Final = Row(worker="own", operator="yes", admin="yes")
_SESSION: Final = Row(worker="own", operator="yes", admin="yes", without_project="session")
_STEER: Final = Row(operator="yes", admin="yes", people_only=True)
_PLAN: Final = Row(operator="yes", admin="yes")
_ADMINISTER: Final = Row(admin="yes", without_project="fleet", people_only=True)
_OPERATE: Final = Row(operator="yes", admin="yes", without_project="fleet", people_only=True)
_RESET_QUOTA: Final = Row(operator="yes", admin="yes", without_project="fleet", people_only=True)
"""A pool belongs to no project: who resets it gives out work in all that share it."""
_OWN_MAIL: Final = Row(worker="own", viewer="yes", operator="yes", admin="yes")
_LEDGER: Final = Row(operator="yes", admin="yes")
"""Checkpoints, hashes and proofs tell nothing of any event, so they are read under whichever project somebody sees."""
_OVERRIDE: Final = Row(admin="yes", people_only=True)
"""Past the quorum of a gate goes only who runs the whole."""
_NOBODY: Final = Row()
"""Derived commands: policies ask them past every door."""

MATRIX: Final[Mapping[str, Row]] = {
    "read.projects": _ALL_READ,
    "read.tasks": _ALL_READ,
    "read.runs": _ALL_READ,
    "read.sessions": _ALL_READ,
    "read.locks": _ALL_READ,
    "read.notes": _ALL_READ,
    "read.messages": _OWN_MAIL,
    "read.pipelines": _ALL_READ,
    "read.proposals": _ALL_READ,
    "read.events": _AUDIT,
    "read.refusals": _AUDIT,
    "read.ledger": _LEDGER,
    "read.metrics": _PEOPLE_READ,
    "read.nodes": _PEOPLE_READ,
    "read.schema": _PEOPLE_READ,
    "read.keys": _ADMINISTER,
    "rotate_ledger_key": _ADMINISTER,
    "archive_log": _ADMINISTER,
    "read.projections": _OPERATE,
    "verify_projections": _OPERATE,
    "operate_projections": _ADMINISTER,
    "create_project": _ADMINISTER,
    "freeze_project": _STEER,
    "unfreeze_project": _STEER,
    "update_project": _STEER,
    "set_bookmark": _STEER,
    "remove_bookmark": _STEER,
    "grant_needs": _STEER,
    "revoke_needs": _STEER,
    "apply_plan": _PLAN,
    "create_task": _PLAN,
    "start_run": _PLAN,
    "pause_run": _PLAN,
    "resume_run": _PLAN,
    "cancel_run": _PLAN,
    "skip_phase": _PLAN,
    "resolve_phase": _PLAN,
    "publish_definition": _PLAN,
    "deprecate_definition": _PLAN,
    "retire_definition": _PLAN,
    "retry_phase": _PLAN,
    "rework_phases": _PLAN,
    "rollback_run": _PLAN,
    "fork_run": _PLAN,
    "adjust_budget": _PLAN,
    "migrate_run": _PLAN,
    "resolve_undo": _PLAN,
    "annotate_run": _LOCK,
    "dismiss_run_attention": _STEER,
    "cast_vote": _LOCK,
    "override_gate": _OVERRIDE,
    "revise_evidence": _PLAN,
    "send_signal": _LOCK,
    "publish_signal": _LOCK,
    "publish_artefact": _LOCK,
    "withdraw_artefact": _PLAN,
    "open_proposal": _LOCK,
    "vote_on_proposal": _LOCK,
    "withdraw_proposal": _LOCK,
    "claim_task": _ATTEMPT,
    "claim_tasks": _ATTEMPT,
    "claim_work": _WORK,
    "bid_for_task": _ATTEMPT,
    "assign_task": _PLAN,
    "report_progress": _ATTEMPT,
    "extend_attempt": _ATTEMPT,
    "complete_task": _ATTEMPT,
    "fail_task": _ATTEMPT,
    "release_task": _ATTEMPT,
    "cancel_task": _PLAN,
    "retry_task": _PLAN,
    "reassign_task": _PLAN,
    "dismiss_attention": _STEER,
    "erase_subject": _OVERRIDE,
    "open_session": _SESSION,
    "heartbeat": _SESSION,
    "end_session": _SESSION,
    "report_quota": _SESSION,
    "reset_quota": _RESET_QUOTA,
    "signal_session": _SESSION,
    "drain_session": _SESSION,
    "undrain_session": _SESSION,
    "reparent_session": _SESSION,
    "acquire_locks": _LOCK,
    "await_locks": _LOCK,
    "withdraw_lock_request": _LOCK,
    "upgrade_locks": _LOCK,
    "downgrade_locks": _LOCK,
    "transfer_locks": _LOCK,
    "accept_locks": _LOCK,
    "post_note": _LOCK,
    "send_message": _LOCK,
    "acknowledge_messages": _LOCK,
    "check_locks": _LOCK,
    "check_push": _LOCK,
    "check_fence": _LOCK,
    "set_pool": _PLAN,
    "quarantine_member": _LOCK,
    "return_member": _STEER,
    "describe_pool": _LOCK,
    "break_locks": _STEER,
    "lift_quarantine": _STEER,
    "release_locks": _LOCK,
    "lock.wide": _PLAN,
    "lock.person": _STEER,
    "lock.preempt": _STEER,
    "lock.guard": _PLAN,
    "issue_key": _ADMINISTER,
    "revoke_key": _ADMINISTER,
    "acknowledge_attempt": _NOBODY,
    "settle_need": _NOBODY,
    "tell_run": _NOBODY,
    "begin_child": _NOBODY,
    "tell_need": _NOBODY,
    "publish_fact": _NOBODY,
    "follow_parent": _NOBODY,
    "tell_parent": _NOBODY,
    "take_back_child": _NOBODY,
    "fire_timer": _NOBODY,
    "expire_proposal": _NOBODY,
    "reach_run_start": _NOBODY,
    "pass_run_deadline": _NOBODY,
    "give_way": _NOBODY,
    "take_turn": _NOBODY,
    "elapse_backoff": _NOBODY,
    "time_out_attempt": _NOBODY,
    "lapse_delivery": _NOBODY,
    "reopen_need": _NOBODY,
    "notice_budget": _NOBODY,
    "reach_start": _NOBODY,
    "pass_deadline": _NOBODY,
    "exhaust_budget": _NOBODY,
    "stall_attempt": _NOBODY,
    "revoke_attempt": _NOBODY,
    "suspect_session": _NOBODY,
    "recover_session": _NOBODY,
    "lose_session": _NOBODY,
    "end_lock_delay": _NOBODY,
    "let_go_locks": _NOBODY,
    "time_out_lock_request": _NOBODY,
    "expire_lease": _NOBODY,
    "reserve_locks": _NOBODY,
    "end_reservation": _NOBODY,
    "push_task": _NOBODY,
    "revert_transfer": _NOBODY,
    "preempt_locks": _NOBODY,
    "end_outage": _NOBODY,
    "declare_keys_lost": _NOBODY,
    "join_node": _NOBODY,
    "report_node": _NOBODY,
    "lose_node": _NOBODY,
    "leave_node": _NOBODY,
    "record_refusal": _NOBODY,
    "half_open_quota": _NOBODY,
    "settle_quota_probe": _NOBODY,
    "mark_quota": _NOBODY,
}
"""Every command by its NAME, every read as ``read.…``, and rights that a command needs beside its name."""


def allow(
    principal: Principal, action: str, project: ProjectId | None, *, own: bool = True, named: str | None = None
) -> Rejection | None:
    """None where the principal may, else the refusal.

    ``project`` is None where the action names none. ``own`` says whether the thing acted upon is the principal's own.
    ``named`` is what the caller called the project, so that a foreign one is answered exactly like an absent one.
    """
    if project is not None and principal.projects is not None and project not in principal.projects:
        return UnknownThing(kind="project", name=project if named is None else named)
    row = MATRIX.get(action, _NOBODY)
    if project is None and principal.projects is not None and row.without_project != "session":
        return _refused(principal, action)
    if row.people_only and not principal.human:
        return _refused(principal, action)
    cell = _cell(row, principal.role)
    return None if cell == "yes" or (cell == "own" and own) else _refused(principal, action)


def principal_of(identifier: PrincipalId, key: Key) -> Principal:
    """The principal behind a key. A worker key is an agent's, the other roles are people's (security.md S4)."""
    issued = key.issued
    return Principal(
        id=identifier,
        role=issued.role,
        projects=frozenset(ProjectId(project) for project in issued.projects) if issued.projects else None,
        human=issued.role != "worker",
        expires_at=issued.expires_at,
    )


def is_expired(principal: Principal, now: Instant) -> bool:
    """Whether its credential opens nothing any more."""
    return principal.expires_at is not None and now >= principal.expires_at


def _cell(row: Row, role: Role) -> Cell:
    if role == "owner":
        return max((row.viewer, row.operator, row.admin), key=_STRENGTH.index)
    cells: Mapping[Role, Cell] = {
        "worker": row.worker,
        "viewer": row.viewer,
        "operator": row.operator,
        "admin": row.admin,
    }
    return cells[role]


def _refused(principal: Principal, action: str) -> NotPermitted:
    return NotPermitted(kind="human" if principal.human else "agent", role=principal.role, action=action)
