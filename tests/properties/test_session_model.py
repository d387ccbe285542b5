"""Sessions held to a naive model over random histories: who lives, who stands where, who may hold what beside whom."""

import random
from dataclasses import dataclass, field
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import catalogue
from domain.dispatch.lock_answers import LockAnswer
from domain.dispatch.lookup import lock_stream
from domain.dispatch.open_session import SessionLife
from domain.kernel.decider import Decision
from domain.kernel.ids import ProjectId, StreamId
from domain.kernel.policy import Cause, derived_stamp
from domain.kernel.values import ScopeClaim
from domain.lock.commands import AcquireLocks, ReleaseLocks
from domain.lock.decider import LOCKS
from domain.quota.decider import QUOTA, pool_stream
from domain.session.commands import (
    DrainSession,
    EndSession,
    LoseSession,
    OpenSession,
    ReparentSession,
    SignalSession,
    UndrainSession,
)
from domain.session.decider import SESSION
from domain.session.errors import LocksInsideFamily
from domain.session.hierarchy import ANCESTORS_MAX, ancestors
from domain.session.state import Session
from domain.task.commands import ClaimTask, CompleteTask, PlannedTask
from tests.support.fleet import Fleet

Step = tuple[str, int, int]
ACTS = (
    *(
        "open",
        "open",
        "below",
        "below",
        "resume",
        "fork",
        "end",
        "end_all",
        "lose",
        "drain",
        "drain",
        "drain_all",
        "undrain",
    ),
    *("move", "move", "top", "claim", "claim", "claim", "claim", "complete", "stale", "signal"),
)
KIN = (
    *("below", "below", "below", *(("lock",) * 12), "unlock", "claim", "complete"),
    *(
        "move",
        "move",
        "move",
        "move",
        "top",
        "top",
        "rejoin",
        "rejoin",
        "rejoin",
        "rejoin",
        "resume",
        "lose",
        "end",
        "end_all",
    ),
)
"""What changes families, and what sessions hold in them."""
PATHS = ("src", "src/a", "src/a/b", "src/c", "docs")
steps = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 4), st.integers(0, 4)), min_size=25, max_size=80)


@dataclass
class Known:
    """What the model knows of one session, from the answers alone."""

    life: int = 1
    alive: bool = True
    draining: bool = False
    work: dict[str, str] = field(default_factory=dict)
    """Task by token."""


class Told(Fleet):
    """A fleet whose policies act, beside the model of it."""

    def __init__(self) -> None:
        super().__init__(lock_delay_seconds=0)
        self.plan(*(PlannedTask(key=f"t{number}", title="t") for number in range(60)))
        self.known: dict[str, Known] = {}
        self.tokens: list[int] = []
        self.locked: set[str] = set()
        """Every token under which a session got locks beside its attempts."""
        self.torn = 0
        """Moves that were refused because of locks."""

    def done(self, decision: Decision) -> bool:
        """Whether it was accepted; then with all that follows from it."""
        if decision.rejection is not None:
            self.torn += isinstance(decision.rejection, LocksInsideFamily)
            return False
        for write in decision.writes:
            version = self.versions[write.stream] - len(write.events)
            for event in write.events:
                version += 1
                cause = Cause(write.stream, version, event, ProjectId("fleet"))
                for policy in catalogue.POLICIES:
                    if isinstance(event, policy.answers):
                        for derived in policy.react(cause, self):
                            stamp = derived_stamp(policy.name, cause, derived, self.now, "c")
                            self.done(self.when(derived.command, stamp))
        return True

    def state(self, session: str) -> Session:
        found = self.read(SESSION, StreamId(session))
        assert isinstance(found, Session)
        return found

    def step(self, act: str, one: int, two: int) -> None:
        self.advance(1)
        names = sorted(self.known)
        if act == "open" or not names:
            self.open(None)
            return
        session, other = names[one % len(names)], names[two % len(names)]
        known = self.known[session]
        match act:
            case "below":
                self.open(session)
            case "resume" | "fork":
                self.resume(session, act, None)
            case "rejoin":
                self.resume(session, "restart", other)
            case "end" | "end_all":
                over = EndSession(session=session, incarnation=known.life, cascade=act == "end_all")
                assert self.done(self.ask(over)) or not known.alive
            case "lose":
                renewed_at = self.now
                self.advance(3_600)
                self.done(self.ask(LoseSession(session=session, incarnation=known.life, renewed_at=renewed_at)))
            case "drain" | "drain_all":
                drained = DrainSession(session=session, cascade=act == "drain_all")
                assert self.done(self.ask(drained)) is known.alive
            case "undrain":
                assert self.done(self.ask(UndrainSession(session=session))) is known.alive
            case "move":
                self.move(session, other)
            case "top":
                decision = self.ask(ReparentSession(session=session, parent=None))
                assert self.done(decision) is known.alive or isinstance(decision.rejection, LocksInsideFamily)
            case "claim":
                self.take(session)
            case "complete":
                self.finish(session)
            case "stale":
                self.stale(session)
            case "lock":
                self.lock(session, PATHS[two])
            case "unlock":
                self.unlock(session)
            case _:
                signal = SignalSession(session=session, incarnation=known.life, signal="progress")
                assert self.done(self.ask(signal)) is known.alive
        self.learn()

    def open(self, parent: str | None) -> None:
        command = OpenSession(projects=("shop",), parent=parent, capacity=2, credential_pool="max")
        decision = self.ask(command)
        if self.done(decision):
            assert isinstance(decision.answer, SessionLife)
            self.known[decision.answer.session] = Known()
            assert parent is None or self.known[parent].alive

    def resume(self, session: str, began: str, parent: str | None) -> None:
        """With a parent it may be refused: that one is gone, stands below, or locks stand against the move."""
        known = self.known[session]
        fields = {"projects": ("shop",), "resume": session, "began": began, "capacity": 2, "credential_pool": "max"}
        decision = self.ask(OpenSession.model_validate({**fields, "parent": parent}))
        if not self.done(decision):
            assert parent is not None
            return
        assert isinstance(decision.answer, SessionLife)
        assert decision.answer.incarnation == known.life + 1
        assert {one.token for one in decision.answer.fenced} - self.locked == set(known.work)
        assert (decision.answer.former in ("live", "suspect")) is known.alive
        self.known[session] = Known(life=known.life + 1)

    def move(self, session: str, parent: str) -> None:
        above = {parent, *ancestors(self, StreamId(parent))}
        moved = self.done(self.ask(ReparentSession(session=session, parent=parent)))
        both = self.known[session].alive and self.known[parent].alive
        if not both or (session in above and self.state(session).parent != parent):
            assert not moved

    def take(self, session: str) -> None:
        known = self.known[session]
        decision = self.ask(ClaimTask(project="shop", session=session, incarnation=known.life))
        if not self.done(decision):
            return
        assert known.alive
        assert not known.draining
        assert len(known.work) < 2
        token = str(decision.answer.model_dump()["token"])
        assert not self.tokens or int(token) > max(self.tokens), "a token is never handed out twice"
        self.tokens.append(int(token))
        known.work[token] = str(decision.answer.model_dump()["task"])

    def finish(self, session: str) -> None:
        known = self.known[session]
        if known.work:
            token, task = next(iter(known.work.items()))
            assert self.done(self.ask(CompleteTask(project="shop", task=task, token=token))) is known.alive
            if known.alive:
                del known.work[token]

    def lock(self, session: str, path: str) -> None:
        claims = (ScopeClaim(claim=f"path:repo//{path}"),)
        known = self.known[session]
        decision = self.ask(AcquireLocks(project="shop", session=session, incarnation=known.life, claims=claims))
        if self.done(decision):
            assert known.alive
            assert isinstance(decision.answer, LockAnswer)
            if decision.answer.outcome == "granted":
                assert decision.answer.token is not None
                assert int(decision.answer.token) > max(self.tokens, default=0)
                self.tokens.append(int(decision.answer.token))
                self.locked.add(decision.answer.token)

    def unlock(self, session: str) -> None:
        for _, token in sorted(self.state(session).grants)[:1]:
            life = self.known[session].life
            assert self.done(
                self.ask(ReleaseLocks(project="shop", session=session, incarnation=life, token=str(token)))
            )

    def stale(self, session: str) -> None:
        """Whatever a former life says is refused."""
        life = self.known[session].life - 1
        if life >= 1:
            for command in (
                ClaimTask(project="shop", session=session, incarnation=life),
                SignalSession(session=session, incarnation=life, signal="progress"),
                EndSession(session=session, incarnation=life),
            ):
                assert self.ask(command).rejection is not None

    def learn(self) -> None:
        """Ends reach sessions that nobody named: cascades and drains. What they may look like is checked below."""
        for session, known in self.known.items():
            state = self.state(session)
            known.alive, known.draining = state.status in ("live", "suspect"), state.draining

    def check(self) -> None:
        members = set(self.read(QUOTA, pool_stream("max")).members)
        for session, known in self.known.items():
            state = self.state(session)
            assert state.opened.incarnation == known.life
            assert {str(token) for _, token in state.attempts} == (set(known.work) if known.alive else set())
            assert len(ancestors(self, StreamId(session))) <= ANCESTORS_MAX
            assert session not in ancestors(self, StreamId(session))
            assert (session in members) is known.alive
            if known.alive:
                assert not (known.draining and not known.work), "a drained session without work has ended"
                assert state.parent is None or session in self.state(state.parent).children
                assert state.parent is None or self.known[state.parent].alive
            below = {child for child in state.children if self.known[child].alive}
            assert not below or known.alive
            assert all(self.state(child).parent == session for child in below)
        self.check_locks()

    def check_locks(self) -> None:
        """Whoever writes in the same place is of one family as it stands now."""
        grants = self.read(LOCKS, lock_stream(self.project)).grants.values()
        written = [(one.session, f"{claim.claim}/") for one in grants for claim in one.claims]
        for (one, path), (other, place) in combinations(written, 2):
            assert self.known[one].alive
            if one != other and (path.startswith(place) or place.startswith(path)):
                assert one in ancestors(self, StreamId(other)) or other in ancestors(self, StreamId(one))


@settings(max_examples=40, deadline=None)
@given(steps)
def test_sessions_live_stand_and_end_as_the_model_says(script: list[Step]) -> None:
    fleet = Told()
    for act, one, two in script:
        fleet.step(act, one, two)
        fleet.check()


def test_whatever_changes_families_no_two_strangers_write_the_same() -> None:
    """Each history begins with three sessions, one below the other, each with locks inside of the former's."""
    torn = 0
    for seed in range(60):
        chance, fleet = random.Random(seed), Told()
        for script in (
            ("open", 0, 0),
            ("below", 0, 0),
            ("below", 1, 0),
            ("lock", 0, 0),
            ("lock", 1, 1),
            ("lock", 2, 2),
        ):
            fleet.step(*script)
        for _ in range(30):
            fleet.step(chance.choice(KIN), chance.randrange(5), chance.randrange(5))
            fleet.check()
        torn += fleet.torn
    assert torn > 10
