"""The fleet's checker finds what it is there for: each bug planted in a short story that is right without it."""

import json
from typing import Any

from infrastructure.log.port import LogRow
from tests.faults.fleet_checker import (
    ORPHAN_SECONDS_MAX,
    circles,
    early_losses,
    invented_deadlocks,
    orphans,
    out_of_order,
    unfair_grants,
)
from tests.faults.fleet_history import FleetHistory, Renewal, Span, ToldDeadlock

SECOND = 1_000_000


def story(*steps: tuple[str, str, dict[str, Any]]) -> list[LogRow]:
    """(command, type, event) as rows of one project."""
    return [
        LogRow(place, "s_1", place, kind, 1, json.dumps(event).encode(), place, "proj_1", "a", command, "c", None, None)
        for place, (command, kind, event) in enumerate(steps, start=1)
    ]


def granted(token: int, session: str, pattern: str, request: int | None = None) -> tuple[str, str, dict[str, Any]]:
    claims = [{"claim": f"path:r//{pattern}", "mode": "exclusive"}]
    owner = {"session": session, "incarnation": 1, "task": None}
    return (
        f"g{token}",
        "lock.granted.v1",
        {"token": token, **owner, "claims": claims, "request": request, "replaces": None},
    )


def requested(number: int, session: str, *patterns: str, boost: int = 0) -> tuple[str, str, dict[str, Any]]:
    claims = [{"claim": f"path:r//{pattern}", "mode": "exclusive"} for pattern in patterns]
    owner = {"session": session, "incarnation": 1, "task": None}
    place = {"request": number, "at": number, "boost_seconds": boost}
    return f"r{number}", "lock.requested.v1", {**place, **owner, "claims": claims}


def released(token: int) -> tuple[str, str, dict[str, Any]]:
    return f"e{token}", "lock.released.v1", {"token": token}


def test_an_answer_that_came_before_a_later_place_began_is_found() -> None:
    rows = story(("one", "x", {}), ("two", "x", {}))
    right = [Span("one", "x", 10, 20, 1), Span("two", "x", 15, 30, 2)]
    assert out_of_order(rows, right) == []
    wrong = [Span("one", "x", 40, 50, 1), Span("two", "x", 15, 30, 2)]
    assert len(out_of_order(rows, wrong)) == 1


def test_a_lease_that_ends_before_its_ttl_is_found() -> None:
    lost = story(("lose", "session.lost.v1", {"incarnation": 1, "at": 20 * SECOND}))
    for began, found in ((9, 0), (11, 1)):
        history = FleetHistory((), (), (Renewal("s_1", 1, began * SECOND),))
        assert len(early_losses(lost, history, 10)) == found
    of_the_next_life = FleetHistory((), (), (Renewal("s_1", 2, 19 * SECOND),))
    assert early_losses(lost, of_the_next_life, 10) == []


def test_a_grant_past_one_that_waits_is_found() -> None:
    fair = (granted(1, "ada", "a"), requested(1, "bob", "a"), requested(2, "eve", "a"), released(1))
    assert unfair_grants(story(*fair, granted(2, "bob", "a", 1), released(2), granted(3, "eve", "a", 2))) == []
    found = unfair_grants(story(*fair, granted(2, "eve", "a", 2), released(2), granted(3, "bob", "a", 1)))
    assert len(found) == 1
    barging = unfair_grants(story(*fair, granted(2, "zoe", "a"), released(2), granted(3, "bob", "a", 1)))
    assert any("zoe" in one for one in barging)


def test_a_request_that_waits_for_the_one_that_overtakes_it_is_overtaken_rightly() -> None:
    told = (granted(1, "ada", "a"), requested(1, "bob", "a", "b"), granted(2, "ada", "b"))
    assert unfair_grants(story(*told, released(1), released(2), granted(3, "bob", "a", 1))) == []


OF_TASK_1 = {"session": "", "incarnation": 0, "task": "task_1"}


def owned(step: tuple[str, str, dict[str, Any]], **owner: Any) -> tuple[str, str, dict[str, Any]]:
    return step[0], step[1], step[2] | owner


def test_an_attempt_that_takes_over_what_its_task_had_reserved_passes_nobody() -> None:
    reserved = (owned(granted(1, "", "a"), **OF_TASK_1), requested(1, "bob", "a"))
    rest = (released(2), granted(3, "bob", "a", 1))
    mine = owned(granted(2, "ada", "a"), task="task_1", replaces=1)
    assert unfair_grants(story(*reserved, mine, *rest)) == []
    # Another task's attempt would pass, and so would one that took more than was reserved.
    assert len(unfair_grants(story(*reserved, owned(mine, task="task_2"), *rest))) == 1
    more = (*reserved, requested(2, "eve", "b"), owned(granted(2, "ada", "b"), task="task_1", replaces=1))
    assert len(unfair_grants(story(*more, *rest, released(3), granted(4, "eve", "b", 2)))) == 1


def test_a_task_that_asked_for_itself_is_passed_by_its_own_attempt_only() -> None:
    asked = (granted(1, "ada", "a"), owned(requested(1, "", "a"), **OF_TASK_1), released(1))
    over = owned(granted(3, "", "a", 1), **OF_TASK_1)
    mine, other = owned(granted(2, "bob", "a"), task="task_1"), owned(granted(2, "bob", "a"), task="task_2")
    assert unfair_grants(story(*asked, mine, released(2), over)) == []
    assert len(unfair_grants(story(*asked, other, released(2), over))) == 1


def opened(session: str, parent: str | None = None) -> LogRow:
    (row,) = story((f"o{session}", "session.opened.v1", {"incarnation": 1, "parent": parent}))
    return row._replace(stream=session, project="fleet")


def test_what_would_be_a_circle_of_strangers_is_none_of_a_child_and_its_parent() -> None:
    crossed = story(granted(1, "kid", "a"), granted(2, "ada", "b"), requested(1, "kid", "b"), requested(2, "ada", "a"))
    assert len(circles([opened("ada"), opened("kid"), *crossed])) == 1
    assert circles([opened("ada"), opened("kid", "ada"), *crossed]) == []
    (left,) = story(("out", "session.reparented.v1", {"parent": None}))
    moved = left._replace(stream="kid", project="fleet")
    assert len(circles([opened("ada"), opened("kid", "ada"), *crossed[:3], moved, *crossed[3:]])) == 1


def test_a_higher_priority_overtakes_rightly() -> None:
    told = (granted(1, "ada", "a"), requested(1, "bob", "a"), requested(2, "eve", "a", boost=30), released(1))
    assert unfair_grants(story(*told, granted(2, "eve", "a", 2), released(2), granted(3, "bob", "a", 1))) == []


def test_whoever_is_forgotten_in_the_queue_is_found() -> None:
    assert unfair_grants(story(granted(1, "ada", "a"), requested(1, "bob", "a"), released(1))) != []


CROSSED = (granted(1, "ada", "a"), granted(2, "bob", "b"), requested(1, "ada", "b"))


def test_a_circle_that_was_let_into_the_queue_is_found() -> None:
    assert circles(story(*CROSSED)) == []
    assert len(circles(story(*CROSSED, requested(2, "bob", "a")))) == 1
    # The same request of somebody who holds nothing waits for nobody that waits for it.
    assert circles(story(*CROSSED, requested(2, "eve", "a"))) == []


def test_a_deadlock_that_was_none_is_found() -> None:
    shop = ("new", "project.created.v1", {"name": "shop"})

    def told(who: str, sent: int, answered: int, pattern: str = "a") -> list[ToldDeadlock]:
        return [ToldDeadlock("d", "shop", (f"{who}/1", None), ((pattern, "exclusive"),), sent, answered)]

    def happened(*steps: tuple[str, str, dict[str, Any]]) -> list[LogRow]:
        """One thing a second, in a project whose stream bears the name of the rows' project."""
        return [
            row._replace(recorded_at=row.position * SECOND, stream="proj_1" if row.type.startswith("project") else "s")
            for row in story(shop, *steps)
        ]

    rows = happened(*CROSSED, released(1))
    assert invented_deadlocks(rows, told("bob", 4 * SECOND, 4 * SECOND + 10)) == []
    # Nobody waits for eve, ada does not want c, and there was no circle before ada asked and after the release.
    wrong = (
        told("eve", 4 * SECOND, 4 * SECOND + 10),
        told("bob", 4 * SECOND, 4 * SECOND + 10, "c"),
        told("bob", 2 * SECOND, 3 * SECOND),
        told("bob", 6 * SECOND, 7 * SECOND),
    )
    for one in wrong:
        assert len(invented_deadlocks(rows, one)) == 1


def test_a_life_that_nobody_speaks_for_and_that_goes_on_is_found() -> None:
    late = ORPHAN_SECONDS_MAX + 5
    opened: tuple[str, str, dict[str, Any]] = ("open", "session.opened.v1", {"incarnation": 1})

    def found(*, renewed_at: int, incarnation: int = 1, lost: bool = False) -> list[str]:
        ends = (("lose", "session.lost.v1", {"incarnation": 1}),) if lost else ()
        rows = [
            row._replace(recorded_at=0 if row.position == 1 else late * SECOND)
            for row in story(opened, ("other", "x", {}), *ends)
        ]
        return orphans(rows, FleetHistory((), (), (Renewal("s_1", incarnation, renewed_at * SECOND),)))

    assert found(renewed_at=10) == []
    assert len(found(renewed_at=1)) == 1
    assert len(found(renewed_at=10, incarnation=2)) == 1
    assert found(renewed_at=1, lost=True) == []
