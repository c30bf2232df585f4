"""Metrics of deliveries and digests."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.observability.readings import COUNTED, Gauge, GaugeReading

WAITING: Final = Gauge("trackers_deliveries_waiting", f"Deliveries that are due, up to {COUNTED}.")
LAG: Final = Gauge(
    "trackers_deliveries_lag_seconds",
    f"Seconds for which the oldest delivery to a usable channel has been due, among the first {COUNTED}.",
)
DIGEST_LAG: Final = Gauge("trackers_digests_lag_seconds", "Seconds for which the oldest digest has been due.")

# Deliveries to suspended channels, or to channels in cooldown, do not count as lag.
_DELIVERIES: Final = text("""
SELECT count(*) AS waiting, min(d.due_at) FILTER (
    WHERE c.verified_at IS NOT NULL AND c.suspended_at IS NULL AND (c.rests_until IS NULL OR c.rests_until <= :now)
) AS oldest
FROM (
    SELECT channel_id, due_at FROM notification_deliveries
    WHERE state = 'pending' AND due_at <= :now ORDER BY due_at LIMIT CAST(:most AS bigint)
) AS d
JOIN notification_channels c ON c.id = d.channel_id
""")
_DIGESTS: Final = text("""
SELECT min(p.next_at) FROM (
    SELECT user_id, next_at FROM digest_preferences
    WHERE next_at <= :now ORDER BY next_at LIMIT CAST(:most AS bigint)
) AS p
JOIN users u ON u.id = p.user_id AND u.deactivated_at IS NULL
""")


class NotificationGauges:
    """Reads gauges of due deliveries and digests through their indexes."""

    name = "notifications"

    def __init__(self, reader: PooledQueries, *, clock: Clock, counted: int = COUNTED) -> None:
        self._reader = reader
        self._clock = clock
        self._counted = counted

    async def read(self) -> Sequence[GaugeReading]:
        now = self._clock.now()
        parameters = {"now": now, "most": self._counted}
        row = await self._reader.row(_DELIVERIES, parameters) or {}
        digest = await self._reader.value(_DIGESTS, parameters)
        return [
            GaugeReading(WAITING, row["waiting"]),
            GaugeReading(LAG, 0.0 if row["oldest"] is None else (now - row["oldest"]).total_seconds()),
            GaugeReading(DIGEST_LAG, 0.0 if digest is None else (now - digest).total_seconds()),
        ]
