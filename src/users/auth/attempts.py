"""How often somebody may try to prove who they are.

Counted in Redis over all processes, by the moving window of the library `limits`: per address, so that many accounts
are not tried; per address and login, so that one is not guessed; and per account over all addresses, much higher, so
that many addresses do not guess it either, and yet nobody is easily locked out by others. While Redis is away nobody
can try.
"""

import asyncio
from collections.abc import Mapping
from math import ceil
from time import time
from typing import Final
from uuid import UUID

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from shared.errors import Unavailable
from shared.web.callers import household, rate_limit_headers
from users.auth.errors import TooManyAttempts
from users.auth.settings import AuthSettings

ALL_ADDRESSES: Final = 20
"""Times as many attempts as one address has, an account allows from all of them."""
PATIENCE: Final = 2.0
"""Seconds that Redis is waited for."""


class _Count:
    """One thing that is counted."""

    __slots__ = ("item", "key", "whose")

    def __init__(self, item: RateLimitItemPerSecond, *key: str, whose: str) -> None:
        self.item = item
        self.key = key
        self.whose = whose


class Attempts:
    """Counts attempts and refuses further ones; raises TooManyAttempts, or Unavailable where it cannot count."""

    def __init__(self, storage: RedisStorage, settings: AuthSettings) -> None:
        window = ceil(settings.attempts_window)
        self._limiter = MovingWindowRateLimiter(storage)
        self._one = RateLimitItemPerSecond(settings.attempts, window)
        self._account = RateLimitItemPerSecond(settings.attempts * ALL_ADDRESSES, window)
        self._address = RateLimitItemPerSecond(settings.attempts_per_address, window)

    async def count(self, address: str) -> Mapping[str, str]:
        """Somebody registers or types a code in; the `RateLimit-*` headers of the answer."""
        return await self._counted(self._of_address(address))

    async def count_own(self, user_id: UUID) -> Mapping[str, str]:
        """Somebody who is logged in proves it again."""
        return await self._counted(_Count(self._one, "own", str(user_id), whose="your account"))

    async def count_login(self, address: str, *, login: str, account: str) -> Mapping[str, str]:
        """Somebody tries to log in."""
        return await self._counted(self._of_address(address), *self._of_login(address, login, account))

    async def forgive(self, address: str, *, login: str, account: str) -> None:
        """A login that succeeded ends the counts of its account; that of the address goes on."""
        try:
            async with asyncio.timeout(PATIENCE):
                for count in self._of_login(address, login, account):
                    await self._limiter.clear(count.item, *count.key)
        except (RedisError, OSError) as error:
            raise _uncounted() from error

    def _of_address(self, address: str) -> _Count:
        return _Count(self._address, "address", household(address), whose="your address")

    def _of_login(self, address: str, login: str, account: str) -> tuple[_Count, _Count]:
        """The narrower one last: its state is what the headers tell."""
        return (
            _Count(self._account, "account", account, whose="this login"),
            _Count(self._one, "login", household(address), login, whose="this login"),
        )

    async def _counted(self, *counts: _Count) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(PATIENCE):
                for count in counts:
                    allowed = await self._limiter.hit(count.item, *count.key)
                    if not allowed or count is counts[-1]:
                        stats = await self._limiter.get_window_stats(count.item, *count.key)
                        wait = max(1.0, stats.reset_time - time())  # the library's own clock
                        headers = rate_limit_headers(count.item.amount, stats.remaining, wait)
                    if not allowed:
                        raise TooManyAttempts(
                            f"Too many attempts from or for {count.whose}; wait {ceil(wait)} seconds.",
                            retry_after=wait,
                            headers=headers,
                        )
        except (RedisError, OSError) as error:
            raise _uncounted() from error
        return headers


def _uncounted() -> Unavailable:
    return Unavailable("Attempts cannot be counted at the moment; try again.", retry_after=2)
