"""SQL of alerts: read watches with their current price and its history, store their new state and their alerts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSessionTransaction

from shared.database import Repository
from trackers.flights.alerts import Rule, WatchState
from trackers.flights.rows import as_json

LATE: Final = timedelta(days=2)
"""Longest delay until an alert reaches its channel, for example because of quiet hours or retries."""
UNHEARD_FOR: Final = timedelta(days=30)
"""Age up to which an alert that reached no channel is repeated."""

# The cheapest of a watch's searches with its history, the time of the last alert, and the rules of alerts that reached
# nobody. Only for locked watches, in a statement that begins after the lock: a transaction that waited for the lock
# must see the result of the other transaction and the price that it used.
_WATCHED: Final = text("""
SELECT w.id, w.user_id, w.trip_id, t.name AS trip_name, w.target_price, w.currency, w.cabin_class, w.step_percent,
       w.remind, w.below_median_percent, w.lowest_ever, w.alert_cooldown_hours, w.state, w.evaluate_at,
       best.query_id, best.snapshot_id, best.price, best.key, best.origin, best.destination, best.departs_on,
       best.returns_on, best.typical_low, best.typical_high, s.airline_name, s.stops, s.seen_at,
       h.days, h.lowest, h.lowest_before, h.median, told.at AS told_at,
       coalesce(unheard.rules, '{}') AS unheard
FROM price_watches w
JOIN flight_trips t ON t.id = w.trip_id
LEFT JOIN LATERAL (
    SELECT q.id AS query_id, q.snapshot_id, q.price, q.key, q.origin, q.destination, q.departs_on, q.returns_on,
           q.typical_low, q.typical_high
    FROM price_watch_queries x JOIN flight_queries q ON q.id = x.query_id
    WHERE x.watch_id = w.id AND q.price IS NOT NULL AND q.currency = w.currency AND q.ends_at > :now
      AND q.checked_at > CAST(:now AS timestamptz)
                         - make_interval(mins => greatest(2 * w.check_interval_minutes, 1440))
    ORDER BY q.price, q.departs_on LIMIT 1
) best ON true
LEFT JOIN flight_snapshots s ON s.id = best.snapshot_id
LEFT JOIN LATERAL (
    SELECT count(*) AS days, min(d.price) AS lowest,
           min(d.price) FILTER (WHERE d.day < CAST(:today AS date)) AS lowest_before,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.price)
           FILTER (WHERE d.day < CAST(:today AS date)
                   AND d.day >= CAST(:today AS date) - CAST(w.median_days AS integer)) AS median
    FROM flight_days d WHERE d.query_id = best.query_id
) h ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(d.sent_at, a.created_at)) AS at
    FROM price_alerts a
    LEFT JOIN LATERAL (
        SELECT min(n.sent_at) AS sent_at, bool_and(n.state = 'failed') AS lost
        FROM notification_deliveries n WHERE n.event_id = a.event_id
    ) d ON true
    WHERE a.watch_id = w.id AND a.created_at >= w.armed_at AND d.lost IS NOT TRUE
      AND a.created_at > CAST(:now AS timestamptz) - CAST(:late AS interval)
                         - make_interval(hours => w.alert_cooldown_hours)
) told ON true
LEFT JOIN LATERAL (
    SELECT array_agg(last.rule) AS rules
    FROM (
        SELECT DISTINCT ON (1) CASE WHEN a.rule IN ('new_low', 'reminder') THEN 'target' ELSE a.rule END AS rule,
               a.event_id, a.unreachable, a.created_at
        FROM price_alerts a
        WHERE a.watch_id = w.id AND a.created_at >= w.armed_at
          AND a.created_at > CAST(:now AS timestamptz) - CAST(:unheard_for AS interval)
        ORDER BY 1, a.created_at DESC, a.id DESC
    ) last
    WHERE last.created_at <= CAST(:now AS timestamptz) - make_interval(hours => w.alert_cooldown_hours)
      AND (last.unreachable
           OR (SELECT bool_and(n.state = 'failed') FROM notification_deliveries n WHERE n.event_id = last.event_id))
      AND EXISTS (SELECT FROM notification_channels c WHERE c.user_id = w.user_id
                  AND c.verified_at IS NOT NULL AND c.suspended_at IS NULL)
) unheard ON true
WHERE w.id = ANY(CAST(:watches AS uuid[])) ORDER BY w.id
""")
_LOCK_OF: Final = text("""
SELECT w.id FROM price_watches w
WHERE w.is_active AND w.id IN (
    SELECT watch_id FROM price_watch_queries WHERE query_id = ANY(CAST(:queries AS uuid[]))
)
ORDER BY w.id FOR UPDATE OF w
""")
_LOCK_WAITING: Final = text("""
SELECT id FROM price_watches
WHERE is_active AND evaluate_at <= :now ORDER BY evaluate_at LIMIT :limit FOR UPDATE SKIP LOCKED
""")

_EVALUATED: Final = text("""
WITH told AS (
    INSERT INTO price_alerts (id, watch_id, rule, snapshot_id, episode, price, currency, target_price, previous_price,
                              lowest_price, median_price, typical_low, typical_high, departs_on, returns_on, event_key,
                              created_at)
    SELECT * FROM jsonb_to_recordset(CAST(:alerts AS jsonb)) AS x (
        id uuid, watch_id uuid, rule text, snapshot_id uuid, episode integer, price bigint, currency text,
        target_price bigint, previous_price bigint, lowest_price bigint, median_price bigint, typical_low bigint,
        typical_high bigint, departs_on date, returns_on date, event_key text, created_at timestamptz
    )
    ON CONFLICT (watch_id, rule, snapshot_id, episode) DO NOTHING
    RETURNING id, watch_id
), evaluated AS (
    UPDATE price_watches w
    SET state = x.state, evaluate_at = x.evaluate_at,
        last_alerted_at = CASE WHEN w.id IN (SELECT watch_id FROM told) THEN :now ELSE w.last_alerted_at END
    FROM jsonb_to_recordset(CAST(:watches AS jsonb)) AS x (id uuid, state jsonb, evaluate_at timestamptz)
    WHERE w.id = x.id
)
SELECT id FROM told
""")

_PUT_OFF: Final = text("UPDATE price_watches SET evaluate_at = :until WHERE id = :id")
_RELAYED: Final = text("""
UPDATE price_alerts
SET event_id = :event_id,
    unreachable = NOT EXISTS (SELECT FROM notification_channels c WHERE c.user_id = CAST(:user_id AS uuid)
                              AND c.verified_at IS NOT NULL AND c.suspended_at IS NULL)
WHERE event_key = :event_key AND event_id IS NULL
""")


class BestPrice(Struct, frozen=True, kw_only=True):
    """The lowest trusted price of a watch's searches, with its history."""

    query_id: UUID
    snapshot_id: UUID
    price: int
    key: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    typical_low: int | None
    typical_high: int | None
    airline_name: str | None
    stops: int | None
    seen_at: datetime
    days: int
    lowest: int | None
    lowest_before: int | None
    median: int | None


class Watched(Struct, frozen=True, kw_only=True):
    """A watch with the data of its evaluation; without a best price there is nothing to evaluate."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    trip_name: str | None
    target_price: int
    currency: str
    cabin_class: str
    step_percent: int
    remind: bool
    below_median_percent: int | None
    lowest_ever: bool
    alert_cooldown_hours: int
    state: WatchState
    evaluate_at: datetime | None
    best: BestPrice | None
    told_at: datetime | None
    """Time of the last alert; alerts whose deliveries have all failed do not count."""
    unheard: Sequence[Rule] = ()
    """Rules whose last alert reached no channel, while one is open now; new lows and reminders count as `target`."""


class AlertRow(Struct, frozen=True, kw_only=True):
    id: UUID
    watch_id: UUID
    rule: Rule
    snapshot_id: UUID
    episode: int
    price: int
    currency: str
    target_price: int
    previous_price: int | None
    lowest_price: int | None
    median_price: int | None
    typical_low: int | None
    typical_high: int | None
    departs_on: date
    returns_on: date | None
    event_key: str
    created_at: datetime


class EvaluatedWatch(Struct, frozen=True, kw_only=True):
    id: UUID
    state: WatchState
    evaluate_at: datetime | None


class AlertRepository(Repository):
    """Reads watches for their evaluation and stores their state and alerts."""

    def apart(self) -> AsyncSessionTransaction:
        """Open a savepoint: if the code in it fails, only its own changes are undone."""
        return self.session.begin_nested()

    async def watching(self, queries: Sequence[UUID]) -> list[UUID]:
        """Lock the active watches that use these searches; return their ids."""
        return list((await self.session.execute(_LOCK_OF, {"queries": list(queries)})).scalars())

    async def waiting(self, *, now: datetime, limit: int) -> list[UUID]:
        """Lock up to `limit` watches that are due for evaluation without a new price; return their ids."""
        return list((await self.session.execute(_LOCK_WAITING, {"now": now, "limit": limit})).scalars())

    async def watched(self, watches: Sequence[UUID], *, now: datetime) -> list[Watched]:
        """Return locked watches, each with its current price."""
        values = {"watches": list(watches), "now": now, "today": now.date(), "late": LATE, "unheard_for": UNHEARD_FOR}
        return [_watched(row) for row in (await self.session.execute(_WATCHED, values)).mappings()]

    async def evaluated(
        self, watches: Sequence[EvaluatedWatch], alerts: Sequence[AlertRow], *, now: datetime
    ) -> set[UUID]:
        """Store the results of an evaluation; return the ids of the alerts that did not exist yet."""
        values = {"watches": as_json(watches), "alerts": as_json(alerts), "now": now}
        return set((await self.session.execute(_EVALUATED, values)).scalars())

    async def put_off(self, watch_id: UUID, *, until: datetime) -> None:
        """Evaluate a watch again at `until`; its state stays."""
        await self.session.execute(_PUT_OFF, {"id": watch_id, "until": until})

    async def relayed(self, event_key: str, event_id: UUID, *, user_id: UUID | None) -> None:
        """Store which event delivers these alerts, and mark them unreachable if no channel of the user is open."""
        await self.session.execute(_RELAYED, {"event_key": event_key, "event_id": event_id, "user_id": user_id})


def _watched(row: Any) -> Watched:
    best = None
    if row["snapshot_id"] is not None and row["seen_at"] is not None:
        best = BestPrice(**{name: row[name] for name in BestPrice.__struct_fields__})
    own = {name: row[name] for name in Watched.__struct_fields__ if name not in {"state", "best", "unheard"}}
    unheard = [Rule(rule) for rule in row["unheard"]]
    return Watched(**own, state=msgspec.convert(row["state"], WatchState), best=best, unheard=unheard)
