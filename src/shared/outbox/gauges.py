"""Gauges of the outbox for Prometheus."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.observability.readings import COUNTED, Gauge, GaugeReading
from shared.outbox.models import WAITS

WAITING: Final = Gauge("trackers_outbox_waiting", f"Events that wait for the relay, up to {COUNTED}.")
LAG: Final = Gauge("trackers_outbox_lag_seconds", "Age of the oldest waiting event in seconds.")
DEAD: Final = Gauge("trackers_outbox_dead", f"Dead events, which failed too often, up to {COUNTED}.")

_STANDING: Final = text(f"""
SELECT (SELECT count(*) FROM (
           SELECT FROM outbox_events WHERE {WAITS} ORDER BY seq LIMIT CAST(:most AS bigint)) AS w) AS waiting,
       (SELECT occurred_at FROM outbox_events WHERE {WAITS} ORDER BY seq LIMIT 1) AS oldest,
       (SELECT count(*) FROM (
           SELECT FROM outbox_events WHERE dead_at IS NOT NULL ORDER BY id LIMIT CAST(:most AS bigint)) AS d) AS dead
""")  # noqa: S608 -- a constant condition


class OutboxGauges:
    """Counts waiting and dead events by their partial indexes."""

    name = "outbox"

    def __init__(self, reader: PooledQueries, *, clock: Clock, counted: int = COUNTED) -> None:
        self._reader = reader
        self._clock = clock
        self._counted = counted

    async def read(self) -> Sequence[GaugeReading]:
        row = await self._reader.row(_STANDING, {"most": self._counted}) or {}
        oldest = row["oldest"]
        lag = 0.0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds())
        return [GaugeReading(WAITING, row["waiting"]), GaugeReading(LAG, lag), GaugeReading(DEAD, row["dead"])]
