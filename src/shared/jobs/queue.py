"""Interface of the job queue for services. Jobs carry ids, are sent after the commit, and may run twice."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

JobArguments = tuple[Any, ...]


class JobQueue(Protocol):
    """Queue of jobs for the workers."""

    async def enqueue(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        """Send one job; it is dropped if a job with the same id still waits."""

    async def enqueue_many(self, job: str, arguments: Sequence[JobArguments]) -> None:
        """Send many jobs of one kind in one round trip."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A kind of job: its name, its function, its time limit and its schedule."""

    name: str
    run: Callable[..., Awaitable[Any]]
    timeout: float
    """Seconds. Keep it short: the job of a crashed worker is blocked for the longest timeout of all kinds."""
    seconds: frozenset[int] | None = None
    """Seconds of each minute at which it runs by itself; None: only on request."""
    minutes: frozenset[int] | None = field(default=None)
    """With `seconds`: minutes of each hour at which it runs; None: all."""
