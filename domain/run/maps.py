"""Maps: a list becomes items, each with a place of its own in the run, and together they settle the phase."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice, product
from math import ceil
from typing import Final, NamedTuple, cast

import orjson

from domain.kernel.ids import Instant
from domain.kernel.pipeline.definition import MapPhase
from domain.kernel.pipeline.expressions import Flaw
from domain.kernel.pipeline.flow import Combination, Matrix, Settle
from domain.kernel.pipeline.work import FALLBACK
from domain.run.events import Consumed, PhaseReady, PhaseSettled, PhaseSkipped
from domain.run.known import Speaker
from domain.run.map_events import MapExpanded, MapItem
from domain.run.state import PhaseState, Run
from domain.run.tally import Tally

BEGUN_MAX: Final = 100
"""Items that begin at first: thousands of tasks in one append would hold up everybody else."""
KEY_CHARACTERS_MAX: Final = 200
OUTPUT_CHARACTERS_MAX: Final = 1_000_000
"""Of all items together, as JSON."""
HANDED_CHARACTERS_MAX: Final = 4_000_000
"""To all items together, as JSON: it is one event."""
WEIGHT_MAX: Final = 100_000
"""Values from outside of the items that the texts of all items look at: an interpreter takes some 10 µs for one, and
everybody waits for the decision."""
_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_TAKEN: Final = re.compile(r".*(@[0-9]+|\+undo[0-9]+)")
"""How the names of tasks of later generations end, and of those that take back: no item's own name may."""
_Step = MapExpanded | PhaseReady | PhaseSettled | PhaseSkipped


def expanded(run: Run, phase: MapPhase, speaker: Speaker, at: Instant) -> tuple[_Step, ...] | Flaw:
    """The items with what each is handed, computed here, once."""
    over = _items(phase, speaker)
    if isinstance(over, Flaw):
        return over
    if len(over.value) > phase.map.max_items:
        return Flaw("cost", f"{len(over.value)} items are more than max_items, {phase.map.max_items}")
    texts = [binding.value for binding in phase.map.each.inputs]
    texts += [] if phase.map.item_key is None else [phase.map.item_key]
    weight = len(over.value) * sum(map(speaker.of_item(None, 0).weight, texts))
    if weight > WEIGHT_MAX:
        return Flaw("cost", f"its items look at {weight:,} values, more than {WEIGHT_MAX:,}")
    found: list[MapItem] = []
    characters = 0
    reads = {one.place: one for one in over.reads}
    seen: dict[str, int] = {}
    for index, item in enumerate(over.value):
        of_item = speaker.of_item(item, index)
        key = _key(phase, item, of_item)
        bound = of_item.bound(phase.map.each.inputs)
        if isinstance(key, Flaw):
            return key
        if isinstance(bound, Flaw):
            return Flaw(bound.kind, f"item {key}: {bound.reason}")
        place = f"{phase.key}/{_name(key)}"
        other = seen.setdefault(place, index)
        if other != index:
            return Flaw("value", _twice(key, found[other].key))
        reads |= {one.place: one for one in bound.reads}
        handed = orjson.dumps(bound.values).decode()
        characters += len(handed)
        if characters > HANDED_CHARACTERS_MAX:
            return Flaw("cost", f"its items are handed more than {HANDED_CHARACTERS_MAX:,} characters")
        found.append(MapItem(key=key, place=place, input=handed))
    order = [one.key for one in run.queued.definition.phases]
    step = MapExpanded(
        place=phase.key,
        generation=run.phase(phase.key).generation,
        position=order.index(phase.key.partition("/")[0]) + 1,
        items=tuple(found),
        reads=tuple(reads.values()),
        at=at,
    )
    return (step,)


def _twice(key: str, other: str) -> str:
    """Why two items cannot both have a place; a key may read like the digest that stands for another one."""
    return f"two items have the key {key}" if key == other else f"the items {other} and {key} have the same place"


class _Over(NamedTuple):
    """What a map goes over, and what that was read of."""

    value: list[object]
    reads: tuple[Consumed, ...]


def _items(phase: MapPhase, speaker: Speaker) -> _Over | Flaw:
    matrix = phase.map.matrix
    if matrix is not None:
        return _combinations(matrix, speaker)
    said = speaker.tell(phase.map.over or "")
    if isinstance(said, Flaw):
        return said
    values = _list(said.value)
    return Flaw("type", "what the map goes over is no list") if values is None else _Over(values, said.reads)


def _combinations(matrix: Matrix, speaker: Speaker) -> _Over | Flaw:
    names = [axis.name for axis in matrix.axes]
    values: list[list[object]] = []
    reads: dict[str, Consumed] = {}
    for axis in matrix.axes:
        if axis.over is None:
            values.append(list(axis.values))
            continue
        said = speaker.tell(axis.over)
        if isinstance(said, Flaw):
            return Flaw(said.kind, f"the axis {axis.name}: {said.reason}")
        found = _list(said.value)
        if found is None:
            return Flaw("type", f"the axis {axis.name} is no list")
        values.append(found)
        reads |= {one.place: one for one in said.reads}
    every = [dict(zip(names, point, strict=True)) for point in product(*values)]
    kept = [point for point in every if not any(_meets(point, one) for one in matrix.exclude)]
    more = [{one.axis: one.value for one in combination.at} for combination in matrix.include]
    return _Over([*kept, *(point for point in more if point not in kept)], tuple(reads.values()))


def _list(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _meets(point: Mapping[str, object], combination: Combination) -> bool:
    return all(point.get(one.axis) == one.value for one in combination.at)


def _key(phase: MapPhase, item: object, speaker: Speaker) -> str | Flaw:
    if phase.map.item_key is not None:
        said = speaker.tell(phase.map.item_key)
        if isinstance(said, Flaw):
            return said
        item = said.value
    elif phase.map.matrix is not None:
        item = "-".join(str(value) for value in cast("Mapping[str, object]", item).values())
    if not isinstance(item, str | int | float):
        return Flaw("type", "an item that is a list or a mapping needs an item_key")
    key = item if isinstance(item, str) else orjson.dumps(item).decode()
    fits = 0 < len(key) <= KEY_CHARACTERS_MAX
    return key if fits else Flaw("value", f"the item key {key[:40]!r} is empty or too long")


def _name(key: str) -> str:
    """What a place may hold of a key: itself, or its digest."""
    return key if _SAFE.fullmatch(key) and not _TAKEN.fullmatch(key) else sha256(key.encode()).hexdigest()[:24]


def steps(run: Run, phase: MapPhase, at: Instant) -> Iterator[_Step]:
    """What follows for a map that has expanded: items that begin, items that are not wanted any more, its end."""
    state, tally = run.phase(phase.key), run.tally(phase.key)
    pending, under_way = tally.counts.get("pending", 0), len(tally.under_way)
    idle = _idle(run, state, tally) if pending else iter(())
    if _decided(phase.map.settle, tally.counts):
        for item, one in idle:
            yield _settled(one, item.place, "cancelled", "the map was decided without it", "", at)
    elif pending:
        # The room grows with what has settled, so that no decision makes more tasks than BEGUN_MAX.
        room = min(phase.map.max_parallel, BEGUN_MAX + 2 * (len(state.items) - pending - under_way))
        for item, one in islice(idle, max(0, room - under_way)):
            yield PhaseReady(place=item.place, generation=one.generation, input=item.input, reads=(), at=at)
        return
    if under_way == 0:
        yield _end(phase, state, [run.phase(item.place) for item in state.items], at)


def _idle(run: Run, state: PhaseState, tally: Tally) -> Iterator[tuple[MapItem, PhaseState]]:
    """Items that have not begun, in their order."""
    found = ((item, run.phase(item.place)) for item in islice(state.items, tally.next, None))
    return ((item, one) for item, one in found if one.status == "pending")


def unwanted(run: Run, phase: MapPhase) -> tuple[str, ...]:
    """Places of items under way of a map for which the first ones were enough."""
    enough = phase.map.settle.rule == "first" and _decided(phase.map.settle, run.tally(phase.key).counts) == "enough"
    items = run.phase(phase.key).items if enough else ()
    return tuple(item.place for item in items if run.phase(item.place).is_out)


def _decided(settle: Settle, counts: Mapping[str, int]) -> str:
    """``enough`` or ``lost`` where no further item changes the outcome; else empty."""
    bad = sum(counts.get(status, 0) for status in ("failed", "cancelled", "blocked"))
    good, total = counts.get("succeeded", 0), sum(counts.values())
    limit = _count(settle, total)
    if settle.rule == "first":
        if good >= limit:
            return "enough"
        return "lost" if total - bad < limit else ""
    return "lost" if bad > limit else ""


def _count(settle: Settle, total: int) -> int:
    """How many may fail, or have to succeed."""
    if settle.rule == "all":
        return 0
    if settle.items is not None:
        return settle.items
    share = (settle.percent or 0) * total / 100
    return int(share) if settle.rule == "tolerate" else max(1, ceil(share))


def _end(phase: MapPhase, state: PhaseState, items: Sequence[PhaseState], at: Instant) -> _Step:
    if not items:
        return _empty(phase, state, at)
    decided = _decided(phase.map.settle, Counter(one.status for one in items))
    good = sum(one.status == "succeeded" for one in items)
    lost = decided == "lost" or (phase.map.settle.rule == "first" and decided != "enough")
    outputs = [orjson.loads(one.output) if one.output else None for one in items]
    output = orjson.dumps(outputs).decode()
    if len(output) > OUTPUT_CHARACTERS_MAX:
        lost, output = True, ""
    told = f"{good} of {len(items)} items succeeded"
    if not lost:
        return _settled(state, phase.key, "succeeded", told, output, at)
    rule = phase.map.on_exhausted
    if rule in ("skip", FALLBACK):
        return PhaseSkipped(
            place=phase.key,
            generation=state.generation,
            reason="exhausted",
            detail=told,
            arm=FALLBACK if rule == FALLBACK else "",
            at=at,
        )
    return _settled(state, phase.key, "failed", told, output, at)


def _empty(phase: MapPhase, state: PhaseState, at: Instant) -> _Step:
    if phase.map.on_empty == "succeed":
        return _settled(state, phase.key, "succeeded", "there are no items", "[]", at)
    said = {"place": phase.key, "generation": state.generation, "reason": "empty", "detail": "", "arm": ""}
    return PhaseSkipped.model_validate({**said, "at": at})


def _settled(state: PhaseState, place: str, outcome: str, reason: str, output: str, at: Instant) -> PhaseSettled:
    said = {"place": place, "generation": state.generation, "outcome": outcome, "reason": reason, "arm": ""}
    return PhaseSettled.model_validate({**said, "summary": "", "output": output, "by": "", "at": at})
