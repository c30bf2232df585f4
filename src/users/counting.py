"""How often something was tried: counted in Redis over all processes, by the moving window of the library `limits`."""

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
"""Seconds that Redis is waited for."""


class Counted(Struct, frozen=True, kw_only=True):
    """How one stands after a try."""

    allowed: bool
    remaining: int
    wait: float
    """Seconds until one more is allowed than now."""


class TryCounter:
    """Counts tries; raises Unavailable where it cannot count, so that nobody tries uncounted."""

    def __init__(self, storage: RedisStorage, *, what: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._what = what

    async def hit(self, item: RateLimitItemPerSecond, *key: str) -> Counted:
        """Count a try, where one is still allowed."""
        with self._told():
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                allowed = await self._limiter.hit(item, *key)
                stats = await self._limiter.get_window_stats(item, *key)
        wait = max(1.0, stats.reset_time - time())  # real date: the library counts by it, in Redis
        return Counted(allowed=allowed, remaining=stats.remaining, wait=wait)

    async def clear(self, item: RateLimitItemPerSecond, *key: str) -> None:
        """Count from none again."""
        with self._told():
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._limiter.clear(item, *key)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise Unavailable(f"{self._what} cannot be counted at the moment; try again.", retry_after=2) from error
