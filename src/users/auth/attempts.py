"""How often somebody may try to log in: per account, so that one is not guessed, and per address, so that many are not.

Counted in Redis over all processes, by the moving window of the library `limits`. While Redis is away nobody can try.
"""

import asyncio
from collections.abc import Mapping
from math import ceil
from time import time
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from shared.errors import Unavailable
from shared.web.callers import household
from users.auth.errors import TooManyAttempts
from users.auth.settings import AuthSettings

ACCOUNT: Final = "login-account"
ADDRESS: Final = "login-address"
PATIENCE: Final = 2.0
"""Seconds that Redis is waited for."""


class Attempts:
    """Counts attempts and refuses further ones."""

    def __init__(self, storage: RedisStorage, settings: AuthSettings) -> None:
        window = ceil(settings.attempts_window)
        self._limiter = MovingWindowRateLimiter(storage)
        self._account = RateLimitItemPerSecond(settings.attempts, window)
        self._address = RateLimitItemPerSecond(settings.attempts_per_address, window)

    async def count(self, address: str, *, account: str | None = None) -> Mapping[str, str]:
        """Note an attempt; the `RateLimit-*` headers of the answer. Raises TooManyAttempts, or Unavailable."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._counted(household(address), account)
        except (RedisError, OSError) as error:
            raise Unavailable("Attempts cannot be counted at the moment; try again.", retry_after=2) from error

    async def forgive(self, account: str) -> None:
        """A login that succeeded ends the count of its account; that of the address goes on."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._limiter.clear(self._account, ACCOUNT, account)
        except (RedisError, OSError) as error:
            raise Unavailable("Attempts cannot be counted at the moment; try again.", retry_after=2) from error

    async def _counted(self, caller: str, account: str | None) -> Mapping[str, str]:
        if not await self._limiter.hit(self._address, ADDRESS, caller):
            raise await self._refusal(self._address, ADDRESS, caller, "this address")
        if account is None:
            return await self._headers(self._address, ADDRESS, caller)
        if not await self._limiter.hit(self._account, ACCOUNT, account):
            raise await self._refusal(self._account, ACCOUNT, account, "this account")
        return await self._headers(self._account, ACCOUNT, account)

    async def _refusal(self, item: RateLimitItemPerSecond, kind: str, who: str, whose: str) -> TooManyAttempts:
        headers = await self._headers(item, kind, who)
        wait = float(headers["RateLimit-Reset"])
        return TooManyAttempts(
            f"Too many attempts for {whose}; wait {wait:.0f} seconds.", retry_after=wait, headers=headers
        )

    async def _headers(self, item: RateLimitItemPerSecond, kind: str, who: str) -> Mapping[str, str]:
        stats = await self._limiter.get_window_stats(item, kind, who)
        wait = max(1, ceil(stats.reset_time - time()))  # the library's own clock
        return {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(stats.remaining),
            "RateLimit-Reset": str(wait),
        }
