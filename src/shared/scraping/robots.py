"""robots.txt (RFC 9309): fetched once a day per host, stored in Redis, shared by all processes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from protego import Protego
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.clock import Clock
from shared.scraping.failures import HostUnavailable, Throttled
from shared.scraping.fetch_context import SiteResponse, retry_after
from shared.scraping.pacing import HostCoolingDownError, PacerUnreachableError

DAY: Final = 86_400
ASKING_MS: Final = 30_000
"""Milliseconds after which another process may fetch it, in case the fetching process died."""
REMEMBERED: Final = 300.0
"""Seconds for which a process trusts its own parsed copy."""
SIZE_LIMIT: Final = 512_000
"""Bytes of a robots.txt that are read; RFC 9309 requires at least 500 KiB."""
HTTP_OK: Final = 200
TOO_MANY: Final = 429
CLIENT_ERRORS: Final = range(400, 500)


class RobotsTxt:
    """Rules of robots.txt for our agent. No robots.txt (4xx) allows all paths, a host that fails (5xx) none."""

    def __init__(self, redis: Redis, *, clock: Clock, user_agent: str) -> None:
        self._redis = redis
        self._clock = clock
        self._product = user_agent.partition("/")[0]
        """Name of our agent in groups of a robots.txt; the rest of the User-Agent contains arbitrary words."""
        self._parsed: dict[str, tuple[float, Protego]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def allows(self, url: str, fetch: Callable[[str], Awaitable[SiteResponse]]) -> bool:
        """True if our agent may fetch the URL; robots.txt is fetched once, however many runs start together.

        Raises HostUnavailable or Throttled if the host gives no answer (the next run fetches it again),
        HostCoolingDownError while another process fetches it, and PacerUnreachableError.
        """
        origin = "/".join(url.split("/", 3)[:3])
        known = self._parsed.get(origin)
        if known is None or known[0] < monotonic():
            async with self._asking.setdefault(origin, asyncio.Lock()):
                known = self._parsed.get(origin)
                if known is None or known[0] < monotonic():
                    text = await self._text(origin, fetch)
                    known = self._parsed[origin] = (monotonic() + REMEMBERED, Protego.parse(text))
        return bool(known[1].can_fetch(url, self._product))

    async def _text(self, origin: str, fetch: Callable[[str], Awaitable[SiteResponse]]) -> str:
        key = f"robots:{origin}"
        try:
            stored: Any = await self._redis.get(key)
            mine = stored is not None or await self._redis.set(f"{key}:asking", 1, nx=True, px=ASKING_MS)
        except (RedisError, OSError) as error:
            raise PacerUnreachableError(str(error)) from error
        if stored is not None:
            return bytes(stored).decode("utf-8", "replace")
        if not mine:
            raise HostCoolingDownError(origin, 1.0, breaker_open=False)
        try:
            return await self._ask(origin, key, fetch)
        finally:
            with suppress(RedisError, OSError):  # the key expires by itself
                await self._redis.delete(f"{key}:asking")

    async def _ask(self, origin: str, key: str, fetch: Callable[[str], Awaitable[SiteResponse]]) -> str:
        answer = await fetch(f"{origin}/robots.txt")
        if answer.status == TOO_MANY:
            wait = retry_after(answer.headers.get("retry-after"), now=self._clock.now())
            raise Throttled("robots.txt answered 429: too many requests", retry_after=wait, http_status=TOO_MANY)
        if answer.status == HTTP_OK and answer.body.lstrip()[:1] == b"<":
            return ""  # an HTML page of any kind: no rules, and not stored for a day
        if answer.status == HTTP_OK:
            body = answer.body[:SIZE_LIMIT]
        elif answer.status in CLIENT_ERRORS:
            body = b""
        else:
            raise HostUnavailable(f"robots.txt answered {answer.status}", http_status=answer.status)
        with suppress(RedisError, OSError):  # the next run fetches it again, nothing is lost
            await self._redis.set(key, body, ex=DAY)
        return body.decode("utf-8", "replace")
