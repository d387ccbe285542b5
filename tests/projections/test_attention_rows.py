"""What a person has to look at comes with the event that begins it and goes with the one that ends it."""

from typing import Any

from domain.kernel.decider import Recorded
from domain.kernel.ids import FLEET, Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.lock.events import (
    LocksBroken,
    LocksQuarantined,
    LocksReleased,
    PoolMember,
    PoolMemberQuarantined,
    PoolMemberReturned,
    PoolSet,
)
from domain.project.events import ProjectBudgetNoticed, ProjectFrozen, ProjectSet, ProjectUnfrozen
from domain.project.settings import ProjectSettings
from domain.quota.decider import pool_stream
from domain.quota.events import QuotaClosed, QuotaOpened, QuotaSessionJoined
from domain.session.events import (
    SessionAttemptStarted,
    SessionEnded,
    SessionLost,
    SessionOpened,
    SessionRecovered,
    SessionStatusChanged,
    SessionSuspected,
)
from domain.task.events import TaskAttentionCleared, TaskAttentionRaised
from projections.attention.projection import ATTENTION
from projections.attention.rows import RESOLVED_BY, AttentionRow
from projections.kernel.replay import replay

AT = Instant(1_000)
P = "proj_1"


class Story:
    def __init__(self) -> None:
        self.log: list[Recorded] = []

    def say(self, stream: str, *events: Event, project: str = P) -> "Story":
        for event in events:
            place = len(self.log) + 1
            its = StreamId(stream)
            self.log.append(Recorded(place, its, place, event, AT, ProjectId(project), "key_1", "cmd_1", "cmd_1"))
        return self

    def stands(self) -> list[AttentionRow]:
        rows = replay(ATTENTION, self.log)
        return [row for _, row in sorted(rows.items()) if row.stands]

    def topics(self) -> list[str]:
        return [row.topic for row in self.stands()]


def opened(**more: Any) -> SessionOpened:
    fields: dict[str, Any] = {
        "incarnation": 1, "projects": (P,), "name": "a", "tool": "", "model": "", "host": "", "capabilities": {},
        "capacity": 1, "ttl_seconds": 60, "owner": "key_1", "at": AT,
    }  # fmt: skip
    return SessionOpened(**fields | more)


def status(word: Any, note: str = "") -> SessionStatusChanged:
    return SessionStatusChanged(
        incarnation=1, status=word, signal="progress", tool="", tool_until=None, digest="", note=note, at=AT
    )


def test_a_task_says_each_of_its_reasons_until_it_is_cleared() -> None:
    story = Story().say(
        "task_1",
        TaskAttentionRaised(topic="parked", reason="three failures", at=AT),
        TaskAttentionRaised(topic="overdue", reason="due yesterday", at=AT),
    )
    assert [(row.topic, row.about, row.why) for row in story.stands()] == [
        ("overdue", "task_1", "due yesterday"),
        ("parked", "task_1", "three failures"),
    ]
    story.say("task_1", TaskAttentionCleared(topic="overdue", by="key_1", at=AT))
    assert story.topics() == ["parked"]


def test_locks_in_quarantine_until_they_are_lifted_or_broken() -> None:
    story = Story()
    for token in (7, 8):
        story.say("locks_1", LocksQuarantined(token=token, reason="lost", at=AT))
    assert [(row.topic, row.about) for row in story.stands()] == [("quarantined_locks", one) for one in "78"]
    story.say("locks_1", LocksReleased(token=8, reason="completed", at=AT))
    story.say("locks_1", LocksReleased(token=7, reason="lifted", at=AT))
    assert [row.about for row in story.stands()] == ["8"]
    story.say("locks_1", LocksBroken(token=8, reason="x", by="key_1", at=AT))
    assert story.topics() == []


def test_units_in_quarantine_are_one_thing_to_look_at() -> None:
    def hot(name: str) -> PoolMemberQuarantined:
        return PoolMemberQuarantined(pool="gpu", member=name, reason="hot", at=AT)

    members = tuple(PoolMember(name=one) for one in "abc")
    story = Story().say("locks_1", PoolSet(pool="gpu", members=members, quota=None, at=AT), hot("b"), hot("a"))
    (row,) = story.stands()
    assert (row.about, row.units, row.why) == ("gpu", '["a","b"]', "a: hot")
    story.say("locks_1", PoolSet(pool="gpu", members=members[1:], quota=None, at=AT))
    assert [row.units for row in story.stands()] == ['["b"]']
    story.say("locks_1", PoolMemberReturned(pool="gpu", member="b", at=AT))
    assert story.topics() == []


def test_a_session_that_waits_for_a_person_or_is_silent() -> None:
    story = Story().say("sess_1", opened(), status("waiting_for_person", "merge or rebase?"), project=FLEET)
    (row,) = story.stands()
    assert (row.topic, row.why, row.projects) == ("waiting_for_person", "merge or rebase?", f'["{P}"]')
    story.say("sess_1", SessionSuspected(incarnation=1, renewed_at=Instant(900), at=AT), project=FLEET)
    assert [(row.topic, row.begun_at) for row in story.stands()] == [("silent", 900)]
    story.say("sess_1", SessionRecovered(incarnation=1, at=AT), project=FLEET)
    assert [(row.topic, row.why) for row in story.stands()] == [("waiting_for_person", "merge or rebase?")]
    story.say("sess_1", SessionAttemptStarted(project=P, task="task_1", token=1), project=FLEET)
    assert story.topics() == []
    for end in (SessionLost(incarnation=1, renewed_at=AT, at=AT), SessionEnded(incarnation=1, at=AT)):
        gone = Story().say("sess_1", opened(), status("waiting_for_person"), end, project=FLEET)
        assert replay(ATTENTION, gone.log) == {}


def test_a_quota_that_is_refused_is_told_to_the_projects_that_spend_it() -> None:
    stream = pool_stream("team")
    joined = QuotaSessionJoined(pool="team", session="sess_1", projects=(P,), at=AT)
    story = Story().say(stream, joined, project=FLEET)
    assert story.topics() == []
    refused = QuotaOpened(
        pool="team", kind="rate_limited", reason="", session="sess_1", failures=1, until=Instant(2_000), at=AT
    )
    story.say(stream, refused, project=FLEET)
    (row,) = story.stands()
    assert (row.topic, row.about, row.projects, row.why) == (
        "quota_refused", "team", f'["{P}"]', "rate_limited, 1 times in a row"
    )  # fmt: skip
    story.say(stream, QuotaClosed(because="probe", by="sess_1", at=AT), project=FLEET)
    assert story.topics() == []


def test_a_project_that_is_frozen_or_near_its_budget() -> None:
    noticed = ProjectBudgetNoticed(unit="tokens", spent=9, limit=8, at=AT)
    story = Story().say(P, ProjectFrozen(reason="audit", at=AT), noticed)
    assert [(row.topic, row.why) for row in story.stands()] == [
        ("frozen", "nothing is dispatched: audit"),
        ("soft_budget", "9 of 8 tokens are spent"),
    ]
    story.say(P, ProjectSet(settings=ProjectSettings(), changed=("weight",), by="key_1", at=AT))
    assert "soft_budget" in story.topics()
    raised = ProjectSet(settings=ProjectSettings(), changed=("budget_soft",), by="key_1", at=AT)
    story.say(P, raised, ProjectUnfrozen(at=AT))
    assert story.topics() == []


def test_every_topic_says_what_would_end_it() -> None:
    assert all(words.endswith(".") for words in RESOLVED_BY.values())
