"""Maps against a model of their own: which items begin, when the map settles and how, whatever ends first."""

from collections import Counter
from math import ceil
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.flow import Map
from domain.run.commands import PauseRun, ResumeRun, ReworkPhases, SkipPhase
from domain.run.state import SETTLED
from tests.support.runs import Railway, work

RULES: tuple[dict[str, Any], ...] = (
    {"rule": "all"},
    {"rule": "tolerate", "items": 1},
    {"rule": "tolerate", "percent": 40.0},
    {"rule": "first", "items": 1},
    {"rule": "first", "items": 3},
    {"rule": "first", "percent": 50.0},
)
STEPS = ("succeed", "succeed", "succeed", "fail", "skip", "pause", "resume", "rework")


class Mapped(Railway):
    """A run with a map of so many items, and something behind it."""

    def __init__(self, count: int, settle: dict[str, Any], parallel: int) -> None:
        self.settle = settle
        self.parallel = parallel
        each = {
            "kind": "work",
            "task": {"title": "Do", "retry": {"max_attempts": 1}},
            "inputs": [{"name": "item", "value": "item"}],
            "effect": "pure",
        }
        over = str([f"i{number}" for number in range(count)])
        said = {"over": over, "each": each, "settle": settle, "max_parallel": parallel}
        mapping = MapPhase(key="m", map=Map.model_validate(said, strict=False))
        super().__init__(mapping, work("end", "m", effect="pure"), failure="continue")

    def items(self) -> list[str]:
        """How the items stand, in their order."""
        return [self.status(item.place) for item in self.run.phase("m").items]

    def act(self, step: str, number: int) -> None:
        place = f"m/i{number}"
        said: dict[str, Any] = {"project": "shop", "run": self.run_id}
        if step in ("succeed", "fail") and self.status(place) == "offered" and self.stands() == "running":
            if step == "succeed":
                self.succeed(place)
            else:
                self.go_wrong(place)
            return
        command: dict[str, Any] = {
            "skip": SkipPhase(**said, phase=place, reason="r"),
            "pause": PauseRun(**said),
            "resume": ResumeRun(**said),
            "rework": ReworkPhases(**said, phases=("m",), reason="r"),
        }
        if step in command:
            self.ask(command[step])
            self.react()

    def check(self) -> None:
        statuses = Counter(self.items())
        tally = self.run.tally("m")
        assert dict(tally.counts) == statuses, "what is kept up is what would be counted"
        places = {item.place: self.status(item.place) for item in self.run.phase("m").items}
        going = {place for place, status in places.items() if status != "pending" and status not in SETTLED}
        assert set(tally.under_way) == going
        assert "pending" not in self.items()[: tally.next]
        assert len(going) <= self.parallel
        if self.stands() == "paused" or self.status("m") in ("pending", "invalidated"):
            return
        verdict = verdict_of(self.settle, statuses)
        over = all(status in SETTLED for status in self.items())
        assert (self.status("m") in SETTLED) == over, "a map settles with its last item, and never before"
        if over:
            good = verdict == "enough" or (verdict == "" and self.settle["rule"] != "first")
            assert self.status("m") == ("succeeded" if good else "failed")
        elif verdict:
            assert not statuses["pending"], "nothing further begins once the outcome is certain"
        else:
            assert len(going) == self.parallel or not statuses["pending"], "as many as may be are under way"


def verdict_of(settle: dict[str, Any], statuses: Counter[str]) -> str:
    """``enough`` or ``lost`` where whatever is open could change nothing any more."""
    total = statuses.total()
    bad = statuses["failed"] + statuses["cancelled"] + statuses["blocked"]
    if settle["rule"] == "first":
        wanted = settle.get("items") or max(1, ceil(total * settle["percent"] / 100))
        if statuses["succeeded"] >= wanted:
            return "enough"
        return "lost" if total - bad < wanted else ""
    spared = {"all": 0}.get(settle["rule"], settle.get("items"))
    if spared is None:
        spared = int(total * settle["percent"] / 100)
    return "lost" if bad > spared else ""


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 7),
    settle=st.sampled_from(RULES),
    parallel=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 6)), max_size=25),
)
def test_a_map_is_as_its_model_says(
    count: int, settle: dict[str, Any], parallel: int, steps: list[tuple[str, int]]
) -> None:
    mapped = Mapped(count, settle, parallel)
    mapped.check()
    for step, number in steps:
        mapped.act(step, number % count)
        mapped.check()
