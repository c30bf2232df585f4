"""Whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Meta, Struct

from shared.observability.readings import Gauge, Reading
from shared.web.guards import OPEN

PATIENCE: Final = 2.0
PART_UP: Final = Gauge("trackers_part_up", "Whether a part that we need is well.", ("part",))
READY: Final = Gauge("trackers_ready", "Whether this process can do its work: what /health/ready says.")


class PartHealth(Struct, frozen=True, kw_only=True):
    """How one part stands."""

    ok: bool
    required: Annotated[bool, Meta(description="Whether nothing can be answered without it.")]
    ms: Annotated[float, Meta(description="Milliseconds that its answer took.")]
    error: Annotated[str | None, Meta(description="What is wrong, and what to do about it.")] = None


class Health(Struct, frozen=True, kw_only=True):
    """Whether requests can be answered, and how every part stands."""

    ok: Annotated[bool, Meta(description="Every required part is well.")]
    parts: dict[str, PartHealth]


class NotWell(Exception):  # noqa: N818 -- what a check says
    """A part needs a hand; the message says what to do. Everybody may read it: no addresses, no names."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that we need, and what to do where it does not answer at all."""

    ask: Callable[[], Awaitable[object]]
    advice: str
    required: bool = True


class HealthChecks:
    """Asks every part how it is, all at once, and not for long."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    async def run(self) -> Health:
        results = await asyncio.gather(*(self._one(part) for part in self._parts.values()))
        return Health(
            ok=all(part.ok for part in results if part.required),
            parts=dict(zip(self._parts, results, strict=True)),
        )

    async def _one(self, part: Part) -> PartHealth:
        started = perf_counter()
        error = None
        try:
            async with asyncio.timeout(PATIENCE):
                await part.ask()
        except NotWell as finding:
            error = str(finding)
        except Exception as raised:  # noqa: BLE001 -- whatever it is, the part is not well
            error = f"{part.advice} ({type(raised).__name__})"
        ms = round((perf_counter() - started) * 1000, 2)
        return PartHealth(ok=error is None, required=part.required, ms=ms, error=error)


class HealthGauges:
    """The same, for metrics."""

    name = "health"

    def __init__(self, checks: HealthChecks) -> None:
        self._checks = checks

    async def read(self) -> Sequence[Reading]:
        health = await self._checks.run()
        parts = [Reading(PART_UP, float(part.ok), (name,)) for name, part in health.parts.items()]
        return [Reading(READY, float(health.ok)), *parts]


@get("/health/live", operation_id="health_live", tags=["health"], opt=OPEN, sync_to_thread=False)
def live() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@get("/health/ready", operation_id="health_ready", tags=["health"], opt=OPEN)
async def ready(health_checks: NamedDependency[SkipValidation[HealthChecks]]) -> Response[Health]:
    """Database and Redis answer, and the database is at this version's schema; 503 while that is not so.

    Workers are told of beside it: without one the API still answers, and nothing is fetched.
    """
    health = await health_checks.run()
    return Response(health, status_code=200 if health.ok else 503)
