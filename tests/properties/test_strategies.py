"""Whatever the strategy: nobody gets what does not fit or is given twice, and the optimal one is optimal."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dispatch.market import Fit, Market, OpenTask, Passed, Seeker
from domain.dispatch.matching import COLUMNS_MAX, ROWS_MAX, best_matching
from domain.dispatch.strategies import LOSERS_TOLD_MAX, STRATEGIES, Pairs, assign, bid_score, worth
from domain.kernel.ids import Instant, StreamId
from domain.project.settings import StrategyName
from domain.task.terms import Bid

NAMES: tuple[StrategyName, ...] = ("priority", "optimal", "auction")


def bids() -> st.SearchStrategy[Bid | None]:
    return st.none() | st.builds(
        Bid,
        incarnation=st.just(1),
        cost_microdollars=st.integers(0, 10**6),
        confidence_percent=st.integers(1, 100),
        at=st.integers(0, 3).map(Instant),
    )


@st.composite
def markets(draw: st.DrawFn, most: int = 5) -> Market:
    seekers = tuple(Seeker(f"sess_{number}", 1) for number in range(draw(st.integers(0, most))))
    tasks = [
        OpenTask(StreamId(f"task_{number}"), draw(st.integers(-100, 120)), draw(st.integers(1, 9)), Instant(number))
        for number in range(draw(st.integers(0, most)))
    ]
    ranked = tuple(sorted(tasks, key=lambda one: (-one.priority, -one.path_length, one.since, one.task)))
    fits = {
        seeker: {
            one.task: Fit(draw(st.integers(0, 1_000)), draw(st.integers(0, 16)), draw(bids()))
            for one in ranked
            if draw(st.booleans())
        }
        for seeker in seekers
    }
    return Market(seekers, ranked, fits, {seeker: Passed(len(ranked)) for seeker in seekers})


def total(market: Market, pairs: Pairs) -> int:
    tasks = {one.task: one for one in market.tasks}
    return sum(worth(tasks[task], market.fits[seeker][task]) for seeker, task in pairs.items())


def best_of_all(market: Market) -> int:
    """By trying every way to give the tasks to the sessions."""
    places: list[StreamId | None] = [*(one.task for one in market.tasks), *(None for _ in market.seekers)]
    return max(
        total(
            market,
            {
                seeker: task
                for seeker, task in zip(market.seekers, way, strict=True)
                if task is not None and task in market.fits[seeker]
            },
        )
        for way in permutations(places, len(market.seekers))
    )


@settings(max_examples=60)
@given(markets(), st.sampled_from(NAMES))
def test_every_pair_fits_no_task_is_given_twice_and_nobody_is_left_beside_a_task(
    market: Market, name: StrategyName
) -> None:
    matches = assign(market, name)
    assert matches == assign(market, name)
    given_out = [match.task for match in matches]
    served = [match.seeker for match in matches]
    assert len(set(given_out)) == len(given_out)
    assert len(set(served)) == len(served)
    for match in matches:
        assert match.task in market.fits[match.seeker]
        able = [one for one in market.seekers if match.task in market.fits[one]]
        assert len(match.choice.losers) == min(LOSERS_TOLD_MAX, len(able) - 1)
        assert match.seeker.session not in {loser.session for loser in match.choice.losers}
        assert all(loser.reason for loser in match.choice.losers)
    for seeker in market.seekers:
        assert seeker in served or not set(market.fits[seeker]) - set(given_out)


@settings(max_examples=60)
@given(markets(most=4))
def test_the_optimal_assignment_is_the_best_of_all_ways(market: Market) -> None:
    pairs = STRATEGIES["optimal"].pairs(market)
    assert total(market, pairs) == best_of_all(market)


@settings(max_examples=40)
@given(markets())
def test_the_optimal_assignment_serves_as_many_as_any_other(market: Market) -> None:
    others = [STRATEGIES[name].pairs(market) for name in NAMES]
    assert len(STRATEGIES["optimal"].pairs(market)) == max(len(pairs) for pairs in others)


@settings(max_examples=40)
@given(markets())
def test_no_bidder_loses_a_task_to_a_lower_bid_unless_it_won_with_a_higher_one(market: Market) -> None:
    pairs = STRATEGIES["auction"].pairs(market)
    winners = {task: seeker for seeker, task in pairs.items()}
    for seeker in market.seekers:
        for task, fit in market.fits[seeker].items():
            if fit.bid is None or pairs.get(seeker) == task:
                continue
            winning = market.fits[winners[task]][task].bid if task in winners else None
            own = market.fits[seeker][pairs[seeker]].bid if seeker in pairs else None
            outbid = winning is not None and bid_score(winning) >= bid_score(fit.bid)
            assert outbid or (own is not None and bid_score(own) >= bid_score(fit.bid))


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.integers(0, 4), st.integers(1, 9)), max_size=5))
def test_a_matching_is_worth_as_much_as_the_best_of_all(scores: list[dict[int, int]]) -> None:
    taken = best_matching(scores, 5)
    got = [column for column in taken if column is not None]
    assert len(set(got)) == len(got)
    places = [*range(5), *(None for _ in scores)]
    assert sum(scores[row][column] for row, column in enumerate(taken) if column is not None) == max(
        sum(scores[row].get(-1 if column is None else column, 0) for row, column in enumerate(way))
        for way in permutations(places, len(scores))
    )


def test_a_matching_keeps_to_its_bounds() -> None:
    for rows, columns in ((ROWS_MAX + 1, 1), (1, COLUMNS_MAX + 1)):
        try:
            best_matching([{} for _ in range(rows)], columns)
        except ValueError:
            continue
        raise AssertionError("a node would be held up")
    assert best_matching([{COLUMNS_MAX - 1: 1} for _ in range(ROWS_MAX)], COLUMNS_MAX).count(None) == ROWS_MAX - 1
