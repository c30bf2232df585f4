"""The queue as services know it. Jobs carry ids, leave after the commit, and may run twice."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

JobArguments = tuple[Any, ...]


class JobQueue(Protocol):
    """Where work for the workers goes."""

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        """Send one job; one with the id of a job that still waits is dropped."""

    async def enqueue_many(self, job: str, arguments: Sequence[JobArguments]) -> None:
        """Send many jobs of a kind in one round trip."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A kind of job: its name, what runs it, and how long it may take."""

    name: str
    run: Callable[..., Awaitable[Any]]
    timeout: float
    """Seconds; keep it short, a crashed worker's job is blocked for the longest of all kinds."""
    seconds: frozenset[int] | None = None
    """Seconds of each minute at which it runs by itself; None: only when asked for."""
    minutes: frozenset[int] | None = field(default=None)
    """With `seconds`: minutes of each hour; None: all."""
