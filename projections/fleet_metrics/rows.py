"""What is counted of a fleet, and how waits are sorted by their length."""

from typing import Final, NamedTuple

from projections.kernel.rows import entries, json_text

WAIT: Final = "wait_"
"""Measures that begin so count assignments by the bucket of their wait."""
MICROSECONDS: Final = "_microseconds"
"""Measures that end so add up how far into its hour each event came, from which the time between them follows."""
HOUR: Final = 3_600_000_000
"""Microseconds."""
STRETCH_EVENTS: Final = 20_000
"""Of the log, in one stretch: a sum of the past is that of earlier stretches and the events of one."""
_UNIT: Final = 250
"""Microseconds of the shortest wait that is told apart."""
_STEPS_BITS: Final = 2
"""A doubling of the wait is four buckets, so a bucket's bound is at most a quarter too long."""


class MetricRow(NamedTuple):
    """One sum of one project in one hour."""

    key: str
    """``project/hour/measure``."""
    project: str
    hour: int
    """Hours since 1970."""
    measure: str
    total: int
    stretch: int = 0
    """That of the latest event that it counts."""
    marks: str = "[]"
    """JSON: [{stretch, total}], what it was at the end of each earlier stretch in which it counted something."""


def stretch_of(position: int) -> int:
    """The stretch of the log that an event lies in."""
    return max(0, position - 1) // STRETCH_EVENTS


def begin_of(stretch: int) -> int:
    """The position behind which a stretch begins."""
    return stretch * STRETCH_EVENTS


def rewound(row: MetricRow, stretch: int) -> MetricRow | None:
    """The row as it was before the first event of a stretch; None where there was none."""
    if row.stretch < stretch:
        return row
    earlier = [mark for mark in entries(row.marks) if mark["stretch"] < stretch]
    if not earlier:
        return None
    *marks, last = earlier
    return row._replace(total=last["total"], stretch=last["stretch"], marks=json_text(marks))


def bucket_of(microseconds: int) -> int:
    """The bucket of a wait; longer waits have larger ones."""
    units = max(1, microseconds // _UNIT)
    exponent = units.bit_length() - 1
    if exponent < _STEPS_BITS:
        return units
    return (exponent << _STEPS_BITS) + ((units >> (exponent - _STEPS_BITS)) & ((1 << _STEPS_BITS) - 1))


def bound_of(bucket: int) -> int:
    """Microseconds that no wait of the bucket reaches."""
    exponent, step = bucket >> _STEPS_BITS, bucket & ((1 << _STEPS_BITS) - 1)
    if exponent < _STEPS_BITS:
        return (bucket + 1) * _UNIT
    return (((1 << _STEPS_BITS) + step + 1) << (exponent - _STEPS_BITS)) * _UNIT
