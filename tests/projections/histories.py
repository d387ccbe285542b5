"""Random but legal histories of a small fleet, made of plain events, and how they get into a log."""

from collections.abc import Sequence
from itertools import groupby

from domain.kernel.decider import Recorded
from domain.kernel.erasure_events import SubjectErased
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.registry import Registry
from domain.kernel.values import Requirement, ScopeClaim
from domain.kernel.work import RetryRule
from domain.lock.events import LocksGranted, LocksLingered, LocksReleased
from domain.node.events import OutageEnded
from domain.principal.events import KeyIssued, KeyRevoked
from domain.project.events import (
    ProjectBookmarkRemoved,
    ProjectBookmarkSet,
    ProjectCreated,
    ProjectFrozen,
    ProjectNeedsGranted,
    ProjectNeedsRevoked,
    ProjectSet,
    ProjectUnfrozen,
)
from domain.project.settings import ProjectSettings
from domain.refusal.events import CommandRefused
from domain.session.events import (
    SessionAttemptEnded,
    SessionAttemptStarted,
    SessionEnded,
    SessionGrantGone,
    SessionGrantTaken,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionSuspected,
)
from domain.task.commands import SPENT_MAX, Usage
from domain.task.events import (
    LateReportDiscarded,
    NeedEdge,
    TaskAttemptEnded,
    TaskAttentionCleared,
    TaskAttentionRaised,
    TaskBackedOff,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDependantAdded,
    TaskFailed,
    TaskHeldBack,
    TaskNeedReopened,
    TaskNeedSettled,
    TaskParked,
    TaskPartAdded,
    TaskPartSettled,
    TaskPlanned,
    TaskProgressed,
    TaskReadied,
    TaskReassigned,
    TaskRetried,
    TaskStarted,
)
from infrastructure.log.mapper import new_event, recorded
from infrastructure.log.port import Appended, Log, LogRow, Member

EVENTS: tuple[type[Event], ...] = (
    LocksGranted, LocksLingered, LocksReleased, OutageEnded, KeyIssued, KeyRevoked, ProjectCreated, ProjectFrozen,
    ProjectUnfrozen, CommandRefused, SessionAttemptEnded, SessionAttemptStarted, SessionEnded, SessionGrantGone,
    SessionGrantTaken, SessionLost, SessionOpened, SessionRecovered, SessionSuspected, LateReportDiscarded,
    TaskAttemptEnded, TaskBackedOff, TaskCancelled, TaskClaimed, TaskCompleted, TaskDependantAdded, TaskFailed,
    TaskNeedSettled, TaskParked, TaskPlanned, TaskProgressed, TaskReadied, TaskRetried, TaskStarted, TaskPartAdded,
    TaskPartSettled, TaskNeedReopened, TaskHeldBack, TaskReassigned, TaskAttentionRaised, TaskAttentionCleared,
    ProjectSet, ProjectBookmarkSet, ProjectBookmarkRemoved, ProjectNeedsGranted, ProjectNeedsRevoked, SubjectErased,
)  # fmt: skip
REGISTRY = Registry(EVENTS)
PROJECTS = ("proj_00000000000000000000000001", "proj_00000000000000000000000002")
OUTAGES = "outage_00000000000000000000000000"


def stream(kind: str, number: int) -> str:
    return f"{kind}_{number:026d}"


class History:
    """Writes what a small fleet did; every step is one command."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.now = 1_700_000_000_000_000
        self.commands = 0
        self.tokens = 1 << 40
        self.versions: dict[str, int] = {}
        self.tasks: dict[str, str] = {}
        """Task -> phase."""
        self.projects: dict[str, str] = {}
        self.unmet: dict[str, list[str]] = {}
        self.dependants: dict[str, list[str]] = {}
        self.attempts: dict[str, tuple[str, int]] = {}
        """Task -> session and token of its live attempt."""
        self.claims: dict[str, int] = {}
        self.sessions: dict[str, str] = {}
        self.lives: dict[str, int] = {}
        self.grants: dict[str, list[tuple[str, int]]] = {}

    def command(self) -> None:
        self.commands += 1
        self.now += 1_000

    def put(self, name: str, event: Event, project: str = FLEET) -> None:
        self.versions[name] = self.versions.get(name, 0) + 1
        self.log.append(
            Recorded(
                position=len(self.log) + 1,
                stream=StreamId(name),
                version=self.versions[name],
                event=event,
                recorded_at=Instant(self.now),
                project=ProjectId(project),
                actor="key_test",
                command_id=f"cmd_{self.commands:026d}",
                correlation_id=f"cmd_{self.commands:026d}",
                causation_id=None,
            )
        )

    @property
    def at(self) -> Instant:
        return Instant(self.now)

    def found(self, number: int) -> None:
        """Projects, keys and outages come and go; a project is created once, a key issued once: their ids are new."""
        self.command()
        name = PROJECTS[number % 2]
        match number // 2 % 4:
            case 0:
                if name not in self.versions:
                    self.put(name, ProjectCreated(name=f"p{number % 2}", lock_delay_seconds=30, at=self.at), name)
                self.put(name, ProjectFrozen(reason="", at=self.at), name)
                self.put(name, ProjectUnfrozen(at=self.at), name)
                settings = ProjectSettings(weight=1 + number % 3)
                self.put(name, ProjectSet(settings=settings, changed=("weight",), by="key_a", at=self.at), name)
                self.put(name, ProjectBookmarkSet(name="b", position=number, by="key_a", at=self.at), name)
                self.put(name, ProjectBookmarkRemoved(name="b", by="key_a", at=self.at), name)
                self.put(name, ProjectNeedsGranted(to=PROJECTS[1 - number % 2], at=self.at), name)
                if number % 3:
                    self.put(name, ProjectNeedsRevoked(to=PROJECTS[1 - number % 2], at=self.at), name)
            case 1:
                key = stream("key", self.commands)
                self.put(
                    key, KeyIssued(name="k", role="worker", projects=(), digest="0" * 64, expires_at=None, at=self.at)
                )
                self.put(key, KeyRevoked(at=self.at))
            case 2:
                self.put(OUTAGES, OutageEnded(began_at=self.at, at=self.at))
            case _:
                refused = CommandRefused(
                    command="claim_task", code="fenced", message="no", principal="key_a", at=self.at
                )
                self.put(stream("refusals", number % 2), refused, name)

    def plan(self, number: int) -> None:
        self.command()
        project = PROJECTS[number % 2]
        name = stream("task", len(self.tasks) + 1)
        others = [task for task, owner in self.projects.items() if owner == project and self.tasks[task] != "completed"]
        needs = tuple(dict.fromkeys(others[(number >> shift) % len(others)] for shift in range(number % 3) if others))
        self.put(
            name,
            TaskPlanned(
                project=project,
                key=f"t{len(self.tasks)}",
                title=f"Do\0 {number}" if number % 11 == 0 else f"Do {number}",
                body="",
                kind=("code", "review")[number % 2],
                priority=number % 5 - 2,
                needs=tuple(NeedEdge(task=need, key="k", accept=("completed",)) for need in needs),
                scope=(ScopeClaim(claim=f"path:repo//src/{number % 7}"),) if number % 3 else (),
                requires=(Requirement(key="gpu"),) if number % 4 == 0 else (),
                retry=RetryRule(),
                timeout_seconds=None,
                run=None,
                path_length=1,
                at=self.at,
            ),
            project,
        )
        for need in needs:
            self.put(need, TaskDependantAdded(dependant=name), project)
            self.dependants.setdefault(need, []).append(name)
        self.tasks[name], self.projects[name], self.unmet[name] = "pending", project, list(needs)
        if not needs:
            self.ready(name, "planned")

    def relate(self, number: int) -> None:
        """Parts, attention and reassignment: what happens to a task beside its phases."""
        tasks = [task for task, phase in self.tasks.items() if phase in {"pending", "ready"}]
        if not tasks:
            return
        self.command()
        task, part = tasks[number % len(tasks)], stream("task", 10_000 + number)
        events: tuple[Event, ...] = (
            TaskPartAdded(part=part, key="part", at=self.at),
            TaskPartSettled(part=part, outcome="completed", usage=Usage(input_tokens=number), at=self.at),
            TaskNeedReopened(need=part, part=True, at=self.at),
            TaskReassigned(session=None, reason="", by="key_a", at=self.at),
            TaskAttentionRaised(topic="overdue", reason="", at=self.at),
            TaskAttentionCleared(topic="overdue", by="key_a", at=self.at),
        )
        self.put(task, events[number % len(events)], self.projects[task])
        if self.tasks[task] == "ready" and number % 5 == 0:
            self.put(task, TaskHeldBack(at=self.at), self.projects[task])
            self.ready(task, "lock_delay_over")

    def ready(self, task: str, reason: str) -> None:
        event = TaskReadied.model_validate({"reason": reason, "at": self.at})
        self.put(task, event, self.projects[task])
        self.tasks[task] = "ready"

    def connect(self, number: int) -> None:
        self.command()
        gone = [session for session, status in self.sessions.items() if status in {"lost", "ended"}]
        name = gone[number % len(gone)] if gone and number % 2 else stream("sess", len(self.sessions) + 1)
        self.lives[name] = self.lives.get(name, 0) + 1
        self.sessions[name] = "live"
        self.put(
            name,
            SessionOpened(
                incarnation=self.lives[name],
                projects=PROJECTS if number % 3 else PROJECTS[:1],
                name="",
                tool=("codex", "shell")[number % 2],
                model="",
                host="",
                capabilities={"gpu": True, "langs": ("py", "go")},
                capacity=2,
                ttl_seconds=60,
                owner="key_a",
                at=self.at,
            ),
        )

    def claim(self, number: int) -> None:
        live = [session for session, status in self.sessions.items() if status == "live"]
        ready = [task for task, phase in self.tasks.items() if phase == "ready"]
        if not live or not ready:
            return
        self.command()
        session, task = live[number % len(live)], ready[number % len(ready)]
        project = self.projects[task]
        self.tokens += 1
        self.claims[task] = self.claims.get(task, 0) + 1
        life = self.lives[session]
        scope = (ScopeClaim(claim="path:repo//src"),) if number % 3 else ()
        self.put(
            stream("locks", PROJECTS.index(project)),
            LocksGranted(
                token=self.tokens, session=session, incarnation=life, task=task, claims=scope, purpose="", at=self.at
            ),
            project,
        )
        claimed = TaskClaimed(
            session=session,
            incarnation=life,
            token=self.tokens,
            attempt=self.claims[task],
            strategy="priority",
            at=self.at,
        )
        self.put(task, claimed, project)
        self.put(session, SessionAttemptStarted(project=project, task=task, token=self.tokens))
        self.tasks[task], self.attempts[task] = "assigned", (session, self.tokens)

    def work(self, number: int) -> None:
        if not self.attempts:
            return
        self.command()
        task = sorted(self.attempts)[number % len(self.attempts)]
        token = self.attempts[task][1]
        if self.tasks[task] == "assigned":
            self.put(task, TaskStarted(token=token, at=self.at), self.projects[task])
            self.tasks[task] = "running"
        event = TaskProgressed(token=token, percent=float(number % 100), note="", checkpoint=None, at=self.at)
        self.put(task, event, self.projects[task])

    def finish(self, number: int) -> None:
        if not self.attempts:
            return
        self.command()
        task = sorted(self.attempts)[number % len(self.attempts)]
        project, (session, token) = self.projects[task], self.attempts.pop(task)
        ends = number // 7 % 6
        locks = stream("locks", PROJECTS.index(project))
        if ends < 3:
            usage = Usage(input_tokens=SPENT_MAX, model="m") if ends else None
            done = TaskCompleted(token=token, summary="done", artifacts=(), usage=usage, at=self.at)
            self.put(task, done, project)
            self.put(session, SessionAttemptEnded(project=project, token=token, outcome="completed"))
            self.put(locks, LocksReleased(token=token, reason="completed", at=self.at), project)
            self.settle(task, "completed")
            return
        lost = ends == 5
        ended = TaskAttemptEnded(
            token=token,
            kind="session_lost" if lost else "agent",
            reason="x",
            consumed=not lost,
            checkpoint=None,
            at=self.at,
        )
        self.put(task, ended, project)
        self.put(session, SessionAttemptEnded(project=project, token=token, outcome="lost" if lost else "failed"))
        if lost:
            self.put(locks, LocksLingered(token=token, reason="lost", until=self.at, at=self.at), project)
            backed = TaskBackedOff(until=self.at, reason="lock_delay", then="lock_delay_over", at=self.at)
            self.put(task, backed, project)
            self.tasks[task] = f"backoff {token}"
        else:
            self.put(locks, LocksReleased(token=token, reason="failed", at=self.at), project)
            last = TaskFailed(reason="out", at=self.at) if ends == 3 else TaskParked(reason="look", at=self.at)
            self.put(task, last, project)
            self.tasks[task] = "parked"
            if ends == 3:
                self.settle(task, "failed")

    def settle(self, task: str, outcome: str) -> None:
        self.tasks[task] = outcome
        for dependant in self.dependants.get(task, []):
            if task not in self.unmet[dependant] or self.tasks[dependant] != "pending":
                continue
            event = TaskNeedSettled.model_validate(
                {"need": task, "outcome": outcome, "satisfied": outcome == "completed"}
            )
            self.put(dependant, event, self.projects[dependant])
            if outcome == "completed":
                self.unmet[dependant].remove(task)
                if not self.unmet[dependant]:
                    self.ready(dependant, "needs_met")

    def turn(self, number: int) -> None:
        """Whatever waits goes on: retries, ends of lock-delays, cancellations, late reports."""
        tasks = [task for task, phase in self.tasks.items() if task not in self.attempts and phase != "cancelled"]
        if not tasks:
            return
        self.command()
        task = tasks[number % len(tasks)]
        phase, project = self.tasks[task], self.projects[task]
        if phase.startswith("backoff"):
            token = int(phase.split()[1])
            locks = stream("locks", PROJECTS.index(project))
            self.put(locks, LocksReleased(token=token, reason="lock_delay_over", at=self.at), project)
            self.ready(task, "lock_delay_over")
        elif phase in {"parked", "failed"}:
            self.put(task, TaskRetried(generation=2, at=self.at), project)
            self.ready(task, "retried")
        elif phase == "ready" and number % 3 == 0:
            self.put(task, TaskCancelled(reason="no", at=self.at), project)
            self.settle(task, "cancelled")
            if number % 3 == 0:
                erased = SubjectErased(subject=task, reason="17", asked_by="key_a", by="key_b", at=self.at)
                self.put(task, erased, project)
        else:
            late = LateReportDiscarded(token=self.tokens, report="complete_task", digest="00", at=self.at)
            self.put(task, late, project)

    def live(self, number: int) -> None:
        """A session is suspected, heard again, holds locks of its own, is lost or says goodbye."""
        sessions = sorted(self.sessions)
        if not sessions:
            return
        self.command()
        session = sessions[number % len(sessions)]
        life, status = self.lives[session], self.sessions[session]
        busy = any(owner == session for owner, _ in self.attempts.values())
        if status == "suspect":
            self.put(session, SessionRecovered(incarnation=life, at=self.at))
            self.sessions[session] = "live"
        elif status == "live" and number % 4 == 0:
            self.put(session, SessionSuspected(incarnation=life, renewed_at=self.at, at=self.at))
            self.sessions[session] = "suspect"
        elif status == "live" and number % 4 == 1 and not busy:
            lost = number % 8 == 1
            gone = SessionLost(incarnation=life, renewed_at=self.at, at=self.at)
            self.put(session, gone if lost else SessionEnded(incarnation=life, at=self.at))
            self.sessions[session] = "lost" if lost else "ended"
        elif status == "live":
            self.hold(session)

    def hold(self, session: str) -> None:
        grants = self.grants.setdefault(session, [])
        if grants:
            project, token = grants.pop()
            self.put(session, SessionGrantGone(project=project, token=token))
            return
        self.tokens += 1
        grants.append((PROJECTS[0], self.tokens))
        granted = LocksGranted(
            token=self.tokens,
            session=session,
            incarnation=1,
            task=None,
            claims=(ScopeClaim(claim="name:x", mode="shared"),),
            purpose="",
            at=self.at,
        )
        self.put(stream("locks", 0), granted, PROJECTS[0])
        self.put(session, SessionGrantTaken(project=PROJECTS[0], token=self.tokens))


def history_of(numbers: Sequence[int]) -> list[Recorded]:
    """One step of the fleet for each number."""
    history = History()
    steps = (history.plan, history.claim, history.work, history.finish, history.turn, history.live, history.connect,
             history.plan, history.claim, history.finish, history.found, history.relate)  # fmt: skip
    for number in numbers:
        steps[number % len(steps)](number // len(steps))
    return history.log


def append(log: Log, events: Sequence[Recorded]) -> None:
    """Store the events, one member for each command."""
    members: list[Member] = []
    for command, group in groupby(events, key=lambda one: one.command_id):
        members.append(_member(command, tuple(group)))
    for first in range(0, len(members), 256):
        results = log.append(members[first : first + 256], now=events[0].recorded_at)
        assert all(isinstance(result, Appended) for result in results), results


def _member(command: str, group: tuple[Recorded, ...]) -> Member:
    reads: dict[str, int] = {}
    for one in group:
        reads.setdefault(one.stream, one.version - 1)
    return Member(
        command_id=command,
        project=group[0].project,
        principal="key_test",
        time=group[0].recorded_at,
        correlation_id=command,
        causation_id=None,
        traceparent=None,
        digest=b"d",
        body=b"{}",
        outcome=b"{}",
        reads=tuple(reads.items()),
        events=tuple(new_event(one.stream, one.version, one.event, one.project) for one in group),
    )


def decode(row: LogRow) -> Recorded:
    return recorded(row, REGISTRY)
