"""Health endpoints: liveness and readiness of the process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Meta, Struct

from shared.observability.readings import Gauge, GaugeReading
from shared.storage import full_storage
from shared.web.guards import OPEN

CHECK_TIMEOUT_S: Final = 2.0
KEPT: Final = 1.0
"""Seconds that a result is cached: the endpoint is open to everybody, without a rate limit."""
PART_UP: Final = Gauge("trackers_part_up", "1 if a part that the app needs works, else 0.", ("part",))
READY: Final = Gauge("trackers_ready", "1 if this process can do its work, as /health/ready reports, else 0.")


class PartHealth(Struct, frozen=True, kw_only=True):
    """Health of one part."""

    ok: bool
    required: Annotated[bool, Meta(description="True if no request can be answered without this part.")]
    ms: Annotated[float, Meta(description="Duration of the check in milliseconds.")]
    error: Annotated[str | None, Meta(description="The problem and what to do about it; null if the part works.")] = (
        None
    )


class Health(Struct, frozen=True, kw_only=True):
    """Readiness of the process, and the health of every part."""

    ok: Annotated[bool, Meta(description="True if every required part works.")]
    parts: dict[str, PartHealth]


class NotWell(Exception):  # noqa: N818 -- the result of a check, not a program error
    """A part does not work; the message says what to do. It is public: it must hold no addresses and no names."""


@dataclass(frozen=True, kw_only=True)
class HealthPart:
    """A part that the app needs: how to check it, and what to do if it does not answer."""

    ask: Callable[[], Awaitable[object]]
    advice: str
    required: bool = True
    ailing: Callable[[], str | None] = lambda: None
    """Called if the part did not answer: the problem on our own side, if that is the cause; else None."""
    shows: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    """Further parts that are checked with the same answer: each function gets the answer and raises NotWell if it
    is bad."""


class HealthChecks:
    """Checks all parts at the same time, with a time-out, and caches the result for a moment."""

    def __init__(self, parts: Mapping[str, HealthPart], *, kept: float = KEPT) -> None:
        self._parts = parts
        self._kept = kept
        self._found: tuple[float, Health] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> Health:
        """Check all parts, or return the cached result. Concurrent callers share one check."""
        async with self._one_at_a_time:
            if self._found is not None and monotonic() - self._found[0] < self._kept:
                return self._found[1]
            answers = await asyncio.gather(*(self._ask(name, part) for name, part in self._parts.items()))
            parts = {name: health for answer in answers for name, health in answer.items()}
            health = Health(ok=all(part.ok for part in parts.values() if part.required), parts=parts)
            self._found = (monotonic(), health)
            return health

    async def _ask(self, name: str, part: HealthPart) -> dict[str, PartHealth]:
        started = perf_counter()
        answer, error = None, None
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                answer = await part.ask()
        except NotWell as finding:
            error = str(finding)
        except Exception as raised:  # noqa: BLE001 -- any error means that the part does not work
            error = part.ailing() or full_storage(raised) or f"{part.advice} ({type(raised).__name__})"
        ms = round((perf_counter() - started) * 1000, 2)
        errors = {
            name: error,
            **{shown: error or _evaluated(evaluate, answer) for shown, evaluate in part.shows.items()},
        }
        return {
            shown: PartHealth(ok=wrong is None, required=part.required, ms=ms, error=wrong)
            for shown, wrong in errors.items()
        }


def _evaluated(evaluate: Callable[[Any], object], answer: object) -> str | None:
    try:
        evaluate(answer)
    except NotWell as finding:
        return str(finding)
    return None


class HealthGauges:
    """The health of all parts as gauges for Prometheus."""

    name = "health"

    def __init__(self, checks: HealthChecks) -> None:
        self._checks = checks

    async def read(self) -> Sequence[GaugeReading]:
        health = await self._checks.run()
        parts = [GaugeReading(PART_UP, float(part.ok), (name,)) for name, part in health.parts.items()]
        return [GaugeReading(READY, float(health.ok)), *parts]


@get("/health/live", operation_id="health_live", tags=["health"], opt=OPEN, sync_to_thread=False)
def live() -> dict[str, bool]:
    """Check that the process is alive."""
    return {"ok": True}


@get("/health/ready", operation_id="health_ready", tags=["health"], opt=OPEN)
async def ready(health_checks: NamedDependency[SkipValidation[HealthChecks]]) -> Response[Health]:
    """Check that the process can answer requests.

    503 unless the database and Redis answer and the database has the schema of this version. The response also shows
    workers, free space on the disk, and free memory in Redis; these do not change the status. Without a worker nothing
    is fetched; with a full disk or a full Redis, writes get 503 `storage_full`. Results are cached for one second.
    """
    health = await health_checks.run()
    return Response(health, status_code=200 if health.ok else 503)
