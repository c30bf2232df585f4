"""Whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from shared.web.guards import OPEN

PATIENCE: Final = 2.0


class PartHealth(Struct, frozen=True, kw_only=True):
    ok: bool
    ms: float
    error: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    ok: bool
    parts: dict[str, PartHealth]


class HealthChecks:
    """Asks every part whether it answers, all at once, and not for long."""

    def __init__(self, parts: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        self._parts = parts

    async def run(self) -> Health:
        results = await asyncio.gather(*(self._one(check) for check in self._parts.values()))
        return Health(ok=all(part.ok for part in results), parts=dict(zip(self._parts, results, strict=True)))

    async def _one(self, check: Callable[[], Awaitable[object]]) -> PartHealth:
        started = perf_counter()
        error = None
        try:
            async with asyncio.timeout(PATIENCE):
                await check()
        except Exception as raised:  # noqa: BLE001 -- whatever it is, the part is not well
            error = type(raised).__name__
        return PartHealth(ok=error is None, ms=round((perf_counter() - started) * 1000, 2), error=error)


@get("/health/live", operation_id="health_live", tags=["health"], opt=OPEN, sync_to_thread=False)
def live() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@get("/health/ready", operation_id="health_ready", tags=["health"], opt=OPEN)
async def ready(health_checks: NamedDependency[SkipValidation[HealthChecks]]) -> Response[Health]:
    """Database and Redis answer; 503 while one does not."""
    health = await health_checks.run()
    return Response(health, status_code=200 if health.ok else 503)
