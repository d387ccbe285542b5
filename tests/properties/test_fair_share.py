"""Fair share: whatever the weights and however long work takes, nobody starves and shares stay near the weights."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.ageing import BONUS_MAX, effective_priority
from domain.dispatch.fair_share import Shares
from domain.dispatch.ready import ReadyIndex
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.task.events import TaskReadied
from tests.support.planned import planned_task

NAMES = [ProjectId(f"proj_{letter}") for letter in "abcd"]


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    slots=st.integers(1, 12),
    lengths=st.lists(st.integers(1, 9), min_size=4, max_size=4),
)
def test_projects_with_work_get_their_share_and_none_starves(
    weights: list[int], slots: int, lengths: list[int]
) -> None:
    """Sessions with ``slots`` places between them; an attempt of project i holds one for ``lengths[i]`` rounds."""
    shares, projects = Shares(), NAMES[: len(weights)]
    for project, weight in zip(projects, weights, strict=True):
        shares.weigh(project, weight)
    got = dict.fromkeys(projects, 0)
    since = dict.fromkeys(projects, 0)
    running: list[tuple[int, StreamId]] = []
    turns, total = 400, sum(weights)
    for turn in range(turns):
        while len(running) == slots:
            running = [(left - 1, task) for left, task in running]
            for _, task in [one for one in running if one[0] == 0]:
                shares.end(task)
            running = [one for one in running if one[0] > 0]
        project = shares.next_of(projects, {})
        task = StreamId(f"task_{turn}")
        shares.begin(project, task)
        running.append((lengths[projects.index(project)], task))
        got[project] += 1
        for one in projects:
            since[one] = 0 if one == project else since[one] + 1
            # What others may get between two turns: their weights over mine, and all that they hold.
            assert since[one] <= total * (slots + 2)
    for project, weight in zip(projects, weights, strict=True):
        assert abs(got[project] - turns * weight / total) <= (slots + 1) * len(weights)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_walk_is_in_order_of_effective_priority_at_every_instant(data: st.DataObject) -> None:
    index, project = ReadyIndex(), NAMES[0]
    waits: dict[StreamId, tuple[int, int, Instant]] = {}
    begin = 1_700_000_000_000_000
    for number in range(data.draw(st.integers(1, 8))):
        stream = StreamId(f"task_{number}")
        priority, path = data.draw(st.integers(-25, 25)), data.draw(st.integers(1, 2))
        since = Instant(begin + data.draw(st.integers(0, 1_200)) * 1_000_000)
        index.observe(project, stream, planned_task(project=project, priority=priority, path_length=path))
        index.observe(project, stream, TaskReadied(reason="planned", at=since))
        waits[stream] = (priority, path, since)
    now = Instant(begin + 1_200_000_000)
    for _ in range(3):
        now = Instant(now + data.draw(st.integers(0, 900)) * 1_000_000)

        def place(stream: StreamId, at: Instant = now) -> tuple[int, int, int, str]:
            priority, path, since = waits[stream]
            return -effective_priority(priority, since, at), -path, since, stream

        search = index.candidates(project, now=now)
        order: list[StreamId] = []
        for stream in search:
            order.append(stream)
            assert search.rank == place(stream)
        assert order == sorted(waits, key=place)
        assert ReadyIndex.load(index.dump()).dump() == index.dump()
    assert all(effective_priority(one[0], one[2], now) - one[0] <= BONUS_MAX for one in waits.values())
