"""Given, when, then: who erases what was said of a session and to it, when, and what is left of it."""

from typing import Any

from domain.dispatch.erasing import ErasureTaken
from domain.kernel.decider import Decision, fold
from domain.kernel.erasure_events import SubjectErased, SubjectErasureAsked
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import StreamId
from domain.note.commands import SendMessage
from domain.session.commands import DrainSession, EndSession, OpenSession, SignalSession
from domain.session.decider import SESSION
from domain.session.errors import NotSessionOwner, SessionErased, SessionOfOthers, SessionUnsettled
from domain.session.events import SessionLost, SessionOpened, SessionRecovered, SessionSuspected
from domain.session.state import Session
from domain.task.commands import EraseSubject
from infrastructure.erasure.refold import refolded
from projections.catalogue import PROJECTIONS
from tests.decisions.test_erasure import a_person
from tests.decisions.test_run_erasure import bare
from tests.support.fleet import OWNER, Fleet, accepted, events_of, refused

WORD = "Zibeline"


class Ward(Fleet):
    """A session of which everything is said that can be, and people who administer."""

    def __init__(self) -> None:
        super().__init__()
        self.other = self.a_project("other")
        self.ann, self.bob, self.alone = a_person(self, "ann"), a_person(self, "bob"), a_person(self, "o", "owner")
        self.session = self.opened(name=WORD, worktree=f"/srv/{WORD}")

    def opened(self, *, projects: tuple[str, ...] = ("shop",), **said: Any) -> str:
        answer: Any = accepted(self.ask(OpenSession(projects=projects, **said), project="fleet")).answer
        return str(answer.session)

    def wait_for_person(self) -> None:
        note = SignalSession(session=self.session, incarnation=1, signal="waiting_for_person", note=WORD, digest=WORD)
        accepted(self.ask(note, project="fleet"))

    def end(self) -> None:
        self.wait_for_person()
        accepted(self.ask(DrainSession(session=self.session, reason=WORD), project="fleet"))

    def erase(self, by: str = "", *, project: str = "shop", sees: frozenset[Any] | None = None) -> Decision:
        command = EraseSubject(project=project, subject=self.session, reason="she asked for it")
        scope = self.project if project == "shop" else self.other
        return self.when(command, self.stamp(scope, by or self.alone)._replace(sees=sees))

    def state(self) -> Session:
        state = self.states[StreamId(self.session)]
        assert isinstance(state, Session)
        return state


def test_it_takes_a_second_person_and_of_the_words_nothing_is_left() -> None:
    ward = Ward()
    ward.end()
    asked = accepted(ward.erase(ward.ann))
    assert [type(event) for event in events_of(asked)] == [SubjectErasureAsked]
    assert events_of(accepted(ward.erase(ward.ann))) == ()
    done = accepted(ward.erase(ward.bob))
    assert done.answer == ErasureTaken(subject=ward.session, erased=True, asked_by=ward.ann, stays_readable=False)
    assert WORD not in repr(ward.state())
    opened = ward.state().opened
    assert (opened.name, opened.worktree, ward.state().status) == ("[erased]", "[erased]", "ended")
    assert events_of(accepted(ward.erase(ward.bob))) == ()


def test_a_fold_of_its_erased_events_is_what_it_had_come_to_without_its_words() -> None:
    ward = Ward()
    ward.end()
    events = tuple(one.event for one in ward.log if one.stream == ward.session)
    over = SubjectErased(subject=ward.session, reason="17", asked_by="key_a", by="key_b", at=ward.now)
    whole, without = fold(SESSION, (*events, over)), fold(SESSION, (*map(bare, events), over))
    assert WORD in repr(events)
    assert WORD not in repr([bare(event) for event in events])
    assert whole == without


def test_every_column_of_a_read_model_that_holds_its_words_is_known_to_hold_words() -> None:
    ward = Ward()
    accepted(ward.ask(SendMessage(project="shop", to=ward.session, text=WORD, agent=WORD)))
    ward.wait_for_person()
    ward.given(ward.session, SessionSuspected(incarnation=1, renewed_at=ward.now, at=ward.now))
    ward.given(ward.session, SessionRecovered(incarnation=1, at=ward.now))
    ward.end()
    found: set[str] = set()
    for projection in PROJECTIONS:
        for version in refolded(projection, ward.log):
            columns = {name for name, value in version.row._asdict().items() if WORD in str(value)}
            assert columns <= set(projection.words), projection.name
            found |= {f"{projection.name}.{column}" for column in columns}
    assert found >= {"attention.why", "attention.beneath", "session_roster.name", "inbox.text", "timeline.summary"}


def test_a_session_that_lives_keeps_its_words() -> None:
    ward = Ward()
    assert refused(ward.erase(), SessionUnsettled).status == "live"
    ward.given(ward.session, SessionLost(incarnation=1, renewed_at=ward.now, at=ward.now))
    accepted(ward.erase())


def test_nothing_is_done_with_an_erased_session() -> None:
    ward = Ward()
    ward.given(ward.session, SessionLost(incarnation=1, renewed_at=ward.now, at=ward.now))
    accepted(ward.ask(SendMessage(project="shop", to=ward.session, text=WORD)))
    accepted(ward.erase())
    again = OpenSession(projects=("shop",), resume=ward.session)
    assert refused(ward.ask(again, project="fleet"), SessionErased).session == ward.session
    refused(ward.ask(again, project="fleet", by="key_stranger"), NotSessionOwner)
    refused(ward.ask(SendMessage(project="shop", to=ward.session, text="more")), SessionErased)


def test_who_asked_is_remembered_when_it_begins_anew_and_the_second_waits_for_its_end() -> None:
    ward = Ward()
    ward.end()
    ward.erase(ward.ann)
    ward.opened(resume=ward.session, name="anew")
    refused(ward.erase(ward.bob), SessionUnsettled)
    accepted(ward.ask(EndSession(session=ward.session, incarnation=2), project="fleet"))
    done = accepted(ward.erase(ward.bob))
    assert isinstance(done.answer, ErasureTaken)
    assert (done.answer.erased, done.answer.asked_by) == (True, ward.ann)


def test_it_takes_somebody_of_all_projects_that_any_of_its_lives_has_served() -> None:
    ward = Ward()
    ward.opened(resume=ward.session, projects=("other",))
    accepted(ward.ask(EndSession(session=ward.session, incarnation=2), project="fleet"))
    for project in ("shop", "other"):
        refused(ward.erase(project=project, sees=frozenset({ward.project})), SessionOfOthers)
    third = ward.a_project("third")
    stranger = ward.stamp(third, ward.alone)._replace(sees=frozenset({third}))
    command = EraseSubject(project="third", subject=ward.session, reason="17")
    refused(ward.when(command, stranger), UnknownThing)
    accepted(ward.erase(project="other", sees=frozenset({ward.project, ward.other})))


def test_of_a_session_from_before_there_were_keys_it_is_told_that_its_words_stay() -> None:
    ward = Ward()
    ward.session = ward.a_session("old")
    ward.opened(resume=ward.session, name="anew")
    opened = [one.event for one in ward.log if isinstance(one.event, SessionOpened) and one.stream == ward.session]
    assert [event.under_key for event in opened] == [False, False]
    accepted(ward.ask(EndSession(session=ward.session, incarnation=2), project="fleet", by=OWNER))
    answer = accepted(ward.erase()).answer
    assert isinstance(answer, ErasureTaken)
    assert answer.stays_readable
