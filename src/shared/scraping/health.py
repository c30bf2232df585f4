"""Health of the sources for admins: pace, breaker, targets, and the latest runs and requests."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.pacing import HostPacer, PacerUnreachableError
from shared.scraping.policy import Policy
from shared.scraping.repository import SourcePaused
from shared.scraping.source import Source
from shared.scraping.statements import DEAD
from shared.scraping.target import Status
from shared.scraping.targets import STATUS_COLUMNS, counts

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)

_ONLY: Final = "(CAST(:source AS text) IS NULL OR t.source = :source)"
_TARGETS: Final = text(f"""
SELECT source, status, reason, count(*) AS targets, count(*) FILTER (WHERE due) AS due_now,
       min(due_at) FILTER (WHERE due) AS oldest_due, count(*) FILTER (WHERE dead) AS dead,
       max(last_success_at) AS last_success_at
FROM (
    SELECT t.source, s.due_at, s.lease_until IS NULL AND s.priority <> 5 AND s.due_at <= :now AS due, {DEAD} AS dead,
           {STATUS_COLUMNS}
    FROM scrape_targets t JOIN scrape_schedule s ON s.target_id = t.id
    WHERE {_ONLY}
) AS x
GROUP BY source, status, reason
""")  # noqa: S608 -- fragments of our own
_RUNS: Final = text(f"""
SELECT t.source, r.finished_at >= :hour AS lately, r.reason, count(*) AS runs, coalesce(sum(r.requests), 0) AS requests
FROM scrape_runs r JOIN scrape_targets t ON t.id = r.target_id
WHERE r.finished_at >= :day AND {_ONLY}
GROUP BY t.source, lately, r.reason
""")  # noqa: S608 -- fragments of our own
_LAST_FAILURE: Final = text("""
SELECT r.finished_at AS at, r.reason, r.error, r.http_status
FROM scrape_runs r JOIN scrape_targets t ON t.id = r.target_id
WHERE r.status = 'failed' AND t.source = :source
ORDER BY r.id DESC LIMIT 1
""")
PAUSES: Final = text("SELECT source, since, reason FROM scrape_pauses")


class BreakerState(StrEnum):
    """State of a host's breaker: closed lets requests leave, open none, half_open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    UNKNOWN = "unknown"


class Breaker(Struct, frozen=True, kw_only=True):
    """The circuit breaker of a host."""

    state: Annotated[BreakerState, Meta(description="unknown: Redis is unreachable, so no requests are sent.")]
    seconds_left: Annotated[
        float | None,
        Meta(description="Open: until a test request may be sent. Half-open: until that request times out."),
    ]
    failures: Annotated[int, Meta(description="Consecutive failures of the host.")]
    cooldown: Annotated[float, Meta(description="Seconds for which it stays open the next time it opens.")]


class Pace(Struct, frozen=True, kw_only=True):
    """Pace of requests to a host, in seconds."""

    delay: float
    jitter: float
    interval: Annotated[float | None, Meta(description="Seconds between two runs of a target; null: each has its own.")]
    in_flight: Annotated[int, Meta(description="Targets that workers may lease at once.")]


class TargetCounts(Struct, frozen=True, kw_only=True):
    """Counts of a source's targets."""

    total: int
    by_status: dict[Status, int]
    by_reason: Annotated[dict[str, int], Meta(description="Failed and skipped targets by reason.")]
    due_now: int
    oldest_due: datetime | None
    dead: Annotated[int, Meta(description="Abandoned until an admin retries them; also counted as failed.")]


class Budget(Struct, frozen=True, kw_only=True):
    """Runs and requests of a period."""

    runs: int
    requests: int
    failed: Annotated[dict[str, int], Meta(description="Failed runs by reason.")]


class LastFailure(Struct, frozen=True, kw_only=True):
    at: datetime
    reason: str | None
    error: str | None
    http_status: int | None


class SourceHealth(Struct, frozen=True, kw_only=True):
    """State of a source: its pace, its breaker, its targets and its latest runs."""

    name: str
    enabled: bool
    disabled_because: str | None
    paused: SourcePaused | None
    host: str
    pace: Pace
    breaker: Breaker
    targets: TargetCounts
    last_success_at: datetime | None
    last_failure: LastFailure | None
    last_hour: Budget
    last_day: Budget


class Sources(Struct, frozen=True, kw_only=True):
    items: list[SourceHealth]


class SourceQueries:
    """Reads the state of sources: breakers from Redis, everything else from the database."""

    def __init__(self, reader: PooledQueries, *, sources: SourceRegistry, pacer: HostPacer, clock: Clock) -> None:
        self._reader = reader
        self._sources = sources
        self._pacer = pacer
        self._clock = clock

    async def sources(self) -> Sources:
        return Sources(items=await self._health(self._sources.all(), None))

    async def source(self, name: str) -> SourceHealth:
        """Health of one source. Raises UnknownSource."""
        (health,) = await self._health([self._sources[name]], name)
        return health

    async def pause_of(self, name: str) -> SourcePaused | None:
        """Start and reason of a source's pause; None if it is not paused."""
        return (await self._pauses()).get(name)

    async def _health(self, sources: Sequence[Source[Any]], only: str | None) -> list[SourceHealth]:
        now = self._clock.now()
        targets = await self._reader.rows(_TARGETS, {"source": only, "now": now})
        runs = await self._reader.rows(_RUNS, {"source": only, "hour": now - HOUR, "day": now - DAY})
        pauses = await self._pauses()
        breakers = await asyncio.gather(*(breaker_of(self._pacer, source.policy) for source in sources))
        return [
            _health_of(
                source,
                paused=pauses.get(source.name),
                breaker=breaker,
                targets=[row for row in targets if row["source"] == source.name],
                runs=[row for row in runs if row["source"] == source.name],
                last_failure=await self._last_failure(source.name),
            )
            for source, breaker in zip(sources, breakers, strict=True)
        ]

    async def _pauses(self) -> dict[str, SourcePaused]:
        rows = await self._reader.rows(PAUSES)
        return {row["source"]: SourcePaused(since=row["since"], reason=row["reason"]) for row in rows}

    async def _last_failure(self, name: str) -> LastFailure | None:
        row = await self._reader.row(_LAST_FAILURE, {"source": name})
        return None if row is None else LastFailure(**row)


async def breaker_of(pacer: HostPacer, policy: Policy) -> Breaker:
    """Breaker of a source's host; its state is unknown while Redis is unreachable."""
    try:
        snapshot = await pacer.breaker_of(policy.host)
    except PacerUnreachableError:
        return Breaker(state=BreakerState.UNKNOWN, seconds_left=None, failures=0, cooldown=policy.cooldown)
    state, left = BreakerState.CLOSED, None
    if snapshot.rest is not None:
        state = BreakerState.OPEN if snapshot.rest else BreakerState.HALF_OPEN
        left = snapshot.rest or snapshot.probe
    return Breaker(
        state=state,
        seconds_left=left,
        failures=snapshot.failures,
        cooldown=min(policy.cooldown_limit, policy.cooldown * 2**snapshot.opened),
    )


def _health_of(
    source: Source[Any],
    *,
    paused: SourcePaused | None,
    breaker: Breaker,
    targets: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    last_failure: LastFailure | None,
) -> SourceHealth:
    policy = source.policy
    return SourceHealth(
        name=source.name,
        enabled=source.enabled,
        disabled_because=source.disabled_because or None,
        paused=paused,
        host=policy.host,
        pace=Pace(delay=policy.delay, jitter=policy.jitter, interval=policy.interval, in_flight=policy.in_flight),
        breaker=breaker,
        targets=_counts(targets),
        last_success_at=max((row["last_success_at"] for row in targets if row["last_success_at"]), default=None),
        last_failure=last_failure,
        last_hour=_budget([row for row in runs if row["lately"]]),
        last_day=_budget(runs),
    )


def _counts(rows: Sequence[Mapping[str, Any]]) -> TargetCounts:
    by_status, by_reason = counts(rows, "targets")
    return TargetCounts(
        total=sum(by_status.values()),
        by_status=by_status,
        by_reason=by_reason,
        due_now=sum(row["due_now"] for row in rows),
        oldest_due=min((row["oldest_due"] for row in rows if row["oldest_due"]), default=None),
        dead=sum(row["dead"] for row in rows),
    )


def _budget(rows: Sequence[Mapping[str, Any]]) -> Budget:
    failed: dict[str, int] = {}
    for row in rows:
        if row["reason"]:
            failed[row["reason"]] = failed.get(row["reason"], 0) + row["runs"]
    return Budget(
        runs=sum(row["runs"] for row in rows),
        requests=sum(int(row["requests"]) for row in rows),
        failed=failed,
    )
