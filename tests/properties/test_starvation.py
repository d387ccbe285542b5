"""However light work comes and goes, a task that needs all of its locks at once gets them in time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.starving import STARVATION_AFTER_SECONDS, starved
from domain.kernel.policy import Cause, derived_stamp
from domain.lock.commands import ReserveLocks
from domain.policies.agenda import Agenda
from tests.support.fleet import Fleet, a_task

SESSIONS = 3
LIGHT_SECONDS_MAX = 20
LOOK_SECONDS = 5
SLACK_SECONDS = 2


class Flow(Fleet):
    """Sessions that take the next task as soon as they are free, and light tasks without end."""

    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self.looks = looks
        self.agenda = Agenda()
        self.told = 0
        self.planned = 0
        self.busy: dict[str, tuple[str, str, int]] = {}
        self.sessions = [self.a_session(f"s{number}") for number in range(SESSIONS)]

    def second(self, lengths: list[int]) -> bool:
        """One second of the fleet; whether the heavy task was taken in it."""
        self.advance(1)
        self._time_passes()
        for session in self.sessions:
            task, token, left = self.busy.get(session, ("", "", 0))
            if left > 1:
                self.busy[session] = (task, token, left - 1)
                continue
            if task:
                self.complete(task, token)
                del self.busy[session]
            self.planned += 1
            self.plan(a_task(f"light{self.planned}", scope=(f"path:shop//src/{self.planned}",), priority=5))
            decision = self.claim(session)
            if decision.rejection is None:
                answer = decision.answer.model_dump()
                if answer["key"] == "heavy":
                    return True
                self.busy[session] = (answer["task"], answer["token"], lengths[self.planned % len(lengths)])
        return False

    def _time_passes(self) -> None:
        for recorded in self.log[self.told :]:
            self.agenda.observe(Cause(recorded.stream, recorded.version, recorded.event, recorded.project))
        self.told = len(self.log)
        for policy, cause, derived in self.agenda.due(self.now):
            if policy == "reservation_over":
                self.when(derived.command, derived_stamp(policy, cause, derived, self.now, "test"))
                self.agenda.forget(policy, cause)
        if self.looks and self.planned % LOOK_SECONDS == 0:
            for one in starved(self.project, self.index, self.serving, self.now, self):
                self.ask(ReserveLocks(project="shop", task=one.task, session=one.session), by="policy:reserve_starved")


def seconds_until_taken(lengths: list[int], *, looks: bool, most: int) -> int | None:
    flow = Flow(looks=looks)
    flow.second(lengths)
    flow.plan(a_task("heavy", scope=("path:shop//src/**",)))
    return next((second for second in range(most) if flow.second(lengths)), None)


@settings(max_examples=12)
@given(st.lists(st.integers(2, LIGHT_SECONDS_MAX), min_size=1, max_size=7))
def test_the_heavy_request_is_never_starved(lengths: list[int]) -> None:
    most = STARVATION_AFTER_SECONDS + LOOK_SECONDS * LIGHT_SECONDS_MAX + LIGHT_SECONDS_MAX + SLACK_SECONDS
    assert seconds_until_taken(lengths, looks=True, most=most) is not None


def test_without_the_look_it_would_be_starved() -> None:
    assert seconds_until_taken([7, 5, 3], looks=False, most=150) is None
