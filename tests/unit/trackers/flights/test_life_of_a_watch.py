"""Random lives of a watch against a slow model: it remembers nothing, and scans all that ever happened each time.

The tests run the real recorder and evaluator over tables in memory. Prices change, are odd, are missing or come in
another currency; time passes; workers evaluate twice; people change, deactivate and activate their watches.
"""

from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Any, Final, NamedTuple
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace
from tests.unit.trackers.flights.memory import (
    WATCH,
    FakeAlerts,
    FakeClock,
    FakeOutbox,
    FakePrices,
    Tables,
    armed,
    searched,
)

from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.target import Target
from trackers.flights.alert_repository import Watched
from trackers.flights.alerts import Rule, WatchState
from trackers.flights.errors import OtherCurrency
from trackers.flights.evaluation import WatchEvaluator
from trackers.flights.providers import providers
from trackers.flights.recorder import PriceRecorder
from trackers.flights.search import DailyPrice, Insights, PriceResult, SearchResult

MARGIN: Final = 1.0
ODD: Final = 60.0
AGREE: Final = 10.0
FRESH: Final = timedelta(days=1)
KNOWN_DAYS: Final = 5
A_WHILE: Final = 5
"""Prices that a watch meets before somebody changes their mind: else it never lives to see anything."""
SWINGS: Final = st.integers(-8, 8) | st.integers(-80, 60)
NOTHING: Final = Insights()
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
CURRENCIES: Final = {"USD": UUID(int=1), "EUR": UUID(int=2)}
LOWS: Final = {Rule.TARGET, Rule.NEW_LOW, Rule.REMINDER}


class Look(NamedTuple):
    """The site answered."""

    at: datetime
    currency: str
    price: int | None


class Judged(NamedTuple):
    """Somebody's watch met a price, and this was told."""

    at: datetime
    price: int
    bar: int | None
    lowest_before: int | None
    days: int
    told: tuple[Rule, ...]


class Anew(NamedTuple):
    """Somebody asked for something else, or came back."""

    at: datetime


class Past(NamedTuple):
    """What is known of a search at a time."""

    price: int | None
    seen_at: datetime | None
    days: dict[date, int]


class LifeOfAWatch(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.outbox = FakeOutbox()
        self.looks: list[Look] = []
        self.history: list[Judged | Anew] = []

    @initialize(
        aim=st.integers(20, 120),
        step_percent=st.integers(0, 20),
        cooldown=st.integers(1, 72),
        remind=st.booleans(),
        below=st.none() | st.integers(1, 60),
        median_days=st.integers(7, 30),
        lowest_ever=st.booleans(),
        past=st.lists(st.integers(60, 160), max_size=12) | st.lists(st.integers(60, 160), min_size=5, max_size=12),
    )
    def begins(
        self,
        aim: int,
        step_percent: int,
        cooldown: int,
        *,
        remind: bool,
        below: int | None,
        median_days: int,
        lowest_ever: bool,
        past: list[int],
    ) -> None:
        today = self.clock.at.date()
        self.past = {today - timedelta(days=back): price for back, price in enumerate(past, 1)}
        self.tables = Tables(
            watch=Watched(
                id=WATCH, user_id=UUID(int=2), trip_id=UUID(int=3), trip_name=None, target_price=aim, currency="USD",
                cabin_class="economy", step_percent=step_percent, remind=remind, below_median_percent=below,
                lowest_ever=lowest_ever, alert_cooldown_hours=cooldown, state=WatchState(), evaluate_at=self.clock.at,
                best=None, told_at=None,
            ),
            queries={currency: searched(query.int, currency) for currency, query in CURRENCIES.items()},
            median_days=median_days,
        )  # fmt: skip
        registry = providers(google_enabled=True, google_off_because="")
        self.evaluate = WatchEvaluator(
            alerts=FakeAlerts(self.tables),  # type: ignore[arg-type]  # what it uses of one
            outbox=self.outbox,  # type: ignore[arg-type]  # likewise
            providers=registry,
            clock=self.clock,
            rearm_percent=MARGIN,
        )
        self.recorder = PriceRecorder(
            prices=FakePrices(self.tables),  # type: ignore[arg-type]  # likewise
            evaluate=self.evaluate,
            providers=registry,
            clock=self.clock,
            offers_kept=5,
            outlier_percent=ODD,
            agree_percent=AGREE,
            tell_after=3,
        )

    # ---- what happens ----

    @rule(
        swings=st.lists(st.tuples(SWINGS, st.integers(0, 20)), min_size=1, max_size=12),
        around=st.sampled_from(["target", "usual", "lowest", "last"]),
    )
    def prices_swing(self, swings: list[tuple[int, int]], around: str) -> None:
        """By so many per cent of what matters, so many hours after each other."""
        for percent, hours in swings:
            currency = self.tables.watch.currency
            past = self._past(currency)
            known = sorted(past.days.values()) or [100]
            base = {
                "target": self.tables.watch.target_price, "usual": median_low(known), "lowest": known[0],
                "last": past.price or known[0],
            }[around]  # fmt: skip
            self._answered(max(1, base * (100 + percent) // 100), hours, currency)

    @rule(price=st.none() | st.integers(1, 200), hours=st.integers(0, 30), currency=st.sampled_from(list(CURRENCIES)))
    def a_look_brings_an_answer(self, price: int | None, hours: int, currency: str) -> None:
        """Of the watch's search, or of one that only others watch."""
        self._answered(price, hours, currency)

    @precondition(lambda self: self.looks)
    @rule()
    def the_look_is_judged_twice(self) -> None:
        last = self.looks[-1]
        self._run(self.evaluate.evaluate_queries([CURRENCIES[last.currency]]), looked=last)

    @rule(hours=st.integers(0, 10))
    def the_site_answers_in_another_currency(self, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        before = (self.tables.watch, dict(self.tables.queries), len(self.tables.alerts))
        failure = FailedFetch(target=_target(CURRENCIES["USD"]), failure=OtherCurrency("CHF"), at=self.clock.at)
        _finished(self.recorder.record_failures([failure]))
        assert (self.tables.watch, self.tables.queries, len(self.tables.alerts)) == before

    @rule(hours=st.integers(1, 60))
    def time_passes_and_the_job_runs(self, hours: int) -> None:
        self._pass(hours)

    @precondition(lambda self: len(self._since_anew()) >= A_WHILE)
    @rule(
        aim=st.none() | st.integers(20, 200),
        below=st.sampled_from([None, 0, 10, 40]),
        lowest_ever=st.none() | st.booleans(),
        currency=st.none() | st.sampled_from(list(CURRENCIES)),
        median_days=st.none() | st.integers(7, 30),
    )
    def somebody_asks_for_something_else(
        self, aim: int | None, below: int | None, *, lowest_ever: bool | None, currency: str | None,
        median_days: int | None,
    ) -> None:  # fmt: skip
        self.clock.at += timedelta(minutes=1)
        watch = self.tables.watch
        self.tables.median_days = median_days or self.tables.median_days
        self.tables.watch = replace(
            watch, target_price=aim or watch.target_price, currency=currency or watch.currency,
            below_median_percent=watch.below_median_percent if below is None else below or None,
            lowest_ever=watch.lowest_ever if lowest_ever is None else lowest_ever,
        )  # fmt: skip
        self._begin_anew()

    @rule(step_percent=st.integers(0, 20), cooldown=st.integers(1, 72), remind=st.booleans())
    def somebody_changes_how_often_they_hear(self, step_percent: int, cooldown: int, *, remind: bool) -> None:
        """Which is not asking for something else."""
        self.tables.watch = replace(
            self.tables.watch, step_percent=step_percent, alert_cooldown_hours=cooldown, remind=remind,
            evaluate_at=self.clock.at,
        )  # fmt: skip
        self._judge_waiting()

    @precondition(lambda self: len(self._since_anew()) >= A_WHILE)
    @rule(prices=st.lists(st.integers(1, 200), max_size=3))
    def somebody_rests_and_comes_back(self, prices: list[int]) -> None:
        """Others look at it meanwhile."""
        self.tables.is_active = False
        self.tables.watch = replace(self.tables.watch, evaluate_at=self.clock.at)
        for price in prices:
            self._answered(price, 6, self.tables.watch.currency)
        self.clock.at += timedelta(minutes=1)
        self.tables.is_active = True
        self._begin_anew()

    # ---- what must hold, whatever the model says ----

    @invariant()
    def every_alert_is_told_in_one_event(self) -> None:
        told = [one for one in self.history if isinstance(one, Judged) and one.told]
        assert len(self.outbox.published) == len(told)
        assert sum(len(one.told) for one in told) == len(self.tables.alerts if self.history else [])

    @invariant()
    def nothing_is_told_twice_for_one_reason(self) -> None:
        """Between two alerts of a price at the target the price was above it, or somebody asked anew."""
        armed_again = True
        for one in self._since_anew():
            if one.price > self.tables.watch.target_price:
                armed_again = True
            elif Rule.TARGET in one.told:
                assert armed_again
                armed_again = False

    @invariant()
    def no_crossing_is_met_by_silence(self) -> None:
        """A price at or below the target was told, or waits for the end of a cooldown that runs."""
        last = self.history[-1] if self.history else None
        if not isinstance(last, Judged) or not self.tables.is_active or last.price > self.tables.watch.target_price:
            return
        if not any(LOWS & {*one.told} for one in self._since_anew()):
            assert self.tables.watch.evaluate_at is not None
            assert last.at < self.tables.watch.evaluate_at <= last.at + self._cooldown()

    # ---- running the code beside the model ----

    def _pass(self, hours: int) -> None:
        """The job runs every hour, as the real one does every ten seconds."""
        for _ in range(hours):
            self.clock.at += timedelta(hours=1)
            self._judge_waiting()

    def _answered(self, price: int | None, hours: int, currency: str) -> None:
        self._pass(hours)
        look = Look(self.clock.at, currency, price)
        first = not any(one.currency == currency for one in self.looks)
        self.looks.append(look)
        history = tuple(DailyPrice(day=day, price=one) for day, one in self.past.items()) if first else ()
        self._run(self.recorder.record([self._observed(look, Insights(history=history))]), looked=look)

    def _observed(self, look: Look, insights: Insights = NOTHING) -> Observation[SearchResult]:
        offer = PriceResult(
            price=look.price, currency=look.currency, airline="QZ", airline_name="Quartz Air", stops=0,
            duration_minutes=60,
        )  # fmt: skip
        offers = (offer,) if look.price is not None else ()
        return Observation(
            target=_target(CURRENCIES[look.currency]),
            value=SearchResult(offers=offers, count=len(offers), insights=insights),
            at=self.clock.at,
        )

    def _begin_anew(self) -> None:
        self.tables.armed_at = self.clock.at
        self.tables.watch = armed(self.tables.watch, self.clock.at)
        self.history.append(Anew(self.clock.at))
        self._judge_waiting()

    def _judge_waiting(self) -> None:
        self._run(self.evaluate.evaluate_waiting())

    def _run(self, running: Coroutine[Any, Any, Any], *, looked: Look | None = None) -> None:
        """Let the code evaluate, and the model: both must say the same."""
        watch = self.tables.watch
        due = watch.evaluate_at is not None and watch.evaluate_at <= self.clock.at
        by_price = looked is not None and looked.currency == watch.currency
        expected = self._expected()
        before = len(self.tables.alerts)
        _finished(running)
        new = tuple(Rule(one.rule) for one in self.tables.alerts[before:])
        if expected is None or not self.tables.is_active:
            assert new == ()
        elif by_price or (due and looked is None):
            assert new == expected.told
            self.history.append(expected)
        else:
            assert new == ()
            assert not LOWS & {*expected.told} or looked is not None, "something is to be told, and nobody looks"

    # ---- the model ----

    def _expected(self) -> Judged | None:
        """What is to come of judging now; None where there is no price to evaluate."""
        watch, now = self.tables.watch, self.clock.at
        past = self._past(watch.currency)
        if past.price is None or past.seen_at is None or past.seen_at <= now - FRESH:
            return None
        days = past.days
        earlier = {day: price for day, price in days.items() if day < now.date()}
        window = now.date() - timedelta(days=self.tables.median_days)
        usual = [price for day, price in earlier.items() if day >= window]
        bar = None
        if watch.below_median_percent is not None and usual and len(days) >= KNOWN_DAYS:
            bar = median_low(usual) * (100 - watch.below_median_percent) // 100
        met = Judged(now, past.price, bar, min(earlier.values(), default=None), len(days), ())
        return met._replace(told=() if self._is_cooling() else tuple(self._news(met, min(days.values()))))

    def _news(self, met: Judged, lowest: int) -> Iterator[Rule]:
        """What somebody would want to hear of the price."""
        watch, told_any = self.tables.watch, False
        for why, is_news in (
            (self._low(met), True),
            (Rule.BELOW_MEDIAN, self._is_below_median(met)),
            (Rule.LOWEST_EVER, watch.lowest_ever and met.price <= lowest and self._is_lowest(met)),
        ):
            if why is not None and is_news:
                told_any = True
                yield why
        if not told_any and watch.remind and met.price <= watch.target_price:
            yield Rule.REMINDER

    def _low(self, met: Judged) -> Rule | None:
        target = self.tables.watch.target_price
        if met.price > target:
            return None
        lows: list[int] = []
        for one in self._since_anew():
            if _is_over(one.price, target):
                lows = []
            elif one.told and one.price <= target:
                lows.append(one.price)
        if not lows:
            return Rule.TARGET
        return Rule.NEW_LOW if self._is_lower(met.price, min(lows)) else None

    def _is_below_median(self, met: Judged) -> bool:
        told = False
        for one in (*self._since_anew(), met):
            told = told and not (one.bar is not None and _is_over(one.price, one.bar))
            told = told or Rule.BELOW_MEDIAN in one.told
        return met.bar is not None and met.price <= met.bar and not told

    def _is_lowest(self, met: Judged) -> bool:
        """Lower than what was told as the lowest, or else than what was known when there was enough to know."""
        known = [one for one in (*self._since_anew(), met) if one.days >= KNOWN_DAYS and one.lowest_before is not None]
        told = [one.price for one in self._since_anew() if Rule.LOWEST_EVER in one.told]
        if not known or known[0].lowest_before is None:
            return False
        return self._is_lower(met.price, told[-1] if told else known[0].lowest_before)

    def _is_lower(self, price: int, than: int) -> bool:
        percent = self.tables.watch.step_percent
        return price < than and (than - price) * 100 >= than * percent

    def _is_cooling(self) -> bool:
        return any(one.told and self.clock.at < one.at + self._cooldown() for one in self._since_anew())

    def _cooldown(self) -> timedelta:
        return timedelta(hours=self.tables.watch.alert_cooldown_hours)

    def _since_anew(self) -> Sequence[Judged]:
        start = max((place for place, one in enumerate(self.history) if isinstance(one, Anew)), default=-1)
        return [one for one in self.history[start + 1 :] if isinstance(one, Judged)]

    def _past(self, currency: str) -> Past:
        """The last price that can be trusted, and the days' lows; looks in other currencies are of another search."""
        trusted: int | None = None
        doubted: int | None = None
        seen_at: datetime | None = None
        days: dict[date, int] = {}
        for look in (one for one in self.looks if one.currency == currency):
            days = days or dict(self.past)
            usual = [price for day, price in days.items() if day >= look.at.date() - timedelta(days=90)]
            is_odd = (
                look.price is not None and len(days) >= KNOWN_DAYS
                and look.price * 100 < median_low(usual) * (100 - ODD)
            )  # fmt: skip
            is_known = any(look.price is not None and one is not None and _agree(look.price, one) for one in
                           (trusted, doubted))  # fmt: skip
            is_higher = look.price is not None and trusted is not None and look.price >= trusted
            seen_at = look.at
            if is_odd and not is_known and not is_higher:
                doubted = look.price
                continue
            trusted, doubted = look.price, None
            if look.price is not None:
                days[look.at.date()] = min(look.price, days.get(look.at.date(), look.price))
        return Past(trusted, seen_at, days)


def _agree(price: int, other: int) -> bool:
    return abs(price - other) * 100 <= other * AGREE


def _is_over(price: int, bar: int) -> bool:
    return price > bar and price * 100 > bar * (100 + MARGIN)


def _target(number: UUID) -> Target:
    return Target(
        id=number, run_id=number, lease_until=FOREVER, key="k", address="k", interval=timedelta(hours=6),
        failures=0, last_reason=None, attempts=0, etag=None, last_modified=None, content_hash=None, parser_version=0,
    )  # fmt: skip


def _finished(coroutine: Coroutine[Any, Any, Any]) -> None:
    """To its end; it waits for nothing but fakes, which never wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("a fake waited")


LifeOfAWatch.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLifeOfAWatch = LifeOfAWatch.TestCase
