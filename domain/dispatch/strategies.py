"""Strategies: who gets what in a market. They only propose; the append of the claim decides who owns it."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from domain.dispatch.affinity import AREAS_MAX
from domain.dispatch.market import RESERVED_BONUS, Fit, Market, OpenTask, Seeker
from domain.dispatch.matching import best_matching
from domain.kernel.ids import Instant, StreamId
from domain.project.settings import StrategyName
from domain.task.terms import Bid, Choice, Loser

LOSERS_TOLD_MAX: Final = 8
"""Sessions whose reasons are kept with an assignment, the best of them."""
COST_SHARE_MICRODOLLARS: Final = 10_000
"""A cent: what a bid costs beside its price, so that confidence counts among those that cost nothing."""
SCORE_SCALE: Final = 1_000_000
_LEVEL: Final = 1 << 40
"""More than any sum of one level of the scores of an optimal assignment."""
_PRIORITY_FLOOR: Final = 200
"""Below every effective priority there is."""

Pairs = Mapping[Seeker, StreamId]


class Match(NamedTuple):
    """A session and the task that it should claim now."""

    seeker: Seeker
    task: StreamId
    strategy: StrategyName
    choice: Choice
    since: Instant
    """When the task became ready: what is proposed holds for no later time that it does."""


class Strategy(Protocol):
    """One way to give out work. Pure: the same market leads to the same pairs, and every pair is one of its fits."""

    def score(self, task: OpenTask, fit: Fit) -> int:
        """What the strategy weighs the sessions of one task with; more is better."""
        ...

    def pairs(self, market: Market) -> Pairs:
        """A task for each session that gets one; no task twice."""
        ...

    def reason(self, fit: Fit, winner: Fit) -> str:
        """Why a session that got nothing did not get the task."""
        ...


class ByPriority:
    """The first task goes to the session that suits it best, of equals to who came first; then the next one."""

    def score(self, task: OpenTask, fit: Fit) -> int:
        """What the task wishes for, then where the session has worked."""
        return suitability(fit)

    def pairs(self, market: Market) -> Pairs:
        return _in_order(market, {})

    def reason(self, fit: Fit, winner: Fit) -> str:
        """It suits less, or came later."""
        return "it suits the task less" if suitability(fit) < suitability(winner) else "it came later"


class Optimal:
    """As many assignments as possible; of these the most urgent tasks, then the longest paths, then the best fits."""

    def score(self, task: OpenTask, fit: Fit) -> int:
        """What the task wishes for, then where the session has worked."""
        return suitability(fit)

    def pairs(self, market: Market) -> Pairs:
        places = {one.task: place for place, one in enumerate(market.tasks)}
        scores = [
            {places[task]: worth(market.tasks[places[task]], fit) for task, fit in market.fits[seeker].items()}
            for seeker in market.seekers
        ]
        taken = best_matching(scores, len(market.tasks))
        pairs = zip(market.seekers, taken, strict=True)
        return {seeker: market.tasks[place].task for seeker, place in pairs if place is not None}

    def reason(self, fit: Fit, winner: Fit) -> str:
        """The whole is what is weighed."""
        return "the assignment as a whole is worth more without it"


class Auction:
    """The highest bid wins, then the next highest; what nobody bid for is given out by priority."""

    def score(self, task: OpenTask, fit: Fit) -> int:
        """Confidence for the money, 0 without a bid."""
        return 0 if fit.bid is None else bid_score(fit.bid)

    def pairs(self, market: Market) -> Pairs:
        order = {seeker: place for place, seeker in enumerate(market.seekers)}
        bids = sorted(
            (-bid_score(fit.bid), fit.bid.at, order[seeker], task, seeker)
            for seeker, fits in market.fits.items()
            for task, fit in fits.items()
            if fit.bid is not None
        )
        pairs: dict[Seeker, StreamId] = {}
        given: set[StreamId] = set()
        for *_, task, seeker in bids:
            if seeker not in pairs and task not in given:
                pairs[seeker] = task
                given.add(task)
        return _in_order(market, pairs)

    def reason(self, fit: Fit, winner: Fit) -> str:
        """The bid was lower, or there was none."""
        if winner.bid is None:
            return "it came later, and nobody bid"
        return "it made no bid" if fit.bid is None else "its bid was lower or came later"


STRATEGIES: Final[Mapping[StrategyName, Strategy]] = {
    "priority": ByPriority(),
    "optimal": Optimal(),
    "auction": Auction(),
}


def assign(market: Market, name: StrategyName) -> tuple[Match, ...]:
    """What the strategy proposes, with the reasons that are kept with each assignment."""
    strategy = STRATEGIES[name]
    pairs = strategy.pairs(market)
    tasks = {one.task: one for one in market.tasks}
    return tuple(
        Match(seeker, task, name, _choice(market, strategy, seeker, tasks[task], pairs), tasks[task].since)
        for seeker, task in pairs.items()
    )


def suitability(fit: Fit) -> int:
    """What the task wishes for counts before where the session has worked."""
    return fit.merit * (AREAS_MAX + 1) + fit.affinity


def worth(task: OpenTask, fit: Fit) -> int:
    """What a pair adds to an optimal assignment: one more, then urgency, then path, then fit."""
    levels = (1, task.priority + _PRIORITY_FLOOR, task.path_length, suitability(fit))
    total = 0
    for level in levels:
        total = total * _LEVEL + level
    return total


def bid_score(bid: Bid) -> int:
    """Confidence in percent for each cent, the cent of ``COST_SHARE_MICRODOLLARS`` included, in millionths."""
    return (
        bid.confidence_percent
        * SCORE_SCALE
        * COST_SHARE_MICRODOLLARS
        // (COST_SHARE_MICRODOLLARS + bid.cost_microdollars)
    )


def _in_order(market: Market, before: Pairs) -> Pairs:
    """Task after task, each to the session that suits it best and has nothing yet; ``before`` is given already."""
    pairs = dict(before)
    given = set(pairs.values())
    for one in market.tasks:
        if one.task in given:
            continue
        able = [seeker for seeker in market.seekers if seeker not in pairs and one.task in market.fits[seeker]]
        if able:
            # Of equals the first, which came first.
            pairs[max(able, key=lambda seeker: suitability(market.fits[seeker][one.task]))] = one.task
    return pairs


def _choice(market: Market, strategy: Strategy, seeker: Seeker, task: OpenTask, pairs: Pairs) -> Choice:
    fit, passed = market.fits[seeker][task.task], market.passed[seeker]
    others = [one for one in market.seekers if one != seeker and task.task in market.fits[one]]
    losers = [
        Loser(
            session=one.session,
            score=strategy.score(task, market.fits[one][task.task]),
            reason="it got another task" if one in pairs else strategy.reason(market.fits[one][task.task], fit),
        )
        for one in others
    ]
    reserved = task.priority >= RESERVED_BONUS - _PRIORITY_FLOOR
    return Choice(
        effective_priority=task.priority - (RESERVED_BONUS if reserved else 0),
        path_length=task.path_length,
        affinity=fit.affinity,
        ready=passed.ready,
        unmatched=passed.unmatched,
        locked=passed.locked,
        merit=fit.merit,
        score=strategy.score(task, fit),
        sessions=len(market.seekers),
        losers=tuple(sorted(losers, key=lambda one: (-one.score, one.session))[:LOSERS_TOLD_MAX]),
    )
