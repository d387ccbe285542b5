"""How the items of a map stand together, kept up with each event: nobody walks through a thousand of them to count."""

from immutables import Map

from domain.kernel.change import replace
from domain.run.map_events import MapExpanded
from domain.run.state import SETTLED, PhaseState, Run
from domain.run.tally import Tally


def begun(run: Run, event: MapExpanded) -> Run:
    """A map has expanded: all its items are pending."""
    counts: Map[str, int] = Map({"pending": len(event.items)} if event.items else {})
    return replace(run, tallies=run.tallies.set(event.place, Tally(generation=event.generation, counts=counts)))


def given_up(run: Run, place: str) -> Run:
    """What a place was expanded into does not count any more."""
    return replace(run, tallies=run.tallies.delete(place)) if place in run.tallies else run


def tallied(run: Run, place: str, now: PhaseState) -> Map[str, Tally]:
    """The tallies once the place stands so, which is an item of a map or none."""
    around = place.rpartition("/")[0]
    tally = run.tallies.get(around) if around else None
    # An item of a former generation may be heard of late; it is none of those that are counted.
    if tally is None or now.generation != tally.generation:
        return run.tallies
    was = run.phase(place)
    moved = _moved(tally, place, was, now)
    if was.status != "ready" and now.status == "ready":
        items = run.phase(around).items
        following = next((one for one in range(tally.next, len(items)) if items[one].place == place), tally.next - 1)
        moved = replace(moved, next=following + 1)
    return run.tallies if moved is tally else run.tallies.set(around, moved)


def _moved(tally: Tally, place: str, was: PhaseState, now: PhaseState) -> Tally:
    if was.status == now.status and was.dropped == now.dropped:
        return tally
    counts, ready = tally.counts, tally.ready
    if was.status != now.status:
        left = counts.get(was.status, 0) - 1
        counts = counts.set(was.status, left) if left else counts.delete(was.status)
        counts = counts.set(now.status, counts.get(now.status, 0) + 1)
        if now.status == "ready":
            ready = (*ready, place)
        elif was.status == "ready":
            ready = ready[1:] if ready[:1] == (place,) else tuple(one for one in ready if one != place)
    began, goes_on = _is_under_way(was), _is_under_way(now)
    under_way = tally.under_way
    if goes_on and not began:
        under_way = under_way.set(place, "")
    elif began and not goes_on:
        under_way = under_way.delete(place)
    unwanted = (goes_on and bool(now.dropped)) - (began and bool(was.dropped))
    return replace(tally, counts=counts, ready=ready, under_way=under_way, dropped=tally.dropped + unwanted)


def _is_under_way(phase: PhaseState) -> bool:
    return phase.status != "pending" and phase.status not in SETTLED
