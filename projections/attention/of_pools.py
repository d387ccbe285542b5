"""The units of a pool that are in quarantine, as something to look at."""

from typing import assert_never

from domain.lock.events import PoolMemberQuarantined, PoolMemberReturned, PoolSet
from projections.attention.rows import AttentionRow
from projections.kernel.rows import json_text, texts


def pool_row(
    row: AttentionRow | None, fresh: AttentionRow, event: PoolSet | PoolMemberQuarantined | PoolMemberReturned
) -> AttentionRow | None:
    """The row after the event; ``fresh`` is one that begins with it. None where no unit is in quarantine."""
    there = [] if row is None else texts(row.units)
    match event:
        case PoolMemberQuarantined():
            known = row or fresh
            units, why = sorted({*there, event.member}), f"{event.member}: {event.reason}"
            return known._replace(units=json_text(units), why=why)
        case PoolMemberReturned():
            left = [one for one in there if one != event.member]
        case PoolSet():
            left = [one for one in there if one in {member.name for member in event.members}]
        case _:
            assert_never(event)
    return row._replace(units=json_text(left)) if row is not None and left else None
