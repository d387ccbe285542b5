"""Ready tasks in the order they are served, bucketed by what they need, and one walk over them.

Tasks with the same requirements and the same scope share a bucket, so that a claim tests them once; buckets with the
same requirements form a group. Sorted lists with bisection are used because moving some ten thousand pointers takes a
few microseconds and leaves nothing to clean up.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush, merge
from typing import Final, NamedTuple

from domain.dispatch.affinity import AREAS_MAX, WINDOW_MAX, affinity
from domain.dispatch.ageing import BONUS_MAX, step_of
from domain.kernel.ids import Instant, StreamId
from domain.kernel.values import Requirement, ScopeClaim

Requires = tuple[Requirement, ...]
Scope = tuple[ScopeClaim, ...]
Rank = tuple[int, int, int, str]
"""Urgency, negated path length, ready since, id: the smallest is served first.

Urgency is the negated effective priority, less what time adds to all of a group alike: it need not be touched as time
passes. While a task still rises it is the step at which it became ready less its priority; afterwards the negated
priority.
"""

START: Final = Instant(0)
_EVER: Final = 1 << 60
"""More microseconds than anything ever waits."""
_KNOWN_MAX: Final = AREAS_MAX + 1
"""More areas than any task lies in."""
TESTS_MAX: Final = 2_000
"""Scopes that one walk looks at."""


@dataclass(slots=True)
class Bucket:
    """Ready tasks that need the same."""

    scope: Scope
    areas: tuple[str, ...] = ()
    """Where they lie, for affinity."""
    ranks: list[Rank] = field(default_factory=list[Rank])


Head = tuple[Rank, Bucket]


@dataclass(slots=True)
class Group:
    """Buckets with the same requirements, by scope and in the order of their first tasks."""

    requires: Requires
    requires_key: str = ""
    mature: bool = False
    """Whether its tasks have risen as far as waiting takes them."""
    wishes: bool = False
    """Whether some of the requirements are mere wishes."""
    buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])
    heads: list[Head] = field(default_factory=list[Head])
    count: int = 0

    def add(self, scope_key: str, scope: Scope, rank: Rank, areas: tuple[str, ...] = ()) -> None:
        bucket = self.buckets.get(scope_key)
        if bucket is None:
            bucket = self.buckets[scope_key] = Bucket(scope, areas)
        elif rank < bucket.ranks[0]:
            self._unlist(bucket)
        insort(bucket.ranks, rank)
        if bucket.ranks[0] == rank:
            insort(self.heads, (rank, bucket))
        self.count += 1

    def remove(self, scope_key: str, rank: Rank) -> None:
        bucket = self.buckets[scope_key]
        first = bucket.ranks[0] == rank
        if first:
            self._unlist(bucket)
        del bucket.ranks[bisect_left(bucket.ranks, rank)]
        if not bucket.ranks:
            del self.buckets[scope_key]
        elif first:
            insort(self.heads, (bucket.ranks[0], bucket))
        self.count -= 1

    def _unlist(self, bucket: Bucket) -> None:
        del self.heads[bisect_left(self.heads, bucket.ranks[0], key=_rank)]


def _rank(head: Head) -> Rank:
    return head[0]


class Search:
    """One walk over the ready tasks of a project, best first, that counts what it passes over.

    A walk looks at a bounded number of scopes. One that came to its end there is told where the former one stopped:
    it spends half of its tests on the best ones and the rest from that place on, so that in the end all are seen.
    """

    def __init__(
        self,
        groups: Iterable[Group],
        matches: Callable[[Requires], bool],
        free: Callable[[Scope], bool],
        now: Instant = START,
        place: "Place | None" = None,
        known: frozenset[str] = frozenset(),
        merit: Callable[[Requires], int] | None = None,
    ) -> None:
        self.ready = 0
        self.unmatched = 0
        """Ready tasks whose requirements did not hold."""
        self.locked = 0
        """Ready tasks whose scope was not free."""
        self.seen = 0
        """Ready tasks that were yielded."""
        self.rank: Rank = (0, 0, 0, "")
        """Of the task that was yielded last, with the urgency of now."""
        self.affinity = 0
        """Of the same: areas of it that are known."""
        self.merit = 0
        """Of the same: how well the session suits what it wishes for."""
        self._free = free
        self._tested = 0
        self._place = place or Place()
        self._known = known
        self._step = step_of(now)
        self._lanes: list[Iterator[_Open]] = []
        asked: dict[str, bool] = {}
        for group in groups:
            self.ready += group.count
            if group.requires and group.requires_key not in asked:
                asked[group.requires_key] = matches(group.requires)
            if asked.get(group.requires_key, True):
                suits = merit(group.requires) if merit is not None and group.wishes else 0
                self._lanes.append(_lane(group.heads, -BONUS_MAX if group.mature else -self._step, suits))
            else:
                self.unmatched += group.count

    def __iter__(self) -> Iterator[StreamId]:
        """Ids in order of rank; the index must not change while this runs."""
        open_buckets: list[_Open] = []
        tests = 0
        resume = self._place.resume(self._step)
        heads = self._lanes[0] if len(self._lanes) == 1 else merge(*self._lanes)
        for head in _known_first(heads, self._known) if self._known else heads:
            while open_buckets and open_buckets[0].rank < head.rank:
                yield from self._next(open_buckets)
            if tests >= TESTS_MAX:
                self._place.stop(head.rank, self._step)
                break
            if resume is not None and tests >= TESTS_MAX // 2 and head.rank < resume:
                continue
            tests += 1
            if head.bucket.scope and not self._free(head.bucket.scope):
                self.locked += len(head.bucket.ranks)
                continue
            heappush(open_buckets, head._replace(tested=self._tested))
        else:
            self._place.finish()
        while open_buckets:
            yield from self._next(open_buckets)

    def retest(self) -> None:
        """Locks were taken since: what was free may be so no more."""
        self._tested += 1

    @property
    def unseen(self) -> int:
        """Ready tasks behind the bound on tests; 0 unless the walk came to its end there."""
        return self.ready - self.unmatched - self.locked - self.seen

    def _next(self, open_buckets: list["_Open"]) -> Iterator[StreamId]:
        first = heappop(open_buckets)
        bucket, following = first.bucket, first.place + 1
        if bucket.scope and first.tested != self._tested and not self._free(bucket.scope):
            self.locked += len(bucket.ranks) - first.place
            return
        if following < len(bucket.ranks):
            rank = _preferred(_shifted(bucket.ranks[following], first.shift), first.affinity, first.merit)
            heappush(open_buckets, first._replace(rank=rank, place=following, tested=self._tested))
        self.seen += 1
        self.rank, self.affinity, self.merit = first.rank, first.affinity, first.merit
        yield StreamId(first.rank[3])


class Place:
    """Where the last walk of a project came to its bound; kept between walks."""

    def __init__(self) -> None:
        self._rank: Rank | None = None
        self._step = 0

    def resume(self, step: int) -> Rank | None:
        """The place with the urgency of now."""
        return None if self._rank is None else _shifted(self._rank, self._step - step)

    def stop(self, rank: Rank, step: int) -> None:
        self._rank, self._step = rank, step

    def finish(self) -> None:
        self._rank = None


class _Open(NamedTuple):
    """A bucket whose scope was free when it was tested, at the first of its tasks that was not yielded yet."""

    rank: Rank
    place: int
    tested: int
    shift: int
    bucket: Bucket
    affinity: int = 0
    merit: int = 0


def _known_first(heads: Iterable[_Open], known: frozenset[str]) -> Iterator[_Open]:
    """Of heads of one urgency and path the known ones first, as far as a small window tells them."""
    window: list[_Open] = []
    for head in heads:
        if window and (head.rank[:2] != window[0].rank[:2] or len(window) == WINDOW_MAX):
            yield from sorted(window)
            window = []
        score = affinity(head.bucket.areas, known)
        window.append(head._replace(rank=_preferred(head.rank, score, 0), affinity=score) if score else head)
    yield from sorted(window)


def _preferred(rank: Rank, known: int, suits: int) -> Rank:
    """Before all of the same urgency and path that suit less, or as well and are less known."""
    score = suits * _KNOWN_MAX + known
    return (rank[0], rank[1], rank[2] - score * _EVER, rank[3]) if score else rank


def _lane(heads: list[Head], shift: int, suits: int) -> Iterator[_Open]:
    for rank, bucket in heads:
        shifted = _shifted(rank, shift)
        yield _Open(_preferred(shifted, 0, suits) if suits else shifted, 0, 0, shift, bucket, 0, suits)


def _shifted(rank: Rank, shift: int) -> Rank:
    return (rank[0] + shift, rank[1], rank[2], rank[3])


def always(_: Requires | Scope) -> bool:
    return True


def nothing(_: Requires) -> int:
    return 0
