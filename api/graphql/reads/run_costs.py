"""What a run cost: as a whole, for each of its tasks, and for the runs inside of it with theirs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, Final

import orjson
from strawberry.scalars import JSON

from api.graphql.context import Context
from api.graphql.errors import Refused
from api.graphql.pages import Connection, connection
from api.graphql.reads.asked import Asked, text
from api.graphql.reads.run_tree import Member, RunTask, tree_of
from api.graphql.types.run_past import AttemptPurpose, RunCost, told
from projections.kernel.errors import CursorUnreadable

_TOKENS: Final = ("input_tokens", "output_tokens")
Spent = Mapping[str, int]
_Entry = tuple[str, Callable[[], RunCost]]
"""What a cursor calls it, and how it is made."""


async def costs(context: Context, identifier: str, asked: Asked) -> Connection[RunCost]:
    """A page of entries: a run as a whole, its tasks, then the runs that it began in the same way."""
    tree = await tree_of(context, identifier, asked)
    return _page(list(_entries(tree.members)), asked, tree.position, stale=tree.stale)


def _page(entries: Sequence[_Entry], asked: Asked, position: int, *, stale: bool) -> Connection[RunCost]:
    """Entries behind the one that the cursor names, and only they are made. Raises Refused where it is not there."""
    names = [name for name, _ in entries]
    cursor = text(asked.cursor)
    if cursor is not None and cursor not in names:
        raise Refused(CursorUnreadable())
    start = 0 if cursor is None else names.index(cursor) + 1
    shown = entries[start : start + asked.first]
    more = start + asked.first < len(entries)
    return connection(
        [(made(), _place(name)) for name, made in shown],
        next_cursor=shown[-1][0] if more else None,
        position=position,
        stale=stale,
    )


def _place(name: str) -> Callable[[], str]:
    return lambda: name


def _ends(members: Sequence[Member]) -> list[int]:
    """For each run the place behind the last one inside of it: they stand right behind it."""
    return [
        next((later for later in range(index + 1, len(members)) if members[later].depth <= one.depth), len(members))
        for index, one in enumerate(members)
    ]


def _entries(members: Sequence[Member]) -> Iterator[_Entry]:
    """All entries in their order. What a task said is read once, whatever number of runs it is inside of."""
    said = [sum((_spent(one) for one in member.tasks), Counter[str]()) for member in members]
    up_to = list(accumulate(said, initial=Counter[str]()))
    for index, (member, end) in enumerate(zip(members, _ends(members), strict=True)):
        yield member.row.key, partial(_whole, member, up_to[end] - up_to[index])
        for one in member.tasks:
            yield one.row.key, partial(_of_task, member, one)


def _whole(member: Member, sums: Spent) -> RunCost:
    row = member.row
    keeps_account = bool(row.budget or row.rolls_back)
    return RunCost(
        run_id=row.key,
        depth=member.depth,
        place=row.parent_place,
        task_id=None,
        generation=None,
        purpose=AttemptPurpose.UNDO if row.rolls_back else AttemptPurpose.WORK,
        pipeline=row.pipeline,
        status=row.status,
        spent=(told(row.spent) if keeps_account else None) or JSON(dict(sums)),
        budget=told(row.budget),
        reserved=told(row.reserved) if row.budget else None,
    )


def _of_task(member: Member, one: RunTask) -> RunCost:
    return RunCost(
        run_id=member.row.key,
        depth=member.depth,
        place=one.place,
        task_id=one.row.key,
        generation=one.generation,
        purpose=AttemptPurpose.UNDO if one.is_undo else AttemptPurpose.WORK,
        pipeline=member.row.pipeline,
        status=one.row.status,
        spent=JSON(dict(_spent(one))),
        budget=None,
        reserved=None,
    )


def _spent(task: RunTask) -> Counter[str]:
    """What its attempts said that they spent, the live one included."""
    found: Counter[str] = Counter()
    for said in (task.row.usage, task.row.usage_live):
        usage: dict[str, Any] = orjson.loads(said) if said else {}
        if usage:
            found["tokens"] += sum(usage.get(name, 0) for name in _TOKENS)
            found["cost_microdollars"] += usage.get("cost_microdollars", 0)
    return found
