"""Pools by the book (locks.md 12), written without a look at the product: sets, lists, and trying every choice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations


@dataclass(frozen=True)
class Want:
    """So many units of a pool: any with the label, or just the named ones."""

    pool: str
    quantity: int = 1
    label: str | None = None
    named: tuple[str, ...] = ()

    def text(self) -> str:
        """As a claim is written."""
        options = [f"label={self.label}"] if self.label else [f"member={one}" for one in sorted(self.named)]
        counted = [f"quantity={self.quantity}"] if self.quantity > 1 and not self.named else []
        return ";".join((f"pool:{self.pool}", *options, *counted))


@dataclass
class Units:
    """One pool."""

    labels: dict[str, frozenset[str]]
    quota: int | None = None
    shut: set[str] = field(default_factory=set[str])

    def fit(self, want: Want) -> list[str]:
        """Units that may ever be given for it, as things stand."""
        if want.named:
            return [one for one in want.named if one in self.labels and one not in self.shut]
        return [
            one
            for one, has in sorted(self.labels.items())
            if (want.label is None or want.label in has) and one not in self.shut
        ]


@dataclass(frozen=True)
class Waiting:
    number: int
    owner: str
    wants: tuple[Want, ...]
    key: str


@dataclass
class Pools:
    """All pools of a project, who holds what, and who waits, in order."""

    pools: dict[str, Units] = field(default_factory=dict[str, Units])
    held: dict[int, tuple[str, frozenset[tuple[str, str]]]] = field(
        default_factory=dict[int, tuple[str, frozenset[tuple[str, str]]]]
    )
    queue: list[Waiting] = field(default_factory=list[Waiting])

    def free(self, pool: str) -> set[str]:
        """Units of the pool that nobody holds and that are given out."""
        units = self.pools[pool]
        return (
            set(units.labels)
            - units.shut
            - {unit for _, taken in self.held.values() for of, unit in taken if of == pool}
        )

    def possible(self, wants: Sequence[Want]) -> bool:
        """Whether free units suffice for all of them together."""
        return self._possible(tuple(wants), {pool: self.free(pool) for pool in self.pools})

    def suits(self, wants: Sequence[Want], taken: Iterable[tuple[str, str]]) -> bool:
        """Whether just these units are an answer to the wants."""
        given: dict[str, set[str]] = {pool: set() for pool in self.pools}
        for pool, unit in taken:
            given[pool].add(unit)
        if sum(map(len, given.values())) != sum(want.quantity for want in wants):
            return False
        return self._possible(tuple(wants), given)

    def never(self, owner: str, wants: Sequence[Want]) -> bool:
        """Whether it is refused for ever: more than there are, or more than one owner may have."""
        holds = [pool for whose, taken in self.held.values() if whose == owner for pool, _ in taken]
        wanted: dict[str, int] = {}
        for want in wants:
            units = self.pools[want.pool]
            wanted[want.pool] = wanted.get(want.pool, 0) + want.quantity
            most = len(units.labels) if units.quota is None else units.quota
            if len(units.fit(want)) < want.quantity or (
                units.quota is not None and wanted[want.pool] + holds.count(want.pool) > most
            ):
                return True
        return not self._possible(tuple(wants), {name: set(units.labels) for name, units in self.pools.items()})

    def behind(self, wants: Sequence[Want], queue: Sequence[Waiting]) -> bool:
        """Whether somebody waits before for units of the same pool."""
        mine = {want.pool for want in wants}
        return any(mine & {want.pool for want in one.wants} for one in queue)

    def grantable(self) -> list[int]:
        """Requests that wait although nothing is in their way."""
        return [
            one.number
            for place, one in enumerate(self.queue)
            if not self.behind(one.wants, self.queue[:place]) and self.possible(one.wants)
        ]

    def _possible(self, wants: tuple[Want, ...], free: dict[str, set[str]]) -> bool:
        if not wants:
            return True
        want, rest = wants[0], wants[1:]
        there = [one for one in self.pools[want.pool].fit(want) if one in free[want.pool]]
        return any(
            self._possible(rest, {**free, want.pool: free[want.pool] - set(chosen)})
            for chosen in combinations(there, want.quantity)
        )
