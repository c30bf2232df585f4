"""Statistics of the daily prices of a search. Pure."""

from collections.abc import Sequence
from datetime import date
from statistics import median_low
from typing import Final

from msgspec import Struct

from trackers.flights.schemas import PriceAnalysis, WeekdayPrice

LEVELS: Final = 5
FOR_LEVEL: Final = 5
"""Days of history that are needed to compute a price level."""
FOR_WEEKDAY: Final = 14
"""Days of history that are needed to name the best weekday: each weekday occurs twice."""


class DaysOfSearch(Struct, frozen=True, kw_only=True):
    """A search with its lowest price of each day, ordered by day; prices in minor units."""

    provider: str
    departs_on: date
    returns_on: date | None
    cabin_class: str
    currency: str
    price: int | None
    level: int | None
    typical_low: int | None
    typical_high: int | None
    days: Sequence[date]
    prices: Sequence[int]


def analysed(search: DaysOfSearch) -> PriceAnalysis:
    """Compute lowest, median and highest price, the cheapest weekday, and a price level if the site gives none."""
    weekdays = _weekdays(search.days, search.prices)
    best = None
    if len(search.days) >= FOR_WEEKDAY:
        best = min(weekdays, key=lambda entry: (entry.median, entry.weekday)).weekday
    return PriceAnalysis(
        provider=search.provider,
        departs_on=search.departs_on,
        returns_on=search.returns_on,
        cabin_class=search.cabin_class,
        currency=search.currency,
        days=len(search.days),
        first_day=search.days[0],
        last_day=search.days[-1],
        min=min(search.prices),
        median=median_low(search.prices),
        max=max(search.prices),
        price=search.price,
        level=search.level if search.level is not None else _level(search.price, search.prices),
        typical_low=search.typical_low,
        typical_high=search.typical_high,
        best_weekday=best,
        weekdays=weekdays,
    )


def _level(price: int | None, prices: Sequence[int]) -> int | None:
    """Return 1 for a price in the lowest fifth of the range from lowest to highest price, 5 for the highest fifth."""
    if price is None or len(prices) < FOR_LEVEL:
        return None
    lowest, highest = min(prices), max(prices)
    if lowest == highest:
        return (LEVELS + 1) // 2
    share = (price - lowest) / (highest - lowest)
    return max(1, min(LEVELS, 1 + int(share * LEVELS)))


def _weekdays(days: Sequence[date], prices: Sequence[int]) -> list[WeekdayPrice]:
    by_weekday: dict[int, list[int]] = {}
    for day, price in zip(days, prices, strict=True):
        by_weekday.setdefault(day.isoweekday(), []).append(price)
    return [
        WeekdayPrice(weekday=weekday, median=median_low(weekday_prices), days=len(weekday_prices))
        for weekday, weekday_prices in sorted(by_weekday.items())
    ]
