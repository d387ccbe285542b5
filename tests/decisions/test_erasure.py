"""Given, when, then: who erases what was said of a task, when, and what is left of the task."""

import pytest
from pydantic_core import from_json, to_json

from domain.dispatch.erasing import ErasureTaken
from domain.kernel.decider import Decision
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import derived_id
from domain.kernel.message import Command
from domain.note.commands import PostNote
from domain.principal.commands import Role
from domain.principal.events import KeyIssued
from domain.task.commands import (
    BidForTask,
    CancelTask,
    DismissAttention,
    EraseSubject,
    ReassignTask,
    ReleaseTask,
    ReportProgress,
    RetryTask,
)
from domain.task.decider import phase_name
from domain.task.errors import TaskErased, TaskUnsettled, WordsOfRun
from domain.task.events import TaskAttentionRaised, TaskCancelled, TaskPlanned
from domain.task.terms import Origin
from tests.support.fleet import Fleet, a_task, accepted, events_of, refused

WORD = "Zibeline"


def a_person(fleet: Fleet, name: str, role: Role = "admin") -> str:
    stream = derived_id("key", fleet.now, (name,))
    fleet.given(stream, KeyIssued(name=name, role=role, projects=(), digest="0" * 64, expires_at=None, at=fleet.now))
    return stream


def erase(fleet: Fleet, by: str, key: str = "a") -> Decision:
    return fleet.ask(EraseSubject(project="shop", subject=key, reason="she asked for it"), by=by)


def settled() -> Fleet:
    """A world with a task that had everything said of it and was cancelled."""
    fleet = Fleet()
    fleet.plan(a_task("a", body=WORD).model_copy(update={"title": WORD}))
    token = fleet.claimed(fleet.a_session()).token
    fleet.ask(ReportProgress(project="shop", task="a", token=token, note=WORD, checkpoint=WORD))
    fleet.ask(ReleaseTask(project="shop", task="a", token=token, note=WORD))
    fleet.cancel("a", WORD)
    return fleet


def test_it_takes_a_second_person() -> None:
    fleet = settled()
    ann, bob = a_person(fleet, "ann"), a_person(fleet, "bob")
    asked = accepted(erase(fleet, ann))
    assert asked.answer == ErasureTaken(subject=fleet.id_of("a"), erased=False, asked_by=ann, stays_readable=False)
    assert [type(event) for event in events_of(asked)] == [SubjectErasureAsked]
    assert events_of(accepted(erase(fleet, ann))) == ()
    done = accepted(erase(fleet, bob))
    assert done.answer == ErasureTaken(subject=fleet.id_of("a"), erased=True, asked_by=ann, stays_readable=False)
    event = events_of(done)[0]
    assert isinstance(event, SubjectErased)
    assert (event.asked_by, event.by) == (ann, bob)


def test_the_owner_of_a_local_installation_is_alone() -> None:
    fleet = settled()
    owner = a_person(fleet, "owner", "owner")
    assert [type(event) for event in events_of(accepted(erase(fleet, owner)))] == [SubjectErased]
    again = accepted(erase(fleet, owner))
    assert events_of(again) == ()
    expected = ErasureTaken(subject=fleet.id_of("a"), erased=True, asked_by=owner, stays_readable=False)
    assert again.answer == expected


def test_nothing_of_its_words_is_in_the_state_and_it_is_settled_as_it_was() -> None:
    fleet = settled()
    assert WORD in repr(fleet.task("a"))
    erase(fleet, a_person(fleet, "owner", "owner"))
    task = fleet.task("a")
    assert WORD not in repr(task)
    assert (task.plan.title, task.plan.body, task.checkpoint, task.handover) == ("[erased]",) * 4
    assert (task.erased, phase_name(task), task.plan.key) == (True, "cancelled", "a")


def test_what_somebody_may_still_need_is_not_erased() -> None:
    fleet = Fleet()
    owner = a_person(fleet, "owner", "owner")
    fleet.plan(a_task("a"))
    assert refused(erase(fleet, owner), TaskUnsettled).status == "ready"
    token = fleet.claimed(fleet.a_session()).token
    refused(erase(fleet, owner), TaskUnsettled)
    fleet.ask(CancelTask(project="shop", task="a"))
    # Its holder has some seconds to leave it in order.
    refused(erase(fleet, owner), TaskUnsettled)
    fleet.ask(ReleaseTask(project="shop", task="a", token=token))
    accepted(erase(fleet, owner))


def test_of_a_task_from_before_there_were_keys_it_is_told_that_its_words_stay() -> None:
    fleet = settled()
    ann, owner = a_person(fleet, "ann"), a_person(fleet, "owner", "owner")
    old = dict(from_json(fleet.task("a").plan.stored()), key="b")
    del old["under_key"]
    stream = derived_id("task", fleet.now, ("from before",))
    fleet.names[fleet.project, "task", "b"] = stream
    planned = TaskPlanned.read(to_json(old))
    fleet.given(stream, planned, TaskCancelled(reason=WORD, at=fleet.now), project=fleet.project)
    asked, done, again = (accepted(erase(fleet, by, "b")).answer for by in (ann, owner, owner))
    answers = [asked, done, again]
    assert answers == [
        ErasureTaken(subject=stream, erased=erased, asked_by=ann, stays_readable=True) for erased in (False, True, True)
    ]


def test_a_task_of_a_run_is_erased_by_nobody_since_its_run_has_copies() -> None:
    fleet = settled()
    plan: TaskPlanned = fleet.task("a").plan
    stream = derived_id("task", fleet.now, ("of a run",))
    fleet.names[fleet.project, "task", "b"] = stream
    origin = Origin(run="run_1", place="build", generation=1)
    fleet.given(stream, plan.model_copy(update={"key": "b", "origin": origin}), project=fleet.project)
    assert refused(erase(fleet, a_person(fleet, "owner", "owner"), "b"), WordsOfRun).run == "run_1"


def test_what_is_not_there_is_not_erased() -> None:
    fleet = settled()
    refused(erase(fleet, a_person(fleet, "owner", "owner"), "nothing"), UnknownThing)


@pytest.mark.parametrize(
    "command",
    [
        PostNote(project="shop", task="a", text="more"),
        RetryTask(project="shop", task="a"),
        CancelTask(project="shop", task="a"),
        ReassignTask(project="shop", task="a"),
    ],
)
def test_nothing_is_done_with_an_erased_task(command: Command) -> None:
    fleet = settled()
    erase(fleet, a_person(fleet, "owner", "owner"))
    assert refused(fleet.ask(command), TaskErased).task == "a"


def test_what_an_erased_task_asks_for_ends_when_a_person_has_seen_it() -> None:
    fleet = settled()
    stranded = TaskAttentionRaised(topic="stranded", reason=WORD, at=fleet.now)
    fleet.given(fleet.id_of("a"), stranded, project=fleet.project)
    erase(fleet, a_person(fleet, "owner", "owner"))
    assert list(fleet.task("a").attention) == ["stranded"]
    accepted(fleet.ask(DismissAttention(project="shop", task="a", topic="stranded")))
    assert list(fleet.task("a").attention) == []


def test_an_erased_task_is_neither_claimed_nor_bid_for() -> None:
    fleet = settled()
    erase(fleet, a_person(fleet, "owner", "owner"))
    session = fleet.a_session("two")
    refused(fleet.claim(session, "a"), TaskErased)
    bid = BidForTask(
        project="shop", session=session, incarnation=1, task="a", cost_microdollars=1, confidence_percent=50
    )
    refused(fleet.ask(bid), TaskErased)
