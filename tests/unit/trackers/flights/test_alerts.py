"""When a price is news: examples, and random lives of a watch against a slow model that scans all of its history."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from shared.outbox.events import NewEvent
from trackers.flights.alert_repository import AlertRow, BestPrice, JudgedWatch, Watched
from trackers.flights.alerts import Rule, Seen, WatchRules, WatchState, agrees, is_outlier, judge, step
from trackers.flights.judging import WatchJudge
from trackers.flights.providers import providers

RULES = WatchRules(target_price=30_000, step_percent=1, rearm_percent=1.0)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARGIN = 1.0


def told(prices: Sequence[int], rules: WatchRules = RULES, **seen: Any) -> list[tuple[Rule, int]]:
    """What a watch tells of prices that come one after the other, without a cooldown."""
    state, found = WatchState(), []
    for price in prices:
        judgement = judge(rules, state, Seen(price=price, **seen), cooling=False)
        found += [(rule, price) for rule in judgement.rules]
        state = judgement.state
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
    known, other = Seen(price=40_000, median=50_000, days=30), Seen(price=39_000)
    state = judge(rules, WatchState(), known, cooling=False).state
    state = judge(rules, state, other, cooling=False).state
    assert judge(rules, state, known, cooling=False).rules == ()


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
    state = judge(RULES, WatchState(), Seen(price=29_000), cooling=False).state
    held = judge(RULES, state, Seen(price=25_000), cooling=True)
    assert (held.rules, held.wake) == ((), True)
    assert judge(RULES, held.state, Seen(price=25_000), cooling=False).rules == (Rule.NEW_LOW,)
    gone = judge(RULES, held.state, Seen(price=29_000), cooling=True)
    assert (gone.rules, gone.wake) == ((), False)


def test_the_price_before_is_the_last_that_was_another() -> None:
    state = WatchState()
    for price, before in ((35_000, None), (35_000, None), (33_000, 35_000), (33_000, 35_000), (29_000, 33_000)):
        state = judge(RULES, state, Seen(price=price), cooling=False).state
        assert state.before == before


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


# ---- random lives against a slow model ----


@dataclass
class FakeClock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at


@dataclass
class FakePrices:
    """One watch, as the table keeps it."""

    watch: Watched
    alerts: list[AlertRow] = field(default_factory=list)
    keys: set[tuple[Any, ...]] = field(default_factory=set)

    async def watched(self, queries: Sequence[UUID], *, now: datetime) -> list[Watched]:
        return [self.watch]

    async def watched_later(self, *, now: datetime, limit: int) -> list[Watched]:
        return [self.watch] if self.watch.judge_at is not None and self.watch.judge_at <= now else []

    async def judged(self, watches: Sequence[JudgedWatch], alerts: Sequence[AlertRow], *, now: datetime) -> set[UUID]:
        for one in watches:
            self.watch = replace(self.watch, state=one.state, judge_at=one.judge_at)
        new = [one for one in alerts if (one.rule, one.snapshot_id, one.episode) not in self.keys]
        self.keys |= {(one.rule, one.snapshot_id, one.episode) for one in new}
        self.alerts += new
        if new:
            self.watch = replace(self.watch, told_at=now)
        return {one.id for one in new}


@dataclass
class FakeOutbox:
    published: list[NewEvent] = field(default_factory=list)

    async def publish(self, *events: NewEvent) -> None:
        self.published += events


@dataclass(frozen=True)
class Moment:
    """Something that happened: a price was seen, somebody changed the target, something was told."""

    kind: str
    at: datetime
    price: int = 0
    rule: Rule | None = None


class LifeOfAWatch(RuleBasedStateMachine):
    """Prices move, time passes, workers judge twice, people change their minds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.outbox = FakeOutbox()
        self.history: list[Moment] = []
        self.snapshots = 0

    @initialize(
        aim=st.integers(50, 150),
        step_percent=st.integers(0, 20),
        cooldown=st.integers(1, 72),
        remind=st.booleans(),
    )
    def begins(self, aim: int, step_percent: int, cooldown: int, *, remind: bool) -> None:
        self.prices = FakePrices(
            Watched(
                id=UUID(int=1), user_id=UUID(int=2), trip_id=UUID(int=3), trip_name=None, target_price=aim,
                currency="USD", cabin_class="economy", step_percent=step_percent, remind=remind,
                below_median_percent=None, lowest_ever=False, alert_cooldown_hours=cooldown, state=WatchState(),
                judge_at=None, best=None, told_at=None,
            )
        )  # fmt: skip
        self.judge = WatchJudge(
            alerts=self.prices,  # type: ignore[arg-type]  # a fake of what it uses
            outbox=self.outbox,  # type: ignore[arg-type]  # likewise
            providers=providers(google_enabled=True, google_off_because=""),
            clock=self.clock,
            rearm_percent=MARGIN,
        )

    # ---- what happens ----

    @rule(price=st.integers(20, 200), hours=st.integers(0, 30))
    def a_look_brings_a_price(self, price: int, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        self._show(price)
        self._judged(self.judge.judge_queries([UUID(int=9)]))

    @precondition(lambda self: self.prices.watch.best is not None)
    @rule()
    def the_look_is_recorded_twice(self) -> None:
        self._judged(self.judge.judge_queries([UUID(int=9)]))

    @rule(hours=st.integers(1, 100))
    def time_passes_and_the_job_runs(self, hours: int) -> None:
        """Every hour, as the real one runs every ten seconds."""
        for _ in range(hours):
            self.clock.at += timedelta(hours=1)
            self._judged(self.judge.judge_waiting())

    @precondition(lambda self: self.prices.watch.best is not None)
    @rule(aim=st.integers(20, 200))
    def somebody_changes_the_target(self, aim: int) -> None:
        watch = self.prices.watch
        self.prices.watch = replace(
            watch, target_price=aim, state=WatchState(episode=watch.state.episode + 1), told_at=None,
            judge_at=self.clock.at,
        )  # fmt: skip
        self.history.append(Moment("changed", self.clock.at))
        self._judged(self.judge.judge_waiting())

    # ---- what must hold ----

    @invariant()
    def every_alert_is_told_in_one_event(self) -> None:
        if self.history:
            alerts = [moment for moment in self.history if moment.kind == "told"]
            assert len(self.outbox.published) == len(alerts) == len(self.prices.alerts)

    @invariant()
    def what_waits_has_a_time(self) -> None:
        if self.history and self._wanted() is not None:
            assert self.prices.watch.judge_at is not None
            assert self.prices.watch.judge_at > self.clock.at

    def _show(self, price: int) -> None:
        best = self.prices.watch.best
        if best is None or best.price != price:  # the same again is seen again, not a new snapshot
            self.snapshots += 1
        self.prices.watch = replace(
            self.prices.watch,
            best=BestPrice(
                query_id=UUID(int=9), snapshot_id=UUID(int=1000 + self.snapshots), price=price,
                key="google_flights:JFK:LAX:2026-06-28:one-way:1.0.0.0:economy:any:USD", origin="JFK",
                destination="LAX", departs_on=date(2026, 6, 28), returns_on=None, typical_low=None, typical_high=None,
                airline_name=None, stops=None, seen_at=self.clock.at, days=0, lowest=None, lowest_before=None,
                median=None,
            ),
        )  # fmt: skip
        self.history.append(Moment("price", self.clock.at, price))

    def _judged(self, judging: Coroutine[Any, Any, Any]) -> None:
        """Let the code judge, and the model: both must say the same."""
        expected = None if self._is_cooling() else self._wanted()
        due = self.prices.watch.judge_at is not None and self.prices.watch.judge_at <= self.clock.at
        by_price = judging.cr_code.co_name == "judge_queries"  # type: ignore[attr-defined]  # coroutines have it
        before = len(self.prices.alerts)
        _run(judging)
        new = [one.rule for one in self.prices.alerts[before:]]
        assert new == ([expected] if expected is not None and (by_price or due) else [])
        assert expected is None or by_price or due, "something was to be told, and nobody would have looked"
        if new and expected is not None:
            self.history.append(Moment("told", self.clock.at, self._price(), expected))

    # ---- the model: everything that ever happened is looked through, nothing is remembered ----

    def _price(self) -> int:
        return [moment.price for moment in self.history if moment.kind == "price"][-1]

    def _is_cooling(self) -> bool:
        for moment in reversed(self.history):
            if moment.kind == "changed":
                return False
            if moment.kind == "told":
                return self.clock.at < moment.at + timedelta(hours=self.prices.watch.alert_cooldown_hours)
        return False

    def _wanted(self) -> Rule | None:
        """What somebody would want to hear of the price, cooldown or not."""
        if not any(moment.kind == "price" for moment in self.history):
            return None
        target, price = self.prices.watch.target_price, self._price()
        if price > target:
            return None
        lows: list[int] = []
        for moment in reversed(self.history):
            if moment.kind == "changed" or (moment.kind == "price" and moment.price > target * (1 + MARGIN / 100)):
                break
            if moment.kind == "told":
                lows.append(moment.price)
        if not lows:
            return Rule.TARGET
        if price <= min(lows) - step(min(lows), self.prices.watch.step_percent):
            return Rule.NEW_LOW
        return Rule.REMINDER if self.prices.watch.remind else None


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """To its end; it waits for nothing but fakes, which never wait."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a fake waited")


LifeOfAWatch.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestLifeOfAWatch = LifeOfAWatch.TestCase
