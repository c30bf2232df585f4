"""How often somebody may ask: counted in Redis over all processes, spent from blocks of permits in each.

A round trip per request would cost as much as half a read. So a process takes a block of permits for a caller at once
and spends it without asking. What all processes let through in a window exceeds the limit by a block each at most.
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
"""Seconds."""
BLOCKS: Final = 20
"""A block is this part of a limit."""
MAX_BLOCK: Final = 250
REMEMBERED: Final = 10_000
"""Callers that a process holds permits for at most."""
REDIS_TIMEOUT_S: Final = 0.5
"""Seconds that Redis may take before a request passes uncounted."""
REST: Final = 5.0
"""Seconds that Redis is not asked for after it could not be reached."""
COMPLAIN_EVERY: Final = 60.0
REFUSED_FOR: Final = 1.0
"""Seconds at most that a refusal stands without asking again; others may give up sooner than it says."""
TOLD: Final = "rate_limit"
"""In a request's state: what `ResponseHeaders` tells in the headers of its answer."""
_network_prefix = lru_cache(REMEMBERED)(network_prefix)

Caller = tuple[str, object]
"""Which limit counts (`person`, `bot`, `address`, `refused`), and whom."""


class RateLimit(NamedTuple):
    """How a caller stands."""

    limit: int
    remaining: int
    reset_after: float
    """Seconds until the window ends."""


class Share:
    """What a process holds for one caller; times are the monotonic clock's."""

    __slots__ = ("asking", "elsewhere", "expires_at", "permits", "refused_until", "resets_at", "retry_at")

    def __init__(self) -> None:
        self.permits = 0
        self.expires_at = 0.0
        self.elsewhere = 0
        """Permits that nobody had taken when this block was."""
        self.resets_at = 0.0
        self.refused_until = 0.0
        self.retry_at = 0.0
        self.asking = asyncio.Lock()


class RateLimiter:
    """Permits by the minute. A limiter is no lock: while Redis is away everybody passes."""

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
        """One permit; None where nothing is counted. Raises TooManyRequests."""
        limit = self._limits[caller[0]]
        if not limit:
            return None
        now = self._now()
        share = self._shares.get(caller)
        if share is None:
            share = self._share(caller)
        if not share.permits or now >= share.expires_at:
            async with share.asking:  # of many at once one asks, for all of them
                now = self._now()
                if not share.permits or now >= share.expires_at:
                    if now < share.refused_until:
                        raise self._refusal(limit, share, now)
                    if now < self._away_until or not await self._refill(caller, share):
                        return None
        share.permits -= 1
        return RateLimit(limit, share.elsewhere + share.permits, max(0.0, share.resets_at - now))

    async def _refill(self, caller: Caller, share: Share) -> bool:
        """Take a block, or what is left: one permit. False where Redis is away; raises TooManyRequests."""
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
        except (RedisError, OSError) as error:  # TimeoutError is one
            self._note_away(error)
            return False
        now = self._now()
        ends = max(0.0, ends - WINDOW)  # it is kept for two windows, as the next one's past
        self._shares[caller] = self._shares.pop(caller, share)  # the ones used last go last
        share.permits, share.expires_at = taken, now + WINDOW
        share.elsewhere = max(0, limit - int(before * before_ends / WINDOW) - current)
        share.resets_at = now + ends
        if not taken:
            wait = seconds_until_room(limit, before, before_ends, current, ends)
            share.retry_at, share.refused_until = now + wait, now + min(wait, REFUSED_FOR)
            raise self._refusal(limit, share, now)
        return True

    def _share(self, caller: Caller) -> Share:
        """A new one; the one refilled longest ago makes room."""
        if len(self._shares) >= self.remembered:
            del self._shares[next(iter(self._shares))]
        share = self._shares[caller] = Share()
        return share

    @staticmethod
    def _refusal(limit: int, share: Share, now: float) -> TooManyRequests:
        wait = max(1, ceil(share.retry_at - now))
        return TooManyRequests(
            f"No more than {limit} requests a minute are answered; ask again in {wait} s, and less often.",
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
    """Seconds until the sliding window has room for one: `before` counts less by the second, `current` from its end."""
    if current < limit:
        return max(0.0, before_ends - (limit - current) * WINDOW / before) if before else 0.0
    return ends + WINDOW - limit * WINDOW / current


def caller_of(scope: Scope, *, refused: bool = False) -> Caller:
    """The caller that a request counts for: the person or bot that it was proven to come from, else the address.

    Of an address each open path counts by itself, and so do refusals: requests elsewhere never use up the permits that
    a sign-in from the same address needs.
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
    """Counts requests whose sender is known by now; stands behind authentication."""

    def __init__(self, app: ASGIApp, limiter: Callable[[], RateLimiter]) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"][TOLD] = await self._limiter().take(caller_of(scope))
        await self._app(scope, receive, send)


class RefusalLimiting:
    """Counts requests that authentication turned away, so that guessing has its limit too; stands before it."""

    def __init__(self, app: ASGIApp, limiter: Callable[[], RateLimiter]) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except (Unauthenticated, Forbidden):
            scope["state"][TOLD] = await self._limiter().take(caller_of(scope, refused=True))
            raise
