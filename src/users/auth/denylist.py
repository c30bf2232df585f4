"""Access tokens that were logged out, in Redis until they expire.

The session's row in PostgreSQL also records the logout and outlives Redis; the list covers the single token. The check
is never skipped: without Redis no access token is accepted.
"""

import asyncio
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import Unavailable

KEY: Final = "auth:denied:"
REDIS_TIMEOUT_S: Final = 2.0
"""Seconds to wait for Redis."""


class Denylist:
    """List of denied tokens by their `jti`."""

    def __init__(self, redis: Redis, *, keep: timedelta, skew: timedelta) -> None:
        """`keep`: lifetime of an access token. `skew`: maximum difference between clocks."""
        self._redis = redis
        self._keep = keep + skew

    async def deny(self, token_id: str) -> None:
        """Deny a token until it expires. Raises Unavailable without Redis."""
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._redis.set(KEY + token_id, b"", px=self._keep)
        except (RedisError, OSError) as error:
            raise _unavailable() from error

    async def denied(self, token_id: str) -> bool:
        """True if the token is denied. Raises Unavailable without Redis."""
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return bool(await self._redis.exists(KEY + token_id))
        except (RedisError, OSError) as error:
            raise _unavailable() from error


def _unavailable() -> Unavailable:
    return Unavailable("This token cannot be checked at the moment; try again.", retry_after=2)
