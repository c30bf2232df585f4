"""Gauges of the sources: each statement reads a bounded number of rows, however many targets there are."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.observability.readings import COUNTED, Gauge, GaugeReading
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.health import PAUSES, Breaker, BreakerState, breaker_of
from shared.scraping.pacing import HostPacer
from shared.scraping.source import Source

SAMPLED_PAGES: Final = 1_000
"""Pages of the table of targets that are read; a larger table is sampled, and the counts are extrapolated."""
SOURCE: Final = ("source",)
ENABLED: Final = Gauge("trackers_source_enabled", "1 if the source is enabled.", SOURCE)
PAUSED: Final = Gauge("trackers_source_paused", "1 if an admin has paused the source.", SOURCE)
DELAY: Final = Gauge("trackers_source_delay_seconds", "Seconds between two requests to the host; 0: no pacing.", SOURCE)
BOOKED: Final = Gauge("trackers_pace_booked_seconds", "Seconds for which the host's slots are reserved.", SOURCE)
BREAKER: Final = Gauge("trackers_breaker_state", "1 for the current state of the host's breaker.", ("source", "state"))
DUE: Final = Gauge("trackers_targets_due", f"Due targets, up to {COUNTED} per priority.", SOURCE)
OLDEST_DUE: Final = Gauge("trackers_oldest_due_seconds", "Seconds since the oldest due target became due.", SOURCE)
IN_PROGRESS: Final = Gauge("trackers_targets_in_progress", "Targets that are leased by workers.", SOURCE)
DEAD: Final = Gauge(
    "trackers_targets_dead", f"Dead targets that wait to be re-driven, up to {COUNTED} per priority.", SOURCE
)
TARGETS: Final = Gauge(
    "trackers_targets",
    "Targets by the result of their last run; an estimate from a sample if there are many.",
    ("source", "state", "reason"),
)

# Uses the partial indexes of due and of leased rows. Each priority is read alone, because the index is ordered by it.
_SCHEDULE: Final = text("""
SELECT w.source, due.waiting, due.oldest, due.dead, leased.targets AS in_progress
FROM unnest(CAST(:sources AS text[])) AS w (source)
CROSS JOIN LATERAL (
    SELECT sum(part.waiting) AS waiting, min(part.oldest) AS oldest, sum(part.dead) AS dead
    FROM (VALUES (0), (1), (2), (3), (4)) AS priorities (priority)
    CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM (
                   SELECT FROM scrape_schedule s
                   WHERE s.source = w.source AND s.priority = priorities.priority AND s.lease_until IS NULL
                     AND s.due_at <= CAST(:now AS timestamptz)
                   ORDER BY s.due_at LIMIT CAST(:most AS bigint)) AS first) AS waiting,
               (SELECT s.due_at FROM scrape_schedule s
                WHERE s.source = w.source AND s.priority = priorities.priority AND s.lease_until IS NULL
                  AND s.due_at <= CAST(:now AS timestamptz)
                ORDER BY s.due_at LIMIT 1) AS oldest,
               (SELECT count(*) FROM (
                   SELECT FROM scrape_schedule s
                   WHERE s.source = w.source AND s.priority = priorities.priority AND s.lease_until IS NULL
                     AND s.due_at = 'infinity'
                   ORDER BY s.due_at LIMIT CAST(:most AS bigint)) AS gone) AS dead
    ) AS part
) AS due
CROSS JOIN LATERAL (
    SELECT count(*) AS targets FROM (
        SELECT FROM scrape_schedule s WHERE s.source = w.source AND s.lease_until IS NOT NULL
        ORDER BY s.lease_until LIMIT CAST(:most AS bigint)
    ) AS counted
) AS leased
""")
_PAGES: Final = text("SELECT pg_relation_size('scrape_targets') / current_setting('block_size')::bigint")
_CENSUS: Final = text("""
SELECT source, coalesce(last_status, 'pending') AS state, coalesce(last_reason, '') AS reason, count(*) AS targets
FROM scrape_targets TABLESAMPLE SYSTEM (CAST(:percent AS real))
GROUP BY 1, 2, 3
""")


class SourceGauges:
    """Reads the schedule by its indexes, a sample of the targets, and paces and breakers from Redis."""

    name = "sources"

    def __init__(
        self,
        reader: PooledQueries,
        *,
        sources: SourceRegistry,
        pacer: HostPacer,
        clock: Clock,
        counted: int = COUNTED,
        sampled_pages: int = SAMPLED_PAGES,
    ) -> None:
        self._reader = reader
        self._sources = sources
        self._pacer = pacer
        self._clock = clock
        self._counted = counted
        self._sampled_pages = sampled_pages

    async def read(self) -> Sequence[GaugeReading]:
        sources = self._sources.all()
        breakers = await asyncio.gather(*(breaker_of(self._pacer, source.policy) for source in sources))
        booked_seconds = await asyncio.gather(*(self._pacer.booked_seconds(source.policy.host) for source in sources))
        paused = {row["source"] for row in await self._reader.rows(PAUSES)}
        readings = [reading for source in sources for reading in _settings(source, source.name in paused)]
        readings += [
            GaugeReading(BOOKED, seconds, (source.name,))
            for source, seconds in zip(sources, booked_seconds, strict=True)
            if seconds is not None
        ]
        for source, breaker in zip(sources, breakers, strict=True):
            readings += _states(source.name, breaker)
        return [*readings, *await self._schedule(sources), *await self._census()]

    async def _schedule(self, sources: Sequence[Source[Any]]) -> list[GaugeReading]:
        now = self._clock.now()
        rows = await self._reader.rows(
            _SCHEDULE, {"sources": [source.name for source in sources], "now": now, "most": self._counted}
        )
        return [
            reading
            for row in rows
            for reading in (
                GaugeReading(DUE, float(row["waiting"]), (row["source"],)),
                GaugeReading(
                    OLDEST_DUE,
                    (now - row["oldest"]).total_seconds() if row["oldest"] is not None else 0.0,
                    (row["source"],),
                ),
                GaugeReading(IN_PROGRESS, float(row["in_progress"]), (row["source"],)),
                GaugeReading(DEAD, float(row["dead"]), (row["source"],)),
            )
        ]

    async def _census(self) -> list[GaugeReading]:
        pages = int(await self._reader.value(_PAGES))
        percent = min(100.0, 100.0 * self._sampled_pages / max(1, pages))
        rows = await self._reader.rows(_CENSUS, {"percent": percent})
        return [
            GaugeReading(
                TARGETS, float(round(row["targets"] * 100 / percent)), (row["source"], row["state"], row["reason"])
            )
            for row in rows
        ]


def _settings(source: Source[Any], paused: bool) -> Iterator[GaugeReading]:
    labels = (source.name,)
    yield GaugeReading(ENABLED, float(source.enabled), labels)
    yield GaugeReading(PAUSED, float(paused), labels)
    yield GaugeReading(DELAY, source.policy.delay, labels)


def _states(source: str, breaker: Breaker) -> Iterator[GaugeReading]:
    for state in BreakerState:
        yield GaugeReading(BREAKER, float(breaker.state is state), (source, state.value))
