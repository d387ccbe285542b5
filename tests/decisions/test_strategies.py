"""Given, when, then: windows that propose, bids, and work that is given to sessions that did not ask."""

from typing import Any

import pytest

from domain.catalogue import rules
from domain.dispatch import bid
from domain.dispatch.assign_task import TaskAssigned
from domain.dispatch.claim import ClaimedTasks
from domain.dispatch.errors import (
    BidsTooMany,
    NoAuction,
    NothingReady,
    PushedWorkDeclined,
    SessionAtCapacity,
    SessionNotCapable,
    SessionNotLive,
    StrategyReplaced,
)
from domain.dispatch.explain_session import explain_session
from domain.dispatch.explain_task import explain_task
from domain.dispatch.explanation import Explanation
from domain.dispatch.market import gather
from domain.dispatch.proposals import Proposals
from domain.dispatch.strategies import Match, assign
from domain.kernel.decider import Decision
from domain.kernel.errors import NotDueYet, UnknownThing
from domain.kernel.ids import SECOND, Instant, StreamId
from domain.kernel.values import Requirement
from domain.lock.errors import LockConflict
from domain.node.commands import EndOutage
from domain.project.commands import UpdateProject
from domain.project.errors import ProjectIsFrozen
from domain.project.events import ProjectFrozen, ProjectSet
from domain.project.settings import ProjectSettings, StrategyName
from domain.session.events import SessionEnded
from domain.task.commands import AssignTask, BidForTask, ClaimTasks, ClaimWork, LapseDelivery, ReleaseTask
from domain.task.derived import PushTask
from domain.task.errors import TaskHeldByAnother, TaskNotReady
from domain.task.events import TaskClaimed
from domain.task.terms import Choice
from tests.support.fleet import Fleet, a_task, accepted, events_of, names_of, refused

PERSON = "key_person"


class Market(Fleet):
    """A project that gathers before it gives out."""

    def __init__(self, strategy: StrategyName = "optimal") -> None:
        super().__init__()
        self.proposals = Proposals()
        self.rules = rules(self.index, self.proposals)
        self.strategy: StrategyName = strategy
        settings = ProjectSettings(strategy=strategy, window_milliseconds=1_000)
        changed = ProjectSet(settings=settings, changed=("strategy",), by=PERSON, at=self.now)
        self.given(self.project, changed, project=self.project)

    def listening(self, name: str, **fields: Any) -> str:
        session = self.a_session(name, **fields)
        opened = self.states[StreamId(session)].opened
        self.given(session, opened.model_copy(update={"takes_pushed": True}))
        return session

    def close(self, *sessions: str) -> dict[str, Match]:
        """What a window that closes now proposes, by session."""
        auctioned = self.strategy == "auction"
        market = gather(self.project, sessions, self.index, self.now, self, auctioned=auctioned)
        matches = assign(market, self.strategy)
        self.proposals.put(self.project, matches)
        return {match.seeker.session: match for match in matches}

    def bid(self, session: str, task: str, cost: int, confidence: int = 50) -> Decision:
        return self.ask(
            BidForTask(
                project="shop",
                session=session,
                incarnation=1,
                task=task,
                cost_microdollars=cost,
                confidence_percent=confidence,
            )
        )

    def assign(self, session: str, task: str) -> Decision:
        return self.ask(AssignTask(project="shop", task=task, session=session), by=PERSON)


def claimed_of(decision: Decision) -> TaskClaimed:
    return next(one for one in events_of(accepted(decision)) if isinstance(one, TaskClaimed))


def test_a_claim_waits_for_its_window_and_then_gets_what_was_proposed() -> None:
    market = Market()
    plain, able = market.a_session("plain"), market.a_session("able", gpu=True)
    market.plan(
        a_task("any"),
        a_task("gpu", priority=-5, requires=(Requirement(key="gpu"),)),
    )
    assert refused(market.claim(able), NothingReady).ready == 2
    proposed = market.close(able, plain)
    claimed = claimed_of(market.claim(able))
    assert market.task("gpu").tried_by == (able,), "else the plain one would go without"
    assert claimed.strategy == "optimal"
    assert claimed.choice == proposed[able].choice
    assert market.claimed(plain).key == "any"
    choice = latest_claim(market, "any").choice
    assert choice is not None
    assert [(one.session, one.reason) for one in choice.losers] == [(able, "it got another task")]


def latest_claim(market: Market, key: str) -> TaskClaimed:
    stream = market.id_of(key)
    return [one.event for one in market.log if one.stream == stream and isinstance(one.event, TaskClaimed)][-1]


@pytest.mark.parametrize("kind", ["one", "many", "any_project"])
def test_every_form_of_claim_takes_what_was_proposed_and_nothing_else(kind: str) -> None:
    market = Market()
    session = market.a_session(capacity=5)
    market.plan(a_task("a"), a_task("b"))
    commands: dict[str, Any] = {
        "many": ClaimTasks(project="shop", session=session, incarnation=1),
        "any_project": ClaimWork(session=session, incarnation=1, most=5),
    }

    def ask() -> Decision:
        if kind == "one":
            return market.claim(session)
        return market.ask(commands[kind], project="fleet" if kind == "any_project" else None)

    refused(ask(), NothingReady)
    market.close(session)
    answer = accepted(ask()).answer
    assert not isinstance(answer, ClaimedTasks) or len(answer.tasks) == 1


def test_a_proposal_that_somebody_was_before_leads_to_nothing() -> None:
    market = Market()
    one, two = market.a_session("one"), market.a_session("two")
    market.plan(a_task("a"))
    assert set(market.close(one)) == {one}
    market.claimed(two, "a")
    refused(market.claim(one), NothingReady)
    assert market.close(one) == {}


def test_a_window_passes_over_what_has_no_place_under_its_concurrency_key() -> None:
    market = Market()
    one, two = market.a_session("one"), market.a_session("two")
    market.plan(*(a_task(key, priority=9, concurrency_key="db") for key in ("a", "b")), a_task("free"))
    market.close(one, two)
    assert market.claimed(one).key in ("a", "b")
    refused(market.claim(two), NothingReady)
    market.close(two)
    assert market.claimed(two).key == "free"


def test_a_window_gives_the_task_to_whom_it_wishes_for() -> None:
    market = Market()
    plain, able = market.a_session("plain"), market.a_session("able", lang="go")
    market.plan(a_task("a", requires=(Requirement(key="lang", value="go", weight=5),)))
    proposed = market.close(plain, able)
    assert set(proposed) == {able}
    choice = proposed[able].choice
    assert (choice.merit, choice.sessions) == (5, 2)
    assert choice.score > choice.losers[0].score


def test_the_best_bid_of_those_who_wait_wins_when_the_window_of_the_task_is_over() -> None:
    market = Market("auction")
    dear, cheap, silent, away = (market.a_session(name) for name in ("dear", "cheap", "silent", "away"))
    market.plan(a_task("a"))
    assert names_of(market.bid(dear, "a", 900_000, 90)) == ["TaskBid"]
    assert market.bid(dear, "a", 900_000, 90).writes == ()
    market.bid(cheap, "a", 100_000, 80)
    market.bid(away, "a", 0, 100)
    assert market.close(silent, dear, cheap) == {}
    market.advance(1)
    proposed = market.close(silent, dear, cheap)
    assert set(proposed) == {cheap}
    reasons = {loser.session: loser.reason for loser in proposed[cheap].choice.losers}
    assert reasons == {dear: "its bid was lower or came later", silent: "it made no bid"}
    assert claimed_of(market.claim(cheap)).strategy == "auction"
    assert not market.task("a").bids


def test_what_was_proposed_holds_no_more_for_a_task_that_somebody_had_meanwhile() -> None:
    market = Market("auction")
    slow, quick = market.a_session("slow"), market.a_session("quick")
    market.plan(a_task("a"))
    market.bid(slow, "a", 500, 20)
    market.advance(1)
    assert set(market.close(slow)) == {slow}
    token = market.claimed(quick, "a").token
    market.advance(1)
    accepted(market.ask(ReleaseTask(project="shop", task="a", token=token, note="not mine")))
    refused(market.claim(slow), NothingReady)
    market.bid(quick, "a", 0, 90)
    market.advance(1)
    assert set(market.close(slow, quick)) == {quick}
    choice = claimed_of(market.claim(quick)).choice
    assert choice is not None
    assert choice.score == 90_000_000


def test_what_nobody_bid_for_goes_by_priority() -> None:
    market = Market("auction")
    one, two = market.a_session("one"), market.a_session("two")
    market.plan(a_task("low"), a_task("high", priority=5), a_task("wanted", priority=-9))
    market.bid(two, "wanted", 5)
    market.advance(1)
    assert {name: match.task for name, match in market.close(one, two).items()} == {
        one: market.id_of("high"),
        two: market.id_of("wanted"),
    }


def test_a_bid_is_of_one_life_and_for_what_it_could_do() -> None:
    market = Market("auction")
    session = market.a_session()
    market.plan(a_task("a"), a_task("gpu", requires=(Requirement(key="gpu"),)), a_task("b", "a"))
    refused(market.bid(session, "gpu", 1), SessionNotCapable)
    refused(market.bid(session, "b", 1), TaskNotReady)
    refused(market.bid(session, "none", 1), UnknownThing)
    market.bid(session, "a", 1)
    market.given(session, market.states[StreamId(session)].opened.model_copy(update={"incarnation": 2}))
    market.advance(1)
    assert market.close(session)[session].choice.score == 0
    other = Market("optimal")
    somebody = other.a_session()
    other.plan(a_task("a"))
    refused(other.bid(somebody, "a", 1), NoAuction)


def test_work_is_given_to_a_session_that_listens_and_is_fetched_by_its_name() -> None:
    market = Market("priority")
    session = market.listening("one")
    market.plan(a_task("a", scope=("path:shop//a",)))
    answer = accepted(market.assign(session, "a")).answer
    assert isinstance(answer, TaskAssigned)
    assert latest_claim(market, "a").strategy == "assigned"
    again = market.assign(session, "a")
    assert (again.writes, again.answer) == ((), answer)
    fetched = market.claim(session, "a")
    assert fetched.writes == ()
    assert fetched.answer.model_dump()["token"] == answer.token
    market.advance(30)
    lapsed = market.ask(LapseDelivery(project="shop", task="a", token=answer.token), by="policy:x")
    assert "TaskAttemptEnded" in names_of(accepted(lapsed))
    assert market.task("a").consumed == 0


def test_an_assignment_does_not_lapse_for_the_time_in_which_nobody_could_acknowledge_it() -> None:
    market = Market("priority")
    session = market.listening("one")
    market.plan(a_task("a"))
    answer = accepted(market.assign(session, "a")).answer
    assert isinstance(answer, TaskAssigned)
    lapse = LapseDelivery(project="shop", task="a", token=answer.token)
    market.advance(25)
    accepted(market.ask(EndOutage(began_at=Instant(market.now - 20 * SECOND)), by="policy:x"))
    market.advance(29)
    refused(market.ask(lapse, by="policy:x"), NotDueYet)
    market.advance(1)
    assert "TaskAttemptEnded" in names_of(accepted(market.ask(lapse, by="policy:x")))


def test_work_is_not_given_where_a_claim_would_not_get_it() -> None:
    market = Market("priority")
    deaf, one, two = market.a_session("deaf"), market.listening("one"), market.listening("two")
    market.plan(
        a_task("a", scope=("path:shop//a",)),
        a_task("b", scope=("path:shop//**",)),
        a_task("gpu", requires=(Requirement(key="gpu"),)),
        a_task("later", "a"),
    )
    refused(market.assign(deaf, "a"), PushedWorkDeclined)
    refused(market.assign("sess_" + "0" * 26, "a"), UnknownThing)
    refused(market.assign(one, "later"), TaskNotReady)
    refused(market.assign(one, "gpu"), SessionNotCapable)
    accepted(market.assign(one, "a"))
    refused(market.assign(two, "a"), TaskHeldByAnother)
    refused(market.assign(one, "b"), SessionAtCapacity)
    refused(market.assign(two, "b"), LockConflict)
    market.given(two, SessionEnded(incarnation=1, at=market.now))
    refused(market.assign(two, "b"), SessionNotLive)
    market.given(market.project, ProjectFrozen(reason="", at=market.now), project=market.project)
    refused(market.assign(market.listening("three"), "b"), ProjectIsFrozen)


def test_what_the_dispatcher_gives_says_which_strategy_chose_it() -> None:
    market = Market("priority")
    session = market.listening("one")
    market.plan(a_task("a"))
    match = market.close(session)[session]
    pushed = PushTask(project="shop", task=match.task, session=session, strategy=match.strategy, choice=match.choice)
    claimed = claimed_of(market.ask(pushed, by="policy:push_assignment"))
    assert (claimed.strategy, claimed.choice) == ("priority", match.choice)
    assert isinstance(claimed.choice, Choice)


def test_what_a_former_strategy_proposed_is_not_pushed() -> None:
    market = Market("priority")
    session = market.listening("one")
    market.plan(a_task("a"))
    match = market.close(session)[session]
    accepted(market.ask(UpdateProject(project="shop", strategy="auction"), by=PERSON))
    pushed = PushTask(project="shop", task=match.task, session=session, strategy=match.strategy, choice=match.choice)
    told = refused(market.ask(pushed, by="policy:push_assignment"), StrategyReplaced)
    assert told == StrategyReplaced(project="shop", strategy="auction")
    accepted(market.bid(session, "a", 7))


def test_what_is_gathered_bid_and_pushed_is_explained() -> None:
    market = Market("auction")
    session = market.listening("one")
    market.plan(a_task("a"))
    market.bid(session, "a", 7, 70)
    told = explain_task("a", market.project, market.index, market.serving, market.now, market)
    assert isinstance(told, Explanation)
    reasons = {reason.code: reason for reason in told.reasons}
    assert told.moving
    assert reasons["gathered"].data["strategy"] == "auction"
    assert reasons["bids"].about == session
    shown = explain_session(session, lambda _: True, market.index, market.now, market)
    assert isinstance(shown, Explanation)
    assert {"would_get", "takes_pushed"} <= {reason.code for reason in shown.reasons}


def test_a_task_takes_so_many_bids_and_those_that_stand_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bid, "BIDS_MAX", 2)
    market = Market("auction")
    market.plan(a_task("a"))
    sessions = [market.a_session(f"s{number}") for number in range(3)]
    for session in sessions[:2]:
        accepted(market.bid(session, "a", 100))
    assert refused(market.bid(sessions[2], "a", 1), BidsTooMany) == BidsTooMany(task="a", most=2)
    accepted(market.bid(sessions[0], "a", 1))
