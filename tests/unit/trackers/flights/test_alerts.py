"""When a price is news, by examples."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from trackers.flights.alerts import PriceHistory, Rule, WatchRules, WatchState, agrees, evaluate, is_outlier

RULES = WatchRules(target_price=30_000, step_percent=1, rearm_percent=1.0)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARGIN = 1.0


def told(prices: Sequence[int], rules: WatchRules = RULES, **seen: Any) -> list[tuple[Rule, int]]:
    """What a watch tells of prices that come one after the other, without a cooldown."""
    state, found = WatchState(), []
    for price in prices:
        decision = evaluate(rules, state, PriceHistory(price=price, **seen), cooling=False)
        found += [(rule, price) for rule in decision.rules]
        state = decision.state
    return found


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([31_000, 30_001], []),
        ([31_000, 30_000], [(Rule.TARGET, 30_000)]),
        ([30_000], [(Rule.TARGET, 30_000)]),
        ([29_000, 29_000, 29_500], [(Rule.TARGET, 29_000)]),
        ([29_000, 28_711], [(Rule.TARGET, 29_000)]),
        ([29_000, 28_710], [(Rule.TARGET, 29_000), (Rule.NEW_LOW, 28_710)]),
        ([29_000, 28_900, 28_800, 28_710], [(Rule.TARGET, 29_000), (Rule.NEW_LOW, 28_710)]),
        ([29_000, 30_001, 29_000], [(Rule.TARGET, 29_000)]),
        ([29_000, 30_300, 29_000], [(Rule.TARGET, 29_000)]),
        ([29_000, 30_301, 29_000], [(Rule.TARGET, 29_000), (Rule.TARGET, 29_000)]),
    ],
)
def test_what_is_told_of_prices_in_a_row(prices: list[int], expected: list[tuple[Rule, int]]) -> None:
    assert told(prices) == expected


def test_what_is_below_its_median_is_told_once_until_it_is_not() -> None:
    rules = replace(RULES, target_price=1, below_median_percent=20)
    usual = {"median": 50_000, "days": 30}
    assert told([41_000, 40_000, 39_000, 40_300, 40_000], rules, **usual) == [(Rule.BELOW_MEDIAN, 40_000)]
    assert len(told([40_000, 40_401, 40_000], rules, **usual)) == 2
    assert told([10_000], rules, median=50_000, days=4) == []
    assert told([10_000], rules, median=None, days=0) == []


def test_a_day_of_which_no_past_is_known_makes_no_news_of_what_was_told() -> None:
    rules = replace(RULES, target_price=1, below_median_percent=20)
    known, other = PriceHistory(price=40_000, median=50_000, days=30), PriceHistory(price=39_000)
    state = evaluate(rules, WatchState(), known, cooling=False).state
    state = evaluate(rules, state, other, cooling=False).state
    assert evaluate(rules, state, known, cooling=False).rules == ()


def test_the_lowest_ever_must_be_lower_by_a_step() -> None:
    rules = replace(RULES, target_price=1, lowest_ever=True)
    past = {"lowest_before": 50_000, "days": 30}
    assert told([49_501], rules, **past) == []
    assert told([49_500, 49_500, 49_100, 49_005], rules, **past) == [
        (Rule.LOWEST_EVER, 49_500),
        (Rule.LOWEST_EVER, 49_005),
    ]
    assert told([49_000], rules, lowest=40_000, **past) == []
    assert told([49_000], rules, lowest_before=50_000, days=4) == []


def test_what_the_cooldown_held_back_is_told_when_it_ends_if_it_is_still_true() -> None:
    state = evaluate(RULES, WatchState(), PriceHistory(price=29_000), cooling=False).state
    held = evaluate(RULES, state, PriceHistory(price=25_000), cooling=True)
    assert (held.rules, held.wake) == ((), True)
    assert evaluate(RULES, held.state, PriceHistory(price=25_000), cooling=False).rules == (Rule.NEW_LOW,)
    gone = evaluate(RULES, held.state, PriceHistory(price=29_000), cooling=True)
    assert (gone.rules, gone.wake) == ((), False)


def test_the_price_before_is_the_last_that_was_another() -> None:
    state = WatchState()
    for price, before in ((35_000, None), (35_000, None), (33_000, 35_000), (33_000, 35_000), (29_000, 33_000)):
        state = evaluate(RULES, state, PriceHistory(price=price), cooling=False).state
        assert state.before == before


def test_what_may_be_told_again_is_of_another_episode() -> None:
    rules = replace(RULES, below_median_percent=20)
    state, episodes = WatchState(), []
    for price in (29_000, 31_000, 29_000):
        state = evaluate(rules, state, PriceHistory(price=price, median=38_000, days=30), cooling=False).state
        episodes.append(state.episode)
    assert episodes == [0, 2, 2]  # above the target, and above what is far below the median


@pytest.mark.parametrize(
    ("price", "median", "days", "odd"),
    [(3_999, 10_000, 5, True), (4_000, 10_000, 5, False), (1, 10_000, 4, False), (1, None, 90, False)],
)
def test_a_price_is_odd_from_sixty_per_cent_below_the_usual_on(
    price: int, median: int | None, days: int, *, odd: bool
) -> None:
    assert is_outlier(price, median=median, days=days, percent=60) is odd


@pytest.mark.parametrize(
    ("price", "doubted", "same"),
    [(1_500, 1_500, True), (1_650, 1_500, True), (1_350, 1_500, True), (1_651, 1_500, False), (1_349, 1_500, False)],
)
def test_prices_agree_within_ten_per_cent_of_the_doubted_one(price: int, doubted: int, *, same: bool) -> None:
    assert agrees(price, doubted, percent=10.0) is same
