"""What the daily prices of a search amount to. Pure."""

from collections.abc import Sequence
from datetime import date
from statistics import median_low
from typing import Final

from msgspec import Struct

from trackers.flights.schemas import PriceAnalysis, WeekdayPrice

LEVELS: Final = 5
FOR_LEVEL: Final = 5
"""Days below which a price has no level of ours."""
FOR_WEEKDAY: Final = 14
"""Days below which no weekday is the best: each has come round twice then."""


class DaysOfSearch(Struct, frozen=True, kw_only=True):
    """A search and the lowest that it cost on each day, in the order of the days; prices in minor units."""

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
    """Lowest, median and highest; the level where the site told none; the weekday that was cheapest."""
    weekdays = _weekdays(search.days, search.prices)
    best = min(weekdays, key=lambda one: (one.median, one.weekday)).weekday if len(search.days) >= FOR_WEEKDAY else None
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
    """1 for the lowest fifth of what lies between the lowest and the highest, 5 for the highest."""
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
        WeekdayPrice(weekday=weekday, median=median_low(found), days=len(found))
        for weekday, found in sorted(by_weekday.items())
    ]
