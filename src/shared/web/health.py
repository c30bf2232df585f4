"""Whether the process lives, and whether it can do its work."""

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
"""Seconds for which what was found is told again: anybody may ask, and as often as they like."""
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
class HealthPart:
    """Something that we need, and what to do where it does not answer at all."""

    ask: Callable[[], Awaitable[object]]
    advice: str
    required: bool = True
    ailing: Callable[[], str | None] = lambda: None
    """Asked where there was no answer: what is wrong at our own end, if that is why."""
    shows: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    """Further parts that the same answer tells of; each is given it, and raises NotWell where it does not like it."""


class HealthChecks:
    """Asks every part how it is, all at once, not for long, and not for every caller anew."""

    def __init__(self, parts: Mapping[str, HealthPart], *, kept: float = KEPT) -> None:
        self._parts = parts
        self._kept = kept
        self._found: tuple[float, Health] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> Health:
        """How everything stands, or stood a moment ago; who asks meanwhile waits for the same answer."""
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
        except Exception as raised:  # noqa: BLE001 -- whatever it is, the part is not well
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
    """The same, for metrics."""

    name = "health"

    def __init__(self, checks: HealthChecks) -> None:
        self._checks = checks

    async def read(self) -> Sequence[GaugeReading]:
        health = await self._checks.run()
        parts = [GaugeReading(PART_UP, float(part.ok), (name,)) for name, part in health.parts.items()]
        return [GaugeReading(READY, float(health.ok)), *parts]


@get("/health/live", operation_id="health_live", tags=["health"], opt=OPEN, sync_to_thread=False)
def live() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@get("/health/ready", operation_id="health_ready", tags=["health"], opt=OPEN)
async def ready(health_checks: NamedDependency[SkipValidation[HealthChecks]]) -> Response[Health]:
    """Database and Redis answer, and the database is at this version's schema; 503 while that is not so.

    The answer also shows workers, room on the disk, and room in Redis. They do not change the status: without a worker
    nothing is fetched, and with a full disk or a full Redis writes answer 503 `storage_full`. Answers are kept for a
    second.
    """
    health = await health_checks.run()
    return Response(health, status_code=200 if health.ok else 503)
