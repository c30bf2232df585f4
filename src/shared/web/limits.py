"""Rate limits: counted in Redis for all processes together, spent from blocks of permits in each process.

A round trip to Redis for each request would cost half as much as a read. So each process takes a block of permits for a
caller and spends it locally. All processes together exceed the limit of a window by at most one block each.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from litestar.types import ASGIApp, Receive, Scope, Send
from redis.exceptions import RedisError

from shared.errors import Forbidden, TooManyRequests, Unauthenticated
from shared.web.callers import network_prefix, rate_limit_headers
from shared.web.identity import BotIdentity, PersonIdentity
from shared.web.settings import WebSettings

WINDOW: Final = 60
"""Length of the sliding window in seconds."""
BLOCKS: Final = 20
"""Number of blocks that a limit is divided into."""
MAX_BLOCK: Final = 250
REMEMBERED: Final = 10_000
"""Maximum number of callers that a process holds permits for."""
REDIS_TIMEOUT_S: Final = 0.5
"""Seconds to wait for Redis; after that the request passes without being counted."""
REST: Final = 5.0
"""Seconds without further attempts after Redis could not be reached."""
COMPLAIN_EVERY: Final = 60.0
REFUSED_FOR: Final = 1.0
"""Maximum seconds that a refusal is cached: room may appear earlier than it says."""
TOLD: Final = "rate_limit"
"""Key in a request's state: the RateLimit that `ResponseHeaders` writes into the headers."""
_network_prefix = lru_cache(REMEMBERED)(network_prefix)

Caller = tuple[str, object]
"""Kind of limit (`person`, `bot`, `address`, `refused`) and the id of the caller."""


class RateLimit(NamedTuple):
    """State of a caller's limit."""

    limit: int
    remaining: int
    reset_after: float
    """Seconds until the window ends."""


class Share:
    """Permits that a process holds for one caller. All times are from the monotonic clock."""

    __slots__ = ("asking", "elsewhere", "expires_at", "permits", "refused_until", "resets_at", "retry_at")

    def __init__(self) -> None:
        self.permits = 0
        self.expires_at = 0.0
        self.elsewhere = 0
        """Permits that were left in Redis when this block was taken."""
        self.resets_at = 0.0
        self.refused_until = 0.0
        self.retry_at = 0.0
        self.asking = asyncio.Lock()


class RateLimiter:
    """Permits per minute. Limits are not a security barrier: while Redis is unreachable, every request passes."""

    remembered = REMEMBERED

    def __init__(
        self, storage: RedisStorage, settings: WebSettings, *, monotonic: Callable[[], float] = monotonic
    ) -> None:
        self._storage = storage
        self._window = SlidingWindowCounterRateLimiter(storage)
        self._limits: Mapping[str, int] = {
            "person": settings.rate_limit_person,
            "bot": settings.rate_limit_bot,
            "address": settings.rate_limit_address,
            "refused": settings.rate_limit_address,
        }
        self._items = {
            kind: RateLimitItemPerSecond(limit, WINDOW, namespace="requests")
            for kind, limit in self._limits.items()
            if limit
        }
        self._now = monotonic
        self._shares: dict[Caller, Share] = {}
        self._away_until = 0.0
        self._complained_at = float("-inf")

    async def take(self, caller: Caller) -> RateLimit | None:
        """Take one permit. None if there is no limit or Redis is unreachable. Raises TooManyRequests."""
        limit = self._limits[caller[0]]
        if not limit:
            return None
        now = self._now()
        share = self._shares.get(caller)
        if share is None:
            share = self._share(caller)
        if not share.permits or now >= share.expires_at:
            async with share.asking:  # of concurrent requests, one refills for all
                now = self._now()
                if not share.permits or now >= share.expires_at:
                    if now < share.refused_until:
                        raise self._refusal(limit, share, now)
                    if now < self._away_until or not await self._refill(caller, share):
                        return None
        share.permits -= 1
        return RateLimit(limit, share.elsewhere + share.permits, max(0.0, share.resets_at - now))

    async def _refill(self, caller: Caller, share: Share) -> bool:
        """Take a block of permits, or a single one if no block is left. False if Redis is unreachable.

        Raises TooManyRequests.
        """
        kind, who = caller
        item, limit = self._items[kind], self._limits[kind]
        block = min(max(1, limit // BLOCKS), MAX_BLOCK)
        key = (kind, str(who))
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                taken = block if await self._window.hit(item, *key, cost=block) else 0
                if not taken and block > 1:
                    taken = int(await self._window.hit(item, *key))
                before, before_ends, current, ends = await self._storage.get_sliding_window(
                    item.key_for(*key), item.get_expiry()
                )
        except (RedisError, OSError) as error:  # includes TimeoutError
            self._note_away(error)
            return False
        now = self._now()
        ends = max(0.0, ends - WINDOW)  # Redis keeps a window for two, because it is also the past of the next
        self._shares[caller] = self._shares.pop(caller, share)  # the caller refilled last is removed last
        share.permits, share.expires_at = taken, now + WINDOW
        share.elsewhere = max(0, limit - int(before * before_ends / WINDOW) - current)
        share.resets_at = now + ends
        if not taken:
            wait = seconds_until_room(limit, before, before_ends, current, ends)
            share.retry_at, share.refused_until = now + wait, now + min(wait, REFUSED_FOR)
            raise self._refusal(limit, share, now)
        return True

    def _share(self, caller: Caller) -> Share:
        """A new share; if there is no room, the share with the oldest refill is dropped."""
        if len(self._shares) >= self.remembered:
            del self._shares[next(iter(self._shares))]
        share = self._shares[caller] = Share()
        return share

    @staticmethod
    def _refusal(limit: int, share: Share, now: float) -> TooManyRequests:
        wait = max(1, ceil(share.retry_at - now))
        return TooManyRequests(
            f"The limit is {limit} requests per minute; try again in {wait} s, and send requests less often.",
            retry_after=wait,
            headers=rate_limit_headers(limit, 0, max(wait, share.resets_at - now)),
        )

    def _note_away(self, error: Exception) -> None:
        now = self._now()
        self._away_until = now + REST
        if now - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = now
            structlog.get_logger(__name__).warning("rate_limits_off", error=str(error)[:200] or type(error).__name__)


def seconds_until_room(limit: int, before: int, before_ends: float, current: int, ends: float) -> float:
    """Seconds until the sliding window has room for one request.

    Requests of the previous window (`before`) weigh less every second, those of this one (`current`) from its end on.
    """
    if current < limit:
        return max(0.0, before_ends - (limit - current) * WINDOW / before) if before else 0.0
    return ends + WINDOW - limit * WINDOW / current


def caller_of(scope: Scope, *, refused: bool = False) -> Caller:
    """The caller that a request counts for: the authenticated person or bot, else the address.

    Each open path and refused requests have separate limits for an address, so that other requests never use up the
    permits that a sign-in from the same address needs.
    """
    who = scope.get("auth")
    if isinstance(who, BotIdentity):
        return "bot", who.key_id
    if isinstance(who, PersonIdentity):
        return "person", who.user_id
    client = scope.get("client")
    address = _network_prefix(client[0]) if client else ""
    return ("refused", address) if refused else ("address", f"{address} {scope['path_template']}")


class RateLimiting:
    """ASGI middleware that counts requests by caller; runs after authentication."""

    def __init__(self, app: ASGIApp, limiter: Callable[[], RateLimiter]) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"][TOLD] = await self._limiter().take(caller_of(scope))
        await self._app(scope, receive, send)


class RefusalLimiting:
    """ASGI middleware that counts requests that authentication refused, to limit guessing; wraps authentication."""

    def __init__(self, app: ASGIApp, limiter: Callable[[], RateLimiter]) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except (Unauthenticated, Forbidden):
            scope["state"][TOLD] = await self._limiter().take(caller_of(scope, refused=True))
            raise
