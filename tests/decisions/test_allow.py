"""The matrix of rights is closed: every command has a row, and what has none is refused to everybody."""

from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

import domain
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import Instant, PrincipalId, ProjectId
from domain.kernel.message import Command
from domain.principal.allow import MATRIX, Principal, allow, is_expired, principal_of
from domain.principal.commands import Role
from domain.principal.errors import NotPermitted
from domain.principal.events import KeyIssued
from domain.principal.state import Key

ALPHA, BETA = ProjectId("proj_a"), ProjectId("proj_b")
ROLES: tuple[Role, ...] = get_args(Role)


def command_names() -> set[str]:
    """Every command class that any aggregate defines, in the catalogue or not."""
    found: set[str] = set()
    for path in Path(domain.__file__ or "").parent.glob("*/*.py"):
        module = import_module(f"domain.{path.parent.name}.{path.stem}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Command) and "NAME" in vars(kind):
                found.add(kind.NAME)
    return found


READS = {
    f"read.{thing}"
    for thing in (
        "projects",
        "projections",
        "tasks",
        "runs",
        "sessions",
        "locks",
        "notes",
        "messages",
        "pipelines",
        "proposals",
        "events",
        "refusals",
        "metrics",
        "nodes",
        "schema",
        "keys",
        "ledger",
    )
}
RIGHTS = {
    "heartbeat", "rotate_ledger_key", "archive_log", "verify_projections", "operate_projections", "lock.wide",
    "lock.person", "lock.preempt", "lock.guard",
}  # fmt: skip
DERIVED = {
    "acknowledge_attempt",
    "settle_need",
    "elapse_backoff",
    "time_out_attempt",
    "lapse_delivery",
    "reopen_need",
    "notice_budget",
    "reach_start",
    "pass_deadline",
    "exhaust_budget",
    "revoke_attempt",
    "suspect_session",
    "recover_session",
    "lose_session",
    "end_lock_delay",
    "let_go_locks",
    "time_out_lock_request",
    "expire_lease",
    "reserve_locks",
    "push_task",
    "end_reservation",
    "revert_transfer",
    "preempt_locks",
    "end_outage",
    "declare_keys_lost",
    "stall_attempt",
    "join_node",
    "report_node",
    "lose_node",
    "leave_node",
    "record_refusal",
    "half_open_quota",
    "settle_quota_probe",
    "mark_quota",
    "tell_run",
    "begin_child",
    "tell_need",
    "publish_fact",
    "follow_parent",
    "tell_parent",
    "take_back_child",
    "fire_timer",
    "reach_run_start",
    "pass_run_deadline",
    "give_way",
    "take_turn",
    "expire_proposal",
}

OF_SESSIONS = {
    "open_session", "heartbeat", "end_session", "signal_session", "drain_session", "undrain_session",
    "reparent_session", "claim_work", "report_quota",
}  # fmt: skip
"""Asked without a project: a session is bound to its own."""

WHO_MAY: dict[str, set[Role]] = {
    "read.projects": {"worker", "viewer", "operator", "admin"},
    "read.tasks": {"worker", "viewer", "operator", "admin"},
    "read.runs": {"worker", "viewer", "operator", "admin"},
    "read.sessions": {"worker", "viewer", "operator", "admin"},
    "read.locks": {"worker", "viewer", "operator", "admin"},
    "read.notes": {"worker", "viewer", "operator", "admin"},
    "read.messages": {"worker", "viewer", "operator", "admin"},
    "read.pipelines": {"worker", "viewer", "operator", "admin"},
    "read.proposals": {"worker", "viewer", "operator", "admin"},
    "open_proposal": {"worker", "operator", "admin"},
    "vote_on_proposal": {"worker", "operator", "admin"},
    "withdraw_proposal": {"worker", "operator", "admin"},
    "read.events": {"worker", "operator", "admin"},
    "read.refusals": {"worker", "operator", "admin"},
    "read.ledger": {"operator", "admin"},
    "rotate_ledger_key": {"admin"},
    "archive_log": {"admin"},
    "read.metrics": {"viewer", "operator", "admin"},
    "read.nodes": {"viewer", "operator", "admin"},
    "read.schema": {"viewer", "operator", "admin"},
    "read.keys": {"admin"},
    "read.projections": {"operator", "admin"},
    "verify_projections": {"operator", "admin"},
    "operate_projections": {"admin"},
    "create_project": {"admin"},
    "freeze_project": {"operator", "admin"},
    "unfreeze_project": {"operator", "admin"},
    "update_project": {"operator", "admin"},
    "set_bookmark": {"operator", "admin"},
    "remove_bookmark": {"operator", "admin"},
    "grant_needs": {"operator", "admin"},
    "revoke_needs": {"operator", "admin"},
    "apply_plan": {"operator", "admin"},
    "create_task": {"operator", "admin"},
    "publish_definition": {"operator", "admin"},
    "deprecate_definition": {"operator", "admin"},
    "retire_definition": {"operator", "admin"},
    "claim_task": {"worker", "operator"},
    "claim_tasks": {"worker", "operator"},
    "claim_work": {"worker", "operator"},
    "bid_for_task": {"worker", "operator"},
    "assign_task": {"operator", "admin"},
    "report_progress": {"worker", "operator"},
    "extend_attempt": {"worker", "operator"},
    "complete_task": {"worker", "operator"},
    "fail_task": {"worker", "operator"},
    "release_task": {"worker", "operator"},
    "cancel_task": {"operator", "admin"},
    "retry_task": {"operator", "admin"},
    "reassign_task": {"operator", "admin"},
    "dismiss_attention": {"operator", "admin"},
    "erase_subject": {"admin"},
    "open_session": {"worker", "operator", "admin"},
    "heartbeat": {"worker", "operator", "admin"},
    "report_quota": {"worker", "operator", "admin"},
    "reset_quota": {"operator", "admin"},
    "signal_session": {"worker", "operator", "admin"},
    "drain_session": {"worker", "operator", "admin"},
    "undrain_session": {"worker", "operator", "admin"},
    "reparent_session": {"worker", "operator", "admin"},
    "end_session": {"worker", "operator", "admin"},
    "acquire_locks": {"worker", "operator", "admin"},
    "release_locks": {"worker", "operator", "admin"},
    "await_locks": {"worker", "operator", "admin"},
    "withdraw_lock_request": {"worker", "operator", "admin"},
    "upgrade_locks": {"worker", "operator", "admin"},
    "downgrade_locks": {"worker", "operator", "admin"},
    "transfer_locks": {"worker", "operator", "admin"},
    "accept_locks": {"worker", "operator", "admin"},
    "post_note": {"worker", "operator", "admin"},
    "send_message": {"worker", "operator", "admin"},
    "acknowledge_messages": {"worker", "operator", "admin"},
    "check_locks": {"worker", "operator", "admin"},
    "check_push": {"worker", "operator", "admin"},
    "check_fence": {"worker", "operator", "admin"},
    "set_pool": {"operator", "admin"},
    "start_run": {"operator", "admin"},
    "pause_run": {"operator", "admin"},
    "resume_run": {"operator", "admin"},
    "cancel_run": {"operator", "admin"},
    "skip_phase": {"operator", "admin"},
    "resolve_phase": {"operator", "admin"},
    "retry_phase": {"operator", "admin"},
    "rework_phases": {"operator", "admin"},
    "rollback_run": {"operator", "admin"},
    "fork_run": {"operator", "admin"},
    "adjust_budget": {"operator", "admin"},
    "migrate_run": {"operator", "admin"},
    "resolve_undo": {"operator", "admin"},
    "annotate_run": {"worker", "operator", "admin"},
    "dismiss_run_attention": {"operator", "admin"},
    "cast_vote": {"worker", "operator", "admin"},
    "override_gate": {"admin"},
    "revise_evidence": {"operator", "admin"},
    "send_signal": {"worker", "operator", "admin"},
    "publish_signal": {"worker", "operator", "admin"},
    "publish_artefact": {"worker", "operator", "admin"},
    "withdraw_artefact": {"operator", "admin"},
    "quarantine_member": {"worker", "operator", "admin"},
    "return_member": {"operator", "admin"},
    "describe_pool": {"worker", "operator", "admin"},
    "break_locks": {"operator", "admin"},
    "lift_quarantine": {"operator", "admin"},
    "lock.wide": {"operator", "admin"},
    "lock.person": {"operator", "admin"},
    "lock.preempt": {"operator", "admin"},
    "lock.guard": {"operator", "admin"},
    "issue_key": {"admin"},
    "revoke_key": {"admin"},
    **{name: set() for name in DERIVED},
}


def may(role: Role, action: str) -> bool:
    """The owner of a local installation holds every human role."""
    return bool(WHO_MAY[action] & ({"viewer", "operator", "admin"} if role == "owner" else {role}))


def principal(role: Role, *projects: ProjectId, human: bool | None = None) -> Principal:
    return Principal(
        id=PrincipalId("key_x"),
        role=role,
        projects=frozenset(projects) if projects else None,
        human=role != "worker" if human is None else human,
    )


def test_every_command_every_read_and_every_right_has_a_row_and_no_row_is_left_over() -> None:
    assert len(command_names()) > 20
    assert set(MATRIX) == command_names() | READS | RIGHTS


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", sorted(WHO_MAY))
def test_each_role_may_just_what_the_table_says(action: str, role: Role) -> None:
    assert (allow(principal(role, ALPHA), action, ALPHA) is None) is may(role, action)
    assert (allow(principal(role), action, None) is None) is may(role, action)


def test_the_table_of_this_test_is_complete() -> None:
    assert set(WHO_MAY) == set(MATRIX)


@pytest.mark.parametrize("action", sorted(MATRIX))
def test_a_worker_changes_only_what_is_its_own(action: str) -> None:
    reads = {
        f"read.{one}" for one in ("projects", "tasks", "runs", "sessions", "locks", "notes", "pipelines", "proposals")
    }
    allowed = allow(principal("worker", ALPHA), action, ALPHA, own=False) is None
    assert allowed is (action in reads)


@pytest.mark.parametrize("action", sorted(MATRIX))
@pytest.mark.parametrize("role", ROLES)
def test_a_foreign_project_is_answered_exactly_like_an_absent_one(action: str, role: Role) -> None:
    asker = principal(role, ALPHA)
    assert allow(asker, action, BETA) == UnknownThing(kind="project", name=BETA)
    assert allow(asker, action, BETA, named="beta") == UnknownThing(kind="project", name="beta")


@pytest.mark.parametrize("action", sorted(MATRIX))
@pytest.mark.parametrize("role", ROLES)
def test_who_sees_some_projects_may_not_reach_into_all_of_them(action: str, role: Role) -> None:
    bound_to_a_session = action in OF_SESSIONS
    allowed = allow(principal(role, ALPHA), action, None) is None
    assert allowed is (bound_to_a_session and may(role, action))


@pytest.mark.parametrize("action", ["read.keys", "issue_key", "revoke_key", "create_project", "freeze_project"])
@pytest.mark.parametrize("role", ROLES)
def test_an_agent_never_carries_the_rights_of_people_whatever_its_role(action: str, role: Role) -> None:
    assert isinstance(allow(principal(role, human=False), action, None), NotPermitted)


def test_an_action_without_a_row_is_refused_to_everybody() -> None:
    for role in ROLES:
        assert isinstance(allow(principal(role), "drop_everything", None), NotPermitted)


def test_a_refusal_of_a_right_is_audited_and_says_who_may_not_what() -> None:
    refusal = allow(principal("viewer"), "apply_plan", ALPHA)
    assert isinstance(refusal, NotPermitted)
    assert refusal == NotPermitted(kind="human", role="viewer", action="apply_plan")
    assert refusal.AUDITED
    assert refusal.HTTP_STATUS == 403
    assert refusal.message() == "A key with the role viewer does not have the right `apply_plan`."


def test_a_key_makes_the_principal_that_it_says() -> None:
    issued = KeyIssued(name="k", role="worker", projects=(ALPHA,), digest="", expires_at=Instant(10), at=Instant(0))
    worker = principal_of(PrincipalId("key_1"), Key(issued))
    assert worker == Principal(PrincipalId("key_1"), "worker", frozenset({ALPHA}), human=False, expires_at=Instant(10))
    assert not is_expired(worker, Instant(9))
    assert is_expired(worker, Instant(10))
    person = principal_of(PrincipalId("key_2"), Key(issued.model_copy(update={"role": "admin", "projects": ()})))
    assert person.projects is None
    assert person.human
    assert not is_expired(principal("admin"), Instant(10))
