"""Random groups are answered by every store as by a plain model that decides one member at a time."""

from collections.abc import Sequence
from itertools import count
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.decider import LeaseChange
from domain.kernel.ids import Instant, StreamId
from infrastructure.log.port import Log, Member, MemberResult, Repeated
from tests.contracts.groups import NOW, asked, key, member
from tests.contracts.log_model import LogModel

STREAMS = ("a", "b", "c", "d")
NAMES = ("n1", "n2", "n3")
Action = Literal["open", "end", "expire"]

writes = st.dictionaries(st.sampled_from(STREAMS), st.integers(0, 2), max_size=3)
"""How many events of which streams; 0 is a read."""
rarely = st.integers(0, 9).map(lambda number: number == 0)
plans = st.fixed_dictionaries(
    {
        "writes": writes,
        "stale": rarely,
        "command": st.integers(0, 30),
        "keys": st.lists(st.sampled_from(NAMES), max_size=1),
        "absent": st.lists(st.sampled_from(NAMES), max_size=1),
        "lease": st.none() | st.tuples(st.sampled_from(("open", "end", "expire")), st.integers(1, 2), rarely),
        "derived": st.booleans(),
        "receipt": st.integers(0, 4).map(bool),
    }
)
groups = st.lists(st.tuples(st.lists(plans, max_size=6), st.integers(-5, 5)), min_size=1, max_size=4)
runs = count(1)


class Writer:
    """Makes members of plans as a committer would: each believes that all before it in its group stand."""

    def __init__(self, model: LogModel, run: int) -> None:
        self._model = model
        self._run = run

    def group(self, wanted: Sequence[dict[str, object]]) -> list[Member]:
        believed: dict[str, int] = {}
        members: list[Member] = []
        for plan in wanted:
            made = self._member(plan, believed, len(members))
            if made.command_id not in {other.command_id for other in members}:
                members.append(made)
                believed.update((event.stream, event.version) for event in made.events)
        return members

    def _member(self, plan: dict[str, object], believed: dict[str, int], index: int) -> Member:
        seen: list[tuple[str, int]] = []
        written: list[tuple[str, int]] = []
        chosen = plan["writes"]
        assert isinstance(chosen, dict)
        for name, number in chosen.items():
            stream = f"{name}_{self._run}"
            version = believed.get(stream, self._model.version(stream)) + (1 if plan["stale"] else 0)
            seen.append((stream, version))
            written.extend((stream, version + step) for step in range(1, number + 1))
        keys, absent, lease = plan["keys"], plan["absent"], plan["lease"]
        assert isinstance(keys, list)
        assert isinstance(absent, list)
        return member(
            f"c{plan['command']}_{self._run}",
            *written,
            reads=tuple(seen),
            keys=tuple(key(name, f"{name}_{self._run}", scope=f"run_{self._run}") for name in keys),
            absent_keys=tuple((f"run_{self._run}", "slug", name) for name in absent if name not in keys),
            leases=(self._lease(lease),) if isinstance(lease, tuple) else (),
            cause=index - 1 if plan["derived"] and index else None,
            receipt=bool(plan["receipt"]),
        )

    def _lease(self, wanted: tuple[Action, int, bool]) -> LeaseChange:
        action, incarnation, stale = wanted
        session = StreamId(f"session_{self._run}")
        stamp, _ = self._model.leases.get((session, incarnation), (NOW, False))
        return LeaseChange(action, session, incarnation, ttl_seconds=60, stamp=Instant(stamp + stale))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(plan=groups)
def test_every_store_answers_random_groups_like_the_model(
    log_store: Log, plan: list[tuple[list[dict[str, object]], int]]
) -> None:
    run, base = next(runs), log_store.head()
    last = log_store.page(after=base - 1, limit=1)[0].recorded_at if base else 0
    model = LogModel(position=base, recorded_at=last)
    writer = Writer(model, run)
    for wanted, drift in plan:
        members = writer.group(wanted)
        now = NOW + drift

        assert [_told(result) for result in log_store.append(members, now=now)] == model.append(members, now)

    rows = log_store.page(after=base, limit=1000)
    assert [(row.stream, row.version) for row in rows] == model.events
    assert [row.position for row in rows] == list(range(base + 1, model.position + 1))
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)
    commands = [f"c{number}_{run}" for number in range(31)]
    assert {
        command: receipt.position for command in commands if (receipt := log_store.receipt(asked(command))) is not None
    } == model.receipts
    wanted_names = [(f"run_{run}", "slug", name) for name in NAMES]
    assert log_store.keys(wanted_names) == {(scope, kind, name): stream for scope, kind, name, stream in model.names}
    for session, incarnation in model.leases:
        row = log_store.lease(session, incarnation)
        assert row is not None
        assert (row.renewed_at, row.ended) == model.leases[session, incarnation]


def _told(result: MemberResult) -> object:
    return result.receipt.command_id if isinstance(result, Repeated) else result
