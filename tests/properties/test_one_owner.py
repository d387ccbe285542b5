"""However work is given out, by stale proposals too: a task has one owner at a time, each with a new token."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue import rules
from domain.dispatch.market import gather
from domain.dispatch.proposals import Proposals
from domain.dispatch.strategies import assign
from domain.kernel.ids import StreamId
from domain.project.events import ProjectSet
from domain.project.settings import ProjectSettings, StrategyName
from domain.task.commands import AssignTask, BidForTask, CompleteTask, ReleaseTask
from domain.task.decider import live_attempt
from domain.task.events import TaskAttemptEnded, TaskClaimed, TaskCompleted
from tests.support.fleet import Fleet, a_task

KEYS = ("a", "b", "c", "d")
SCOPES = ((), ("path:shop//x",), ("path:shop//x",), ("path:shop//**",))


class Dispatched(Fleet):
    """Three sessions, two of which listen, and a few tasks, some of which exclude each other."""

    def __init__(self, strategy: StrategyName) -> None:
        super().__init__()
        self.strategy: StrategyName = strategy
        self.proposals = Proposals()
        self.rules = rules(self.index, self.proposals)
        set_to = ProjectSet(
            settings=ProjectSettings(strategy=strategy, window_milliseconds=50),
            changed=("strategy",),
            by="p",
            at=self.now,
        )
        self.given(self.project, set_to, project=self.project)
        self.sessions = [self.a_session(f"s{number}", capacity=2) for number in range(3)]
        for session in self.sessions[:2]:
            opened = self.states[StreamId(session)].opened
            self.given(session, opened.model_copy(update={"takes_pushed": True}))
        self.plan(*(a_task(key, scope=scope) for key, scope in zip(KEYS, SCOPES, strict=True)))

    def step(self, what: str, session: str, key: str) -> None:
        """One thing that may be asked at any time; whether it is refused does not matter."""
        self.advance(1)
        attempt = live_attempt(self.task(key))
        match what:
            case "window":
                market = gather(
                    self.project, self.sessions, self.index, self.now, self, auctioned=self.strategy == "auction"
                )
                self.proposals.put(self.project, assign(market, self.strategy))
            case "claim":
                self.claim(session)
            case "named":
                self.claim(session, key)
            case "assign":
                self.ask(AssignTask(project="shop", task=key, session=session), by="key_person")
            case "bid":
                offer = BidForTask(
                    project="shop", session=session, incarnation=1, task=key, cost_microdollars=1, confidence_percent=9
                )
                self.ask(offer)
            case "release" if attempt is not None:
                self.ask(ReleaseTask(project="shop", task=key, token=str(attempt.token)))
            case "complete" if attempt is not None:
                self.ask(CompleteTask(project="shop", task=key, token=str(attempt.token)))
            case _:
                pass


WHAT = st.sampled_from(("window", "claim", "claim", "named", "assign", "bid", "release", "complete"))


@settings(max_examples=40)
@given(
    st.sampled_from(("priority", "optimal", "auction")),
    st.lists(st.tuples(WHAT, st.integers(0, 2), st.sampled_from(KEYS)), max_size=25),
)
def test_a_task_has_one_owner_at_a_time(strategy: StrategyName, steps: list[tuple[str, int, str]]) -> None:
    fleet = Dispatched(strategy)
    for what, number, key in steps:
        fleet.step(what, fleet.sessions[number], key)
    owned: dict[str, str] = {}
    tokens: list[int] = []
    for recorded in fleet.log:
        match recorded.event:
            case TaskClaimed(session=session, token=token):
                assert recorded.stream not in owned
                owned[recorded.stream] = session
                tokens.append(token)
            case TaskAttemptEnded() | TaskCompleted():
                del owned[recorded.stream]
            case _:
                pass
    assert tokens == sorted(set(tokens))
    exclusive = [fleet.id_of(key) for key in ("b", "c", "d")]
    assert sum(stream in owned for stream in exclusive) <= 1
