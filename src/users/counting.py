"""Counters of attempts in Redis, shared by all processes, with the moving window of the library `limits`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from msgspec import Struct
from redis.exceptions import RedisError

from shared.errors import Unavailable

REDIS_TIMEOUT_S: Final = 2.0
"""Seconds to wait for Redis."""


class Counted(Struct, frozen=True, kw_only=True):
    """State of a counter after an attempt."""

    allowed: bool
    remaining: int
    wait: float
    """Seconds until the window allows one more attempt than now."""


class TryCounter:
    """Counts attempts. Raises Unavailable without Redis, so that no attempt goes uncounted."""

    def __init__(self, storage: RedisStorage, *, what: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._what = what

    async def hit(self, item: RateLimitItemPerSecond, *key: str) -> Counted:
        """Count an attempt if the limit still allows it."""
        with self._unavailable_on_error():
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                allowed = await self._limiter.hit(item, *key)
                stats = await self._limiter.get_window_stats(item, *key)
        wait = max(1.0, stats.reset_time - time())  # real date: the library counts by it, in Redis
        return Counted(allowed=allowed, remaining=stats.remaining, wait=wait)

    async def clear(self, item: RateLimitItemPerSecond, *key: str) -> None:
        """Reset the count to zero."""
        with self._unavailable_on_error():
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._limiter.clear(item, *key)

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise Unavailable(f"{self._what} cannot be counted at the moment; try again.", retry_after=2) from error
