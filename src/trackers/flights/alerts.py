"""When a price is news to the one who watches it. Pure: rules, what was told so far, what is seen -> what to tell.

A watch is told once when the price is at or below its target for the first time (it fell there, or was there already),
then only of lows that are a step lower, or as a reminder where that is wanted, until the price has risen above the
target again by a margin. Nothing is told while the cooldown of the last alert runs; what would have been is told when
it ends, if it is still true then.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

MIN_DAYS: Final = 5
"""Days of history below which nothing is unusual, or the lowest ever."""


class Rule(StrEnum):
    """Why somebody is told."""

    TARGET = "target"
    NEW_LOW = "new_low"
    REMINDER = "reminder"
    BELOW_MEDIAN = "below_median"
    LOWEST_EVER = "lowest_ever"


class WatchRules(Struct, frozen=True, kw_only=True):
    """What a watch asks for. Prices in minor units of its currency."""

    target_price: int
    step_percent: int
    """By how much a low must be lower than the last one told, to be another."""
    rearm_percent: float
    remind: bool = False
    below_median_percent: int | None = None
    lowest_ever: bool = False


class WatchState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a watch has seen and told."""

    episode: int = 0
    price: int | None = None
    """Seen last."""
    before: int | None = None
    """The last one that was another."""
    told: int | None = None
    """The lowest told since the price came down to the target; None: it is armed."""
    median_told: bool = False
    baseline: int | None = None
    """The lowest ever, when that was last looked up or told."""


class PriceHistory(Struct, frozen=True, kw_only=True):
    """A price that can be trusted, with its past."""

    price: int
    lowest: int | None = None
    """Ever, this one included."""
    lowest_before: int | None = None
    """On earlier days."""
    median: int | None = None
    """Of the watch's last days, without today."""
    days: int = 0
    """Of history."""


class AlertDecision(Struct, frozen=True, kw_only=True):
    """What comes of it."""

    state: WatchState
    rules: tuple[Rule, ...] = ()
    """Why to tell now; none: nothing to tell."""
    wake: bool = False
    """Whether there is something to tell when the cooldown ends, should nothing change."""


def evaluate(
    rules: WatchRules, state: WatchState, seen: PriceHistory, *, cooling: bool, unheard: Collection[Rule] = ()
) -> AlertDecision:
    """What a price means to a watch. `cooling`: within the cooldown of the last alert.

    `unheard`: what was told and reached nobody; it is told again where it is still true.
    """
    armed = _armed(rules, state, seen)
    below = seen.price <= rules.target_price
    news = _news(rules, armed, seen)
    if not news and not cooling:
        news = _again(rules, armed, seen, unheard) or ((Rule.REMINDER,) if rules.remind and below else ())
        armed = replace(armed, episode=armed.episode + 1) if news else armed
    told = armed
    if news and not cooling:
        told = replace(
            armed,
            told=min(seen.price, armed.told or seen.price) if below else armed.told,
            median_told=armed.median_told or Rule.BELOW_MEDIAN in news,
            baseline=seen.price if Rule.LOWEST_EVER in news else armed.baseline,
        )
    return AlertDecision(
        state=replace(told, price=seen.price, before=state.before if seen.price == state.price else state.price),
        rules=() if cooling else news,
        wake=(cooling and bool(news)) or (rules.remind and below),
    )


def _armed(rules: WatchRules, state: WatchState, seen: PriceHistory) -> WatchState:
    """The state after what was told is forgotten, because the price has risen past it."""
    episode, told, median_told, baseline = state.episode, state.told, state.median_told, state.baseline
    if told is not None and _is_over(seen.price, rules.target_price, rules.rearm_percent):
        episode, told = episode + 1, None
    bar = median_bar(rules, seen)
    if median_told and bar is not None and _is_over(seen.price, bar, rules.rearm_percent):
        episode, median_told = episode + 1, False
    if baseline is None and rules.lowest_ever and seen.days >= MIN_DAYS:
        baseline = seen.lowest_before
    return replace(state, episode=episode, told=told, median_told=median_told, baseline=baseline)


def _news(rules: WatchRules, state: WatchState, seen: PriceHistory) -> tuple[Rule, ...]:
    """What is worth telling of a price now."""
    news: list[Rule] = []
    if seen.price <= rules.target_price:
        if state.told is None:
            news.append(Rule.TARGET)
        elif seen.price <= state.told - step(state.told, rules.step_percent):
            news.append(Rule.NEW_LOW)
    bar = median_bar(rules, seen)
    if bar is not None and seen.price <= bar and not state.median_told:
        news.append(Rule.BELOW_MEDIAN)
    if rules.lowest_ever and state.baseline is not None and _is_lowest(seen, state.baseline, rules.step_percent):
        news.append(Rule.LOWEST_EVER)
    return tuple(news)


def _again(rules: WatchRules, state: WatchState, seen: PriceHistory, unheard: Collection[Rule]) -> tuple[Rule, ...]:
    """What of this is still true."""
    bar = median_bar(rules, seen)
    true = {
        Rule.TARGET: state.told is not None and seen.price <= rules.target_price,
        Rule.BELOW_MEDIAN: state.median_told and bar is not None and seen.price <= bar,
        Rule.LOWEST_EVER: rules.lowest_ever and state.baseline is not None and seen.price <= state.baseline,
    }
    return tuple(rule for rule, still in true.items() if still and rule in unheard)


def step(price: int, percent: int) -> int:
    """By how many minor units a low must be lower to be another: so many per cent, one at least."""
    return max(1, -(-price * percent // 100))


def median_bar(rules: WatchRules, seen: PriceHistory) -> int | None:
    """The price from which on downwards it is so many per cent below the median; None without rule or median."""
    if rules.below_median_percent is None or seen.median is None or seen.days < MIN_DAYS:
        return None
    return seen.median * (100 - rules.below_median_percent) // 100


def is_outlier(price: int, *, median: int | None, days: int, percent: float) -> bool:
    """Whether a price is so far below the usual one that a second look must confirm it."""
    return median is not None and days >= MIN_DAYS and price < median * (100 - percent) / 100


def agrees(price: int, other: int, *, percent: float) -> bool:
    """Whether two prices are the same but for so many per cent of the second."""
    return abs(price - other) * 100 <= other * percent


def _is_over(price: int, bar: int, percent: float) -> bool:
    return price > bar and price > bar * (100 + percent) / 100


def _is_lowest(seen: PriceHistory, baseline: int, percent: int) -> bool:
    return seen.price <= baseline - step(baseline, percent) and (seen.lowest is None or seen.price <= seen.lowest)
