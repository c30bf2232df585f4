"""Access tokens that were logged out of, in Redis until they would have expired anyway.

The session's row in PostgreSQL says the same and outlives Redis; the list names the single token. Whether a token is
on it must be known: while Redis is away nobody gets in.
"""

import asyncio
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import Unavailable

KEY: Final = "auth:denied:"
REDIS_TIMEOUT_S: Final = 2.0
"""Seconds that Redis is waited for."""


class Denylist:
    """Denied `jti`s."""

    def __init__(self, redis: Redis, *, keep: timedelta, skew: timedelta) -> None:
        """`keep`: the lifetime of a token."""
        self._redis = redis
        self._keep = keep + skew

    async def deny(self, token_id: str) -> None:
        """Raises Unavailable where it cannot be noted."""
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._redis.set(KEY + token_id, b"", px=self._keep)
        except (RedisError, OSError) as error:
            raise _unknown() from error

    async def denied(self, token_id: str) -> bool:
        """Raises Unavailable where it cannot be known."""
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return bool(await self._redis.exists(KEY + token_id))
        except (RedisError, OSError) as error:
            raise _unknown() from error


def _unknown() -> Unavailable:
    return Unavailable("Whether this token was logged out cannot be known at the moment; try again.", retry_after=2)
