"""Points, trees and their differences against what is plainly true."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.decider import Aggregate, Recorded
from domain.kernel.ids import SECOND, Instant, ProjectId, StreamId
from domain.kernel.message import Event
from domain.kernel.past.errors import PointNotReadable
from domain.kernel.past.points import (
    AtBookmark,
    AtEvent,
    AtHead,
    AtInstant,
    AtPosition,
    last_at_or_before,
    read_point,
)
from domain.kernel.past.steps import Blame, steps
from domain.kernel.past.trees import MISSING, Missing, Tree, at_path, differences, leaves, within

NOW = Instant(1_795_000_000 * SECOND)
TASK = "task_01jd2tqz4vex7rjm3g4y9b8k2c"
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
trees = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from("abcd"), part, max_size=3),
    max_leaves=12,
)


def test_every_way_to_write_a_point_is_read() -> None:
    assert read_point("@1234", NOW) == read_point("1234", NOW) == AtPosition(1234)
    assert read_point("begin", NOW) == AtPosition(0)
    assert read_point("now", NOW) == AtHead()
    assert read_point("-15m", NOW) == AtInstant(Instant(NOW - 900 * SECOND))
    assert read_point(f"{TASK}@7", NOW) == AtEvent(TASK, 7)
    assert read_point("shop/before-merge", NOW) == AtBookmark("shop", "before-merge")
    moment = AtInstant(Instant(1_795_356_180 * SECOND))
    assert read_point("2026-11-22T14:03:00Z", NOW) == read_point("2026-11-22 14:03", NOW) == moment
    assert read_point("2026-11-22T15:03:00+01:00", NOW) == moment


@given(st.text(max_size=250))
def test_any_text_is_a_point_or_is_refused(text: str) -> None:
    found = read_point(text, NOW)
    if isinstance(found, PointNotReadable):
        assert found.message()
        assert found.advice()


def test_what_is_no_point_is_refused() -> None:
    for text in ("", "@", "@-1", "-15", "2026-13-45", "task_x@1", "@" + "9" * 17, "Größe", "-99999999999d", f"{TASK}@"):
        assert isinstance(read_point(text, NOW), PointNotReadable), text


@given(st.lists(st.integers(0, 20), max_size=30), st.integers(-1, 21), st.data())
def test_an_instant_means_the_last_position_recorded_at_or_before_it(
    times: list[int], asked: int, data: st.DataObject
) -> None:
    times.sort()
    pruned = data.draw(st.integers(0, len(times)))
    looks = 0

    def recorded_at(position: int) -> int | None:
        nonlocal looks
        looks += 1
        kept = max(position, pruned + 1)
        return times[kept - 1] if kept <= len(times) else None

    found = last_at_or_before(Instant(asked), len(times), recorded_at)
    fitting = [place for place, at in enumerate(times, 1) if at <= asked and place > pruned]
    if fitting:
        assert found == fitting[-1]
    else:
        assert found <= pruned
    assert looks <= 6


@given(trees, trees)
def test_the_differences_lead_from_one_tree_to_the_other(before: Tree, after: Tree) -> None:
    changes = list(differences(before, after))
    assert {change.path for change in changes} == {
        path for path in _paths(before) | _paths(after) if _differs(before, after, path)
    }
    for change in changes:
        assert repr(at_path(before, change.path)) == repr(change.before)
        assert repr(at_path(after, change.path)) == repr(change.after)


def _paths(tree: Tree) -> set[tuple[str | int, ...]]:
    return {path[:length] for path, _ in leaves(tree) for length in range(len(path) + 1)}


def _differs(before: Tree, after: Tree, path: tuple[str | int, ...]) -> bool:
    """Whether the path is the place of a difference: the values differ, and are not both objects or both lists."""
    one, other = at_path(before, path), at_path(after, path)
    for above in range(len(path)):
        pair = at_path(before, path[:above]), at_path(after, path[:above])
        if type(pair[0]) is not type(pair[1]) or not isinstance(pair[0], dict | list):
            return False
    if type(one) is type(other) and isinstance(one, dict | list):
        return False
    return type(one) is not type(other) or one != other


class TreeSet(Event):
    TYPE = "tree.set.v1"
    tree: Any


HOLDER: Aggregate[Any] = Aggregate(prefix="tree", initial={}, evolve=lambda _, event: event.tree, state_type=dict)


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), trees, max_size=3), min_size=1, max_size=6),
    st.sets(st.integers(1, 5)),
)
def test_blame_names_the_last_event_that_gave_a_field_its_value(states: list[dict[str, Any]], cuts: set[int]) -> None:
    """However its stream is cut into stretches."""
    told = list(steps(HOLDER, [_recorded(place, tree) for place, tree in enumerate(states, 1)]))
    last = states[-1]
    blame = Blame(last)
    ends = sorted({0, len(states), *(cut for cut in cuts if cut < len(states))})
    for begin, end in reversed(list(pairwise(ends))):
        blame.look(told[begin:end])
    found = blame.found()
    history: list[Tree] = [{}, *states]
    for path, value in leaves(last):
        expected = next(
            (place for place in range(len(states), 0, -1) if not _same(history[place - 1], history[place], path)), None
        )
        by = found.get(path)
        assert (None if by is None else by[1].position) == expected, path
        assert by is None or by[0] == value
    assert blame.is_complete == (len(found) == len(list(leaves(last))))
    for name in last:
        inside = Blame(last, (name,))
        inside.look(told)
        assert inside.found() == {path: by for path, by in found.items() if path[0] == name}


def _same(before: Tree, after: Tree, path: tuple[str | int, ...]) -> bool:
    one, other = at_path(before, path), at_path(after, path)
    if isinstance(one, Missing) or isinstance(other, Missing):
        return one is MISSING and other is MISSING
    return type(one) is type(other) and one == other


def _recorded(position: int, tree: dict[str, Any]) -> Recorded:
    stream, project = StreamId("tree_1"), ProjectId("fleet")
    return Recorded(position, stream, position, TreeSet(tree=tree), Instant(position), project, "key_a", "c", "c")


def size_of(tree: Tree) -> int:
    parts: list[Any] = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return len(parts) + sum(map(size_of, parts))


@given(trees, st.integers(0, 12), st.integers(0, 4))
def test_what_is_shown_of_a_tree_is_small_and_of_it_and_what_is_missing_is_named(
    tree: Tree, values_max: int, parts_max: int
) -> None:
    shown, cut = within(tree, values_max=values_max, parts_max=parts_max)
    assert size_of(shown) <= values_max
    assert (shown == tree) == (not cut)
    for path, value in leaves(shown):
        whole = at_path(tree, path)
        assert whole == value or path in cut
    for path in cut:
        part, whole = at_path(shown, path), at_path(tree, path)
        assert isinstance(part, dict | list)
        assert isinstance(whole, dict | list)
        assert len(part) < len(whole)
    assert within(tree, values_max=10_000, parts_max=10_000) == (tree, ())


def test_what_is_near_the_root_comes_first() -> None:
    tree: Tree = {"large": {str(number): [number] for number in range(100)}, "last_token": 7}
    shown, cut = within(tree, values_max=50, parts_max=20)
    assert isinstance(shown, dict)
    assert shown["last_token"] == 7
    assert len(shown["large"]) == 20
    assert cut == (("large",),)
