"""Evaluate watches against the known prices of their searches; store the alerts and publish their events."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.database import connection_was_lost, is_passing
from shared.events import NewEvent
from shared.ids import new_id
from shared.outbox.outbox import Outbox
from trackers.flights.alert_repository import AlertRepository, AlertRow, BestPrice, EvaluatedWatch, Watched
from trackers.flights.alerts import PriceHistory, Rule, WatchRules, evaluate
from trackers.flights.events import WATCH_ALERTED
from trackers.flights.messages import AlertUpdate
from trackers.flights.providers import ProviderRegistry
from trackers.flights.search import ScrapeQuery

BATCH_SIZE: Final = 500
"""Maximum watches per run that are evaluated without a new price."""
PUT_OFF: Final = timedelta(hours=1)
"""Delay before a watch whose evaluation failed is evaluated again without a new price."""


class WatchEvaluator:
    """Evaluates watches in the open session. Publishes last, because events of one aggregate wait for each other."""

    def __init__(
        self,
        *,
        alerts: AlertRepository,
        outbox: Outbox,
        providers: ProviderRegistry,
        clock: Clock,
        rearm_percent: float,
    ) -> None:
        self._alerts = alerts
        self._outbox = outbox
        self._providers = providers
        self._clock = clock
        self._rearm_percent = rearm_percent

    async def evaluate_queries(self, queries: Sequence[UUID], *events: NewEvent) -> None:
        """Evaluate the watches of searches that have just got an answer; publish `events` as well."""
        now = self._clock.now()
        await self._evaluate(await self._alerts.watching(queries) if queries else [], now, events)

    async def evaluate_waiting(self) -> int:
        """Evaluate watches whose cooldown is over or that were changed; return their number."""
        now = self._clock.now()
        watches = await self._alerts.waiting(now=now, limit=BATCH_SIZE)
        await self._evaluate(watches, now, ())
        return len(watches)

    async def _evaluate(self, watches: Sequence[UUID], now: datetime, events: Sequence[NewEvent]) -> None:
        new = await self._each(watches, now)
        await self._outbox.publish(*sorted((*events, *new), key=lambda event: event.aggregate))

    async def _each(self, watches: Sequence[UUID], now: datetime) -> list[NewEvent]:
        """Evaluate watches together; if that fails, in halves, down to the watch that fails, which is put off."""
        if not watches:
            return []
        try:
            async with self._alerts.apart():
                return await self._together(watches, now)
        except Exception as error:
            if connection_was_lost(error) or is_passing(error):
                raise
            if len(watches) == 1:
                structlog.get_logger(__name__).exception("watch_not_judged", watch_id=str(watches[0]))
                await self._alerts.put_off(watches[0], until=now + PUT_OFF)
                return []
        middle = len(watches) // 2
        return [*await self._each(watches[:middle], now), *await self._each(watches[middle:], now)]

    async def _together(self, watches: Sequence[UUID], now: datetime) -> list[NewEvent]:
        """Evaluate watches and store their alerts; return the events, which are not published yet."""
        evaluated: list[EvaluatedWatch] = []
        alerts: list[AlertRow] = []
        events: dict[UUID, NewEvent] = {}
        for watch in await self._alerts.watched(watches, now=now):
            if watch.best is None:
                if watch.evaluate_at is not None:
                    evaluated.append(EvaluatedWatch(id=watch.id, state=watch.state, evaluate_at=None))
                continue
            decided, rules = self._decide(watch, watch.best, now)
            if (decided.state, decided.evaluate_at) != (watch.state, watch.evaluate_at):
                evaluated.append(decided)
            if rules:
                key = f"price-alert:{new_id()}"
                watch_alerts = [_alert(watch, watch.best, rule, decided, key, now) for rule in rules]
                alerts += watch_alerts
                event = self._event(watch, watch.best, rules, decided.state.before, key)
                events |= dict.fromkeys((alert.id for alert in watch_alerts), event)
        stored = await self._alerts.evaluated(evaluated, alerts, now=now) if evaluated or alerts else set()
        new = {event.key: event for alert_id, event in events.items() if alert_id in stored}
        if stored:
            structlog.get_logger(__name__).info("price_alerts", watches=len(new), alerts=len(stored))
        return list(new.values())

    def _decide(self, watch: Watched, best: BestPrice, now: datetime) -> tuple[EvaluatedWatch, tuple[Rule, ...]]:
        cooldown = timedelta(hours=watch.alert_cooldown_hours)
        ends = None if watch.told_at is None else watch.told_at + cooldown
        cooling = ends is not None and now < ends
        decision = evaluate(
            WatchRules(
                target_price=watch.target_price,
                step_percent=watch.step_percent,
                rearm_percent=self._rearm_percent,
                remind=watch.remind,
                below_median_percent=watch.below_median_percent,
                lowest_ever=watch.lowest_ever,
            ),
            watch.state,
            PriceHistory(
                price=best.price,
                lowest=best.lowest,
                lowest_before=best.lowest_before,
                median=best.median,
                days=best.days,
            ),
            cooling=cooling,
            unheard=watch.unheard,
        )
        wake_at = ends if cooling else now + cooldown
        return (
            EvaluatedWatch(id=watch.id, state=decision.state, evaluate_at=wake_at if decision.wake else None),
            decision.rules,
        )

    def _event(self, watch: Watched, best: BestPrice, rules: Sequence[Rule], before: int | None, key: str) -> NewEvent:
        update = AlertUpdate(
            key=key,
            watch_id=watch.id,
            trip_id=watch.trip_id,
            trip_name=watch.trip_name,
            origin=best.origin,
            destination=best.destination,
            departs_on=best.departs_on,
            returns_on=best.returns_on,
            rules=rules,
            price=best.price,
            currency=watch.currency,
            target_price=watch.target_price,
            previous_price=before,
            lowest_price=best.lowest,
            median_price=best.median,
            typical_low=best.typical_low,
            typical_high=best.typical_high,
            airline_name=best.airline_name,
            stops=best.stops,
            cabin_class=watch.cabin_class,
            seen_at=best.seen_at,
            url=self._providers.link(ScrapeQuery.read(best.key)),
        )
        return NewEvent(
            event=WATCH_ALERTED, aggregate=f"price_watch:{watch.id}", payload=update, user_id=watch.user_id, key=key
        )


def _alert(watch: Watched, best: BestPrice, rule: Rule, decided: EvaluatedWatch, key: str, now: datetime) -> AlertRow:
    return AlertRow(
        id=new_id(),
        watch_id=watch.id,
        rule=rule,
        snapshot_id=best.snapshot_id,
        episode=decided.state.episode,
        price=best.price,
        currency=watch.currency,
        target_price=watch.target_price,
        previous_price=decided.state.before,
        lowest_price=best.lowest,
        median_price=best.median,
        typical_low=best.typical_low,
        typical_high=best.typical_high,
        departs_on=best.departs_on,
        returns_on=best.returns_on,
        event_key=key,
        created_at=now,
    )
