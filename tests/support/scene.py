"""A project in which every command can be asked with success, and the list of what only the scene knows."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from domain.kernel.ids import Instant, derived_id
from tests.support.command_forms import Place
from tests.support.definitions import a_field, phases
from tests.support.whole_server import Caller, Told, WholeServer

T = TypeVar("T")
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Scene:
    """One project with a session of the caller that holds an attempt and locks."""

    server: WholeServer
    caller: Caller
    project: str
    """The project's id."""
    name: str
    """Its slug."""
    session: str
    former: str
    """A session of the caller that has ended."""
    above: str
    """Another session of the caller, which holds what ``request`` waits for."""
    ready: str
    """Key of a task that is ready, as ``waiting`` is."""
    waiting: str
    held: str
    """Key of the task that the session works on."""
    failed: str
    """Key of a task that has failed."""
    token: str
    """Of the attempt at ``held``."""
    dead_token: str
    """Of the attempt at ``failed``."""
    lock_token: str
    """Of locks that the session took itself."""
    shared_token: str
    """Of locks that it shares."""
    request: str
    """Number of a request of the session that waits for locks."""
    task_id: str
    """Id of ``held``."""
    key: str
    """Id of a key that nobody uses."""

    def filled(self, command: str) -> Callable[[str], object | None]:
        """What stands at a place of the command: the longest name in the list that its own name ends with."""
        return lambda name: self._filled(f"{command}.{name}")

    def _filled(self, name: str) -> object | None:
        known = _by_end(FILLED, name)
        return None if known is None else known(self)


def _by_end(table: Mapping[str, T], name: str) -> T | None:
    steps = name.split(".")
    found = (table.get(".".join(steps[start:])) for start in range(len(steps)))
    return next((one for one in found if one is not None), None)


def fresh_key() -> str:
    return derived_id("key", Instant(1), (str(next(_NUMBERS)),))


POOL = "units"
PIPELINE = "release"
FRIEND = "friend"
"""A project that every scene knows of."""
FILLED: Mapping[str, Callable[[Scene], object | None]] = {
    "project": lambda scene: scene.name,
    "projects": lambda scene: [scene.name],
    "session": lambda scene: scene.session,
    "incarnation": lambda _: 1,
    "task": lambda scene: scene.held,
    "token": lambda scene: scene.token,
    "claim": lambda _: "path:docs//src/**",
    "create_project.name": lambda _: f"made-{next(_NUMBERS)}",
    "apply_plan.tasks.key": lambda _: "fresh",
    "needs.task": lambda scene: scene.ready,
    "accept": lambda _: ["completed"],
    "claim_task.task": lambda scene: scene.ready,
    "cancel_task.task": lambda scene: scene.ready,
    "retry_task.task": lambda scene: scene.failed,
    "erase_subject.subject": lambda scene: scene.failed,
    "release_locks.token": lambda scene: scene.lock_token,
    "acquire_locks.attempt": lambda scene: scene.token,
    "acquire_locks.priority": lambda _: "urgent",
    "acquire_locks.preempt": lambda _: False,
    "upgrade_locks.token": lambda scene: scene.shared_token,
    "upgrade_locks.mode": lambda _: "exclusive",
    "transfer_locks.token": lambda scene: scene.lock_token,
    "transfer_locks.receiver": lambda scene: scene.above,
    "check_locks.resources": lambda _: ["path:own//lib/one"],
    "check_push.token": lambda scene: scene.lock_token,
    "check_push.repository": lambda _: "own",
    "check_push.branch": lambda _: "topic",
    "check_push.change": lambda _: "advance",
    "check_push.paths": lambda _: ["lib/one"],
    "check_push.merged": lambda _: ["lib/two"],
    "check_push.on_behalf": lambda _: False,
    "check_push.pusher": lambda _: "",
    "check_fence.resource": lambda _: "path:own//lib/one",
    "check_fence.token": lambda scene: scene.lock_token,
    "pool": lambda _: POOL,
    "definition.name": lambda _: f"made-{next(_NUMBERS)}",
    "definition.phases": lambda _: phases(),
    "definition.inputs": lambda _: [a_field("size")],
    "definition.outputs.value": lambda _: "inputs.size",
    "pipeline": lambda _: PIPELINE,
    "version": lambda _: 1,
    "publish_artefact.version": lambda _: "1.4.2",
    "withdraw_artefact.version": lambda _: "1.4.2",
    "member": lambda _: "one",
    "set_pool.members": lambda _: [{"name": "two", "labels": ["large"]}],
    "open_session.resume": lambda scene: scene.former,
    "open_session.parent": lambda scene: scene.above,
    "reparent_session.parent": lambda scene: scene.above,
    "request": lambda scene: scene.request,
    "issue_key.key": lambda _: fresh_key(),
    "issue_key.digest": lambda _: "0" * 64,
    "issue_key.role": lambda _: "viewer",
    "revoke_key.key": lambda scene: scene.key,
    "grant_needs.to": lambda _: FRIEND,
    "revoke_needs.to": lambda _: FRIEND,
    "reassign_task.to": lambda scene: scene.session,
    "assign_task.task": lambda scene: scene.ready,
    "bid_for_task.task": lambda scene: scene.ready,
    "create_task.task": lambda _: None,
    "create_task.task.key": lambda _: "fresh",
    "create_task.task.parent": lambda scene: scene.waiting,
    "apply_plan.tasks.parent": lambda scene: scene.waiting,
    "needs.project": lambda _: "",
    "not_before": lambda _: 1,
    "deadline": lambda _: 2**52,
    "evidence.ref": lambda _: "a" * 40,
    "post_note.answers": lambda _: 1,
    "send_message.to": lambda scene: scene.above,
    "acknowledge_messages.through": lambda _: 1,
    "open_proposal.options": lambda _: [{"name": "left", "text": ""}, {"name": "right", "text": ""}],
    "open_proposal.quorum.approvals": lambda _: 1_000,
    "per_role.role": lambda _: "operator",
    "output": lambda _: "{}",
    "inputs": lambda _: "{}",
    "content": lambda _: "{}",
    "revise_evidence.value": lambda _: "{}",
    "rework_phases.phases": lambda _: ["deploy"],
    "expected_revision": lambda _: None,
}
"""By the end of a place's name, with the command in front. A new command may need entries here, and nothing else."""

THINGS: Mapping[str, str] = {
    "project": "project",
    "projects": "project",
    "session": "session",
    "resume": "session",
    "open_session.parent": "session",
    "receiver": "session",
    "reparent_session.parent": "session",
    "task": "task",
    "token": "token",
    "acquire_locks.attempt": "token",
    "request": "none",
    "pool": "none",
    "run": "none",
    "phase": "none",
    "proposal": "none",
    "rework_phases.phases": "none",
    "pipeline": "none",
    "concurrency.key": "none",
    "definition.labels": "none",
    "definition.name": "none",
    "definition.outputs.name": "none",
    "revoke_key.key": "key",
    "publish_artefact.version": "none",
    "withdraw_artefact.version": "none",
    "erase_subject.subject": "task",
    "open_session.name": "none",
    "create_task.task": "none",
    "create_task.task.parent": "task",
    "apply_plan.tasks.parent": "task",
    "labels": "none",
    "reassign_task.to": "session",
    "grant_needs.to": "project",
    "revoke_needs.to": "project",
    "send_message.to": "session",
}
"""What a place names, by the end of its own name; a place that names nothing here is ``none``."""


REFUSED: Mapping[str, str] = {
    "lift_quarantine": "not_in_quarantine",
    "accept_locks": "not_transferred",
    "reset_quota": "unknown_thing",
    "assign_task": "pushed_work_declined",
    "bid_for_task": "no_auction",
    "pause_run": "unknown_thing",
    "resume_run": "unknown_thing",
    "cancel_run": "unknown_thing",
    "skip_phase": "unknown_thing",
    "resolve_phase": "unknown_thing",
    "cast_vote": "unknown_thing",
    "rollback_run": "unknown_thing",
    "fork_run": "unknown_thing",
    "adjust_budget": "unknown_thing",
    "migrate_run": "unknown_thing",
    "resolve_undo": "unknown_thing",
    "annotate_run": "unknown_thing",
    "dismiss_run_attention": "unknown_thing",
    "retry_phase": "unknown_thing",
    "rework_phases": "unknown_thing",
    "override_gate": "unknown_thing",
    "revise_evidence": "unknown_thing",
    "send_signal": "unknown_thing",
    "withdraw_artefact": "version_absent",
    "vote_on_proposal": "unknown_thing",
    "withdraw_proposal": "unknown_thing",
}
"""Commands that a scene cannot lead to success, with the code that its example gets: it is past every check of form."""
OF_OTHERS = frozenset({"break_locks", "lift_quarantine", "check_fence"})
"""Commands about a token whose holder somebody else may be."""


def succeeded(command: str, told: Told) -> bool:
    """Whether an example did what it could."""
    return told.status == 200 or told.code == REFUSED.get(command)


def thing_at(command: str, place: Place) -> str | None:
    """What a place of a command names; lists of names are places of their own."""
    if any(form.get("type") == "array" for form in place.choices):
        return None
    return _by_end(THINGS, f"{command}.{place.name}")


async def a_scene(server: WholeServer, caller: Caller | None = None, project: str | None = None) -> Scene:
    """A scene of its own. ``caller`` owns the sessions, the owner of the server makes the rest."""
    owner = server.owner
    asking = caller or owner
    name = project or f"scene-{next(_NUMBERS)}"
    made = await owner.done("create_project", name=name, lock_delay_seconds=0)
    await owner.done("create_project", name=FRIEND)
    once = {"max_attempts": 1}
    tasks: list[dict[str, object]] = [{"key": key, "title": key} for key in ("ready", "waiting")]
    tasks += [{"key": "held", "title": "held", "scope": [{"claim": "path:repo//src/**"}]}]
    tasks += [{"key": "failed", "title": "failed", "retry": once}]
    planned = await owner.done("apply_plan", project=name, tasks=tasks)
    session = (await asking.done("open_session", projects=[name], capacity=8, ttl_seconds=3_600, credential_pool=name))[
        "session"
    ]
    former = (await asking.done("open_session", projects=[name]))["session"]
    await asking.done("end_session", session=former, incarnation=1)
    life = {"session": session, "incarnation": 1, "project": name}
    token = (await asking.done("claim_task", task="held", **life))["token"]
    await asking.done("report_progress", project=name, task="held", token=token)
    dead = (await asking.done("claim_task", task="failed", **life))["token"]
    await asking.done("fail_task", project=name, task="failed", token=dead)
    locks = await asking.done("acquire_locks", claims=[{"claim": "path:own//lib/**"}], **life)
    weak = [{"claim": "path:weak//lib/**", "mode": "shared"}]
    shared = await asking.done("acquire_locks", claims=weak, **life)
    await owner.done("set_pool", project=name, pool=POOL, members=[{"name": "one"}])
    above = (await asking.done("open_session", projects=[name], ttl_seconds=3_600))["session"]
    busy = [{"claim": "path:busy//lib/**"}]
    await asking.done("acquire_locks", project=name, session=above, incarnation=1, claims=busy)
    waits = await asking.done("acquire_locks", claims=busy, wait="queue", **life)
    await owner.done("post_note", project=name, task="held", text="read me")
    await owner.done("send_message", project=name, to=session, text="hello")
    definition = {"name": PIPELINE, "phases": phases()}
    await owner.done("publish_definition", project=name, definition=definition)
    key = fresh_key()
    await owner.done("issue_key", key=key, name="unused", role="viewer", digest="1" * 64)
    return Scene(
        server=server,
        caller=asking,
        project=made["project"],
        name=name,
        session=session,
        former=former,
        above=above,
        ready="ready",
        waiting="waiting",
        held="held",
        failed="failed",
        token=token,
        dead_token=dead,
        lock_token=locks["token"],
        shared_token=shared["token"],
        request=waits["request"],
        task_id=planned["ids"]["held"],
        key=key,
    )
