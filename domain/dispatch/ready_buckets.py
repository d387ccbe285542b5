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

from domain.kernel.ids import StreamId
from domain.kernel.values import Requirement, ScopeClaim

Requires = tuple[Requirement, ...]
Scope = tuple[ScopeClaim, ...]
Rank = tuple[int, int, int, str]
"""Negated priority, negated path length, ready since, id: the smallest is served first."""

TESTS_MAX: Final = 2_000
"""Scopes that one walk looks at."""


@dataclass(slots=True)
class Bucket:
    """Ready tasks that need the same."""

    scope: Scope
    ranks: list[Rank] = field(default_factory=list[Rank])


Head = tuple[Rank, Bucket]


@dataclass(slots=True)
class Group:
    """Buckets with the same requirements, by scope and in the order of their first tasks."""

    requires: Requires
    buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])
    heads: list[Head] = field(default_factory=list[Head])
    count: int = 0

    def add(self, scope_key: str, scope: Scope, rank: Rank) -> None:
        bucket = self.buckets.get(scope_key)
        if bucket is None:
            bucket = self.buckets[scope_key] = Bucket(scope)
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
    """One walk over the ready tasks of a project, best first, that counts what it passes over."""

    def __init__(
        self, groups: Iterable[Group], matches: Callable[[Requires], bool], free: Callable[[Scope], bool]
    ) -> None:
        self.ready = 0
        self.unmatched = 0
        """Ready tasks whose requirements did not hold."""
        self.locked = 0
        """Ready tasks whose scope was not free."""
        self.seen = 0
        """Ready tasks that were yielded."""
        self._free = free
        self._tested = 0
        self._heads: list[list[Head]] = []
        for group in groups:
            self.ready += group.count
            if group.requires and not matches(group.requires):
                self.unmatched += group.count
            else:
                self._heads.append(group.heads)

    def __iter__(self) -> Iterator[StreamId]:
        """Ids in order of rank; the index must not change while this runs."""
        open_buckets: list[_Open] = []
        heads = self._heads[0] if len(self._heads) == 1 else merge(*self._heads, key=_rank)
        for tests, (rank, bucket) in enumerate(heads):
            while open_buckets and open_buckets[0].rank < rank:
                yield from self._next(open_buckets)
            if tests == TESTS_MAX:
                break
            if bucket.scope and not self._free(bucket.scope):
                self.locked += len(bucket.ranks)
                continue
            heappush(open_buckets, _Open(rank, 0, self._tested, bucket))
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
        rank, place, bucket = first.rank, first.place, first.bucket
        if bucket.scope and first.tested != self._tested and not self._free(bucket.scope):
            self.locked += len(bucket.ranks) - place
            return
        if place + 1 < len(bucket.ranks):
            heappush(open_buckets, _Open(bucket.ranks[place + 1], place + 1, self._tested, bucket))
        self.seen += 1
        yield StreamId(rank[3])


class _Open(NamedTuple):
    """A bucket whose scope was free when it was tested, at the first of its tasks that was not yielded yet."""

    rank: Rank
    place: int
    tested: int
    bucket: Bucket


def always(_: Requires | Scope) -> bool:
    return True
