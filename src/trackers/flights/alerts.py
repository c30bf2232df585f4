"""Decide which alerts a price triggers. Pure: rules, state of the watch and history of the price -> decision.

A watch alerts once when the price is at or below its target for the first time (it fell there, or was there already).
Then it alerts only for lows that are a step lower, or with reminders if it has them on, until the price has risen above
the target again by a margin. There are no alerts during the cooldown of the last alert; an alert that the cooldown
holds back is sent when it ends, if its rule still applies.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

MIN_DAYS: Final = 5
"""With fewer days of history no price counts as unusual, or as the lowest ever."""


class Rule(StrEnum):
    """The reason for an alert."""

    TARGET = "target"
    NEW_LOW = "new_low"
    REMINDER = "reminder"
    BELOW_MEDIAN = "below_median"
    LOWEST_EVER = "lowest_ever"


class WatchRules(Struct, frozen=True, kw_only=True):
    """Alert rules of a watch. Prices in minor units of its currency."""

    target_price: int
    step_percent: int
    """Per cent by which a new low must be below the last alerted price."""
    rearm_percent: float
    remind: bool = False
    below_median_percent: int | None = None
    lowest_ever: bool = False


class WatchState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices that a watch has seen, and the alerts that it has sent."""

    episode: int = 0
    price: int | None = None
    """The last price seen."""
    before: int | None = None
    """The last price that differed from `price`."""
    told: int | None = None
    """The lowest alerted price since the price came down to the target; None while the watch is armed."""
    median_told: bool = False
    baseline: int | None = None
    """The lowest price ever, from the first evaluation with enough history or from the last alert."""


class PriceHistory(Struct, frozen=True, kw_only=True):
    """A trusted price with its history."""

    price: int
    lowest: int | None = None
    """Lowest price ever, including this one."""
    lowest_before: int | None = None
    """Lowest price of earlier days."""
    median: int | None = None
    """Median of the watch's last days, without today."""
    days: int = 0
    """Days of history."""


class AlertDecision(Struct, frozen=True, kw_only=True):
    """The result of an evaluation."""

    state: WatchState
    rules: tuple[Rule, ...] = ()
    """Rules that alert now; empty if there is no alert."""
    wake: bool = False
    """True if there will be an alert when the cooldown ends, provided that nothing changes."""


def evaluate(
    rules: WatchRules, state: WatchState, seen: PriceHistory, *, cooling: bool, unheard: Collection[Rule] = ()
) -> AlertDecision:
    """Decide which alerts a price triggers, and return the new state of the watch.

    `cooling`: the cooldown of the last alert still runs. `unheard`: rules whose last alert reached nobody; they alert
    again if they still apply.
    """
    armed = _armed(rules, state, seen)
    below = seen.price <= rules.target_price
    due = _due_rules(rules, armed, seen)
    if not due and not cooling:
        due = _repeated_rules(rules, armed, seen, unheard) or ((Rule.REMINDER,) if rules.remind and below else ())
        armed = replace(armed, episode=armed.episode + 1) if due else armed
    alerted = armed
    if due and not cooling:
        alerted = replace(
            armed,
            told=min(seen.price, armed.told or seen.price) if below else armed.told,
            median_told=armed.median_told or Rule.BELOW_MEDIAN in due,
            baseline=seen.price if Rule.LOWEST_EVER in due else armed.baseline,
        )
    return AlertDecision(
        state=replace(alerted, price=seen.price, before=state.before if seen.price == state.price else state.price),
        rules=() if cooling else due,
        wake=(cooling and bool(due)) or (rules.remind and below),
    )


def _armed(rules: WatchRules, state: WatchState, seen: PriceHistory) -> WatchState:
    """Return the state, with alerts armed again where the price has risen far enough, and with a baseline."""
    episode, alerted_price, baseline = state.episode, state.told, state.baseline
    median_alerted = state.median_told
    if alerted_price is not None and _is_over(seen.price, rules.target_price, rules.rearm_percent):
        episode, alerted_price = episode + 1, None
    bar = median_bar(rules, seen)
    if median_alerted and bar is not None and _is_over(seen.price, bar, rules.rearm_percent):
        episode, median_alerted = episode + 1, False
    if baseline is None and rules.lowest_ever and seen.days >= MIN_DAYS:
        baseline = seen.lowest_before
    return replace(state, episode=episode, told=alerted_price, median_told=median_alerted, baseline=baseline)


def _due_rules(rules: WatchRules, state: WatchState, seen: PriceHistory) -> tuple[Rule, ...]:
    """Return the rules that apply to a price and have not alerted yet."""
    due: list[Rule] = []
    if seen.price <= rules.target_price:
        if state.told is None:
            due.append(Rule.TARGET)
        elif seen.price <= state.told - step(state.told, rules.step_percent):
            due.append(Rule.NEW_LOW)
    bar = median_bar(rules, seen)
    if bar is not None and seen.price <= bar and not state.median_told:
        due.append(Rule.BELOW_MEDIAN)
    if rules.lowest_ever and state.baseline is not None and _is_lowest(seen, state.baseline, rules.step_percent):
        due.append(Rule.LOWEST_EVER)
    return tuple(due)


def _repeated_rules(
    rules: WatchRules, state: WatchState, seen: PriceHistory, unheard: Collection[Rule]
) -> tuple[Rule, ...]:
    """Return the rules of `unheard` that still apply."""
    bar = median_bar(rules, seen)
    applies = {
        Rule.TARGET: state.told is not None and seen.price <= rules.target_price,
        Rule.BELOW_MEDIAN: state.median_told and bar is not None and seen.price <= bar,
        Rule.LOWEST_EVER: rules.lowest_ever and state.baseline is not None and seen.price <= state.baseline,
    }
    return tuple(rule for rule, still in applies.items() if still and rule in unheard)


def step(price: int, percent: int) -> int:
    """Return how many minor units lower a new low must be: `percent` of the price, rounded up, at least 1."""
    return max(1, -(-price * percent // 100))


def median_bar(rules: WatchRules, seen: PriceHistory) -> int | None:
    """Return the highest price that triggers BELOW_MEDIAN; None without the rule, or without enough history."""
    if rules.below_median_percent is None or seen.median is None or seen.days < MIN_DAYS:
        return None
    return seen.median * (100 - rules.below_median_percent) // 100


def is_outlier(price: int, *, median: int | None, days: int, percent: float) -> bool:
    """True if a price is so far below the usual one that a second fetch must confirm it."""
    return median is not None and days >= MIN_DAYS and price < median * (100 - percent) / 100


def agrees(price: int, other: int, *, percent: float) -> bool:
    """True if two prices differ by at most `percent` per cent of the second one."""
    return abs(price - other) * 100 <= other * percent


def _is_over(price: int, bar: int, percent: float) -> bool:
    return price > bar and price > bar * (100 + percent) / 100


def _is_lowest(seen: PriceHistory, baseline: int, percent: int) -> bool:
    return seen.price <= baseline - step(baseline, percent) and (seen.lowest is None or seen.price <= seen.lowest)
