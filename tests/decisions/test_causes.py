"""What an event led to, as a tree that may be as deep as a cascade is long."""

from domain.kernel.decider import Recorded
from domain.kernel.ids import Instant, ProjectId, StreamId
from domain.kernel.past.causes import effects_of, place_of, pruned, walked
from domain.project.events import ProjectUnfrozen

DEEP = 5_000


def made(position: int, causation_id: str | None, project: str = "proj_1") -> Recorded:
    """An event of a stream of its own."""
    return Recorded(
        position=position,
        stream=StreamId(f"task_{position}"),
        version=1,
        recorded_at=Instant(position),
        project=ProjectId(project),
        actor="key_1",
        command_id="cmd_1",
        correlation_id="cmd_1",
        causation_id=causation_id,
        event=ProjectUnfrozen(at=Instant(position)),
    )


def test_a_cascade_is_told_however_deep_it_is() -> None:
    first = made(1, None)
    chain = [made(position, f"task_{position - 1}@1") for position in range(2, DEEP + 2)]
    effects = effects_of(first, chain)
    assert [(depth, one.recorded.position) for depth, one in walked(effects)] == [
        (depth, depth + 1) for depth in range(1, DEEP + 1)
    ]
    seen = pruned(effects, lambda one: one.position != DEEP)
    assert [one.recorded.position for _, one in walked(seen)] == list(range(2, DEEP))


def test_what_is_not_kept_takes_its_own_effects_along_and_no_others() -> None:
    first = made(1, None)
    own, foreign = made(2, place_of(first)), made(3, place_of(first), project="proj_2")
    behind, beside = made(4, place_of(foreign)), made(5, place_of(own))
    effects = effects_of(first, [own, foreign, behind, beside])
    assert [(depth, one.recorded.position) for depth, one in walked(effects)] == [(1, 2), (2, 5), (1, 3), (2, 4)]
    seen = pruned(effects, lambda one: one.project == "proj_1")
    assert [(depth, one.recorded.position) for depth, one in walked(seen)] == [(1, 2), (2, 5)]
    assert [one.recorded.position for one in effects] == [2, 3]
